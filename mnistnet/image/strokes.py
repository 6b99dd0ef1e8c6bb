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
    return [_stroke(words.split()) for words in text.split(";")]


def _stroke(words: list[str]) -> Points:
    points = [point for word in words for point in _points(word.removeprefix("~"))]
    is_curve = words[0].startswith("~")
    return _cut_corners(_cut_corners(points)) if is_curve else points


def _points(word: str) -> Points:
    if word.startswith("arc"):
        x, y, width, height, begin, end = map(int, word[4:-1].split(","))
        return _arc(x / 100, y / 100, width / 100, height / 100, begin, end)
    if "," in word:
        x, y = map(int, word.split(","))
        return [(x / 100, y / 100)]
    return [(int(word[0]) / 9, int(word[1]) / 9)]


def _arc(x: float, y: float, width: float, height: float, begin: int, end: int) -> Points:
    angles = [math.radians(begin + (end - begin) * part / 13) for part in range(14)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


def _cut_corners(points: Points) -> Points:
    """Smooth a line (Chaikin 1974): keep its ends, and take the points a quarter and three quarters
    of the way between each two."""
    between = [
        (a + share * (c - a), b + share * (d - b))
        for (a, b), (c, d) in itertools.pairwise(points)
        for share in (0.25, 0.75)
    ]
    return [points[0], *between[1:-1], points[-1]]


def _read() -> tuple[list[list[list[Points]]], list[list[Points]]]:
    """Return the forms of each digit, and the letters and symbols."""
    ways: list[list[list[Points]]] = [[] for _ in range(10)]
    glyphs: list[list[Points]] = []
    for line in Path(__file__).with_name("strokes.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, strokes = line.partition(":")
            (ways[int(name)] if name.isdecimal() else glyphs).append(parse(strokes))
    return ways, glyphs


WAYS, GLYPHS = _read()
