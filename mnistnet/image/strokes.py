"""The strokes of digits, letters and symbols, which strokes.txt lists in a notation of its own."""

import itertools
import math
from pathlib import Path

Points = list[tuple[float, float]]


def parse(text: str) -> list[Points]:
    """Parse strokes between semicolons: each a list of points (right, down) in a unit square.

    >>> line, curve = parse("36,8 09; ~00 90 99 09")
    >>> line, len(curve)
    ([(0.36, 0.08), (0.0, 1.0)], 10)
    """
    return [_stroke(stroke) for stroke in text.split(";")]


def _stroke(text: str) -> Points:
    points: Points = []
    for word in text.replace("~", "").split():
        if word.startswith("arc"):
            x, y, width, height, begin, end = map(int, word[4:-1].split(","))
            for part in range(14):
                angle = math.radians(begin + (end - begin) * part / 13)
                right, down = width / 100 * math.cos(angle), height / 100 * math.sin(angle)
                points.append((x / 100 + right, y / 100 + down))
        elif "," in word:
            x, y = map(int, word.split(","))
            points.append((x / 100, y / 100))
        else:
            points.append((int(word[0]) / 9, int(word[1]) / 9))
    for _ in range(2 if "~" in text else 0):
        # Cut corners (Chaikin 1974): between each two points take those a quarter and three
        # quarters of the way, but keep the ends.
        between = [
            (a + share * (c - a), b + share * (d - b))
            for (a, b), (c, d) in itertools.pairwise(points)
            for share in (0.25, 0.75)
        ]
        points = [points[0], *between[1:-1], points[-1]]
    return points


WAYS: list[list[list[Points]]] = [[] for _ in range(10)]  # the forms of each digit
GLYPHS: list[list[Points]] = []  # the letters and symbols
for _line in Path(__file__).with_name("strokes.txt").read_text(encoding="utf-8").splitlines():
    if _line and not _line.startswith("#"):
        _name, _, _strokes = _line.partition(":")
        (WAYS[int(_name)] if _name.isdecimal() else GLYPHS).append(parse(_strokes))
