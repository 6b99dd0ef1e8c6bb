"""Strokes of letters and symbols that do not look like digits.

Characters that some people write like a digit are left out, among them a B b D G g I i l O o Q q S
s Y y Z z and & ! / | ( ) >.
"""

import itertools

from mnistnet.image.strokes import Points

# Commas separate strokes. A stroke is a list of points (right, down), 0 to 9; ~ marks a curve.
_GLYPHS = """
19 50 89, 36 66                           A
~82 60 30 13 16 39 69 87                  C
80 10 19 89, 15 65                        E
80 10 19, 15 65                           F
10 19, 80 89, 15 85                       H
~70 77 59 29 17                           J
10 19, 80 15, 34 89                       K
10 19 79                                  L
19 10 55 90 99                            M
19 10 89 80                               N
19 10, ~10 60 82 83 65 15                 P
19 10, ~10 60 82 83 65 15, 45 89          R
00 90, 50 59                              T
~10 16 29 69 86 80                        U
00 49 80                                  V
00 29 45 69 90                            W
10 89, 80 19                              X
80 89, ~85 54 25 27 49 69 87              d
~26 86 74 43 15 17 39 69 88               e
~80 60 41 42 49, 24 74                    f
10 19, ~15 44 75 79                       h
~63 68 49 28, 60 61                       j
10 19, 73 16, 35 79                       k
13 19, ~14 33 44 49, ~44 63 84 89         m
13 19, ~14 43 74 79                       n
10 19, ~11 50 72 74 65 15                 p
13 19, ~15 34 63 74                       r
~40 47 59 78, 23 73                       t
~13 17 39 69 86, 83 89                    u
~64 43 35 46 57 63, ~64 66 86 84 60 31 05 18 69 88    at sign
30 19, 70 59, 13 93, 06 86                hash
80 19, 20 11 22 31 20, 68 59 69 78 68     per cent
41 49, 05 85                              plus
05 85                                     minus
03 83, 06 86                              equals
41 49, 13 77, 73 17                       asterisk
~11 40 71 73 45 46, 48 49                 question mark
~06 24 45 66 84                           tilde
60 30 39 69                               bracket
80 15 89                                  less than
80 10 55 19 89                            sum
00 90, 20 29, 60 69                       pi
20 89, 54 19                              lambda
06 29 60 90                               root
~45 22 03 06 27 44 62 83 86 67 45         infinity
05 95, 62 95 68                           arrow right
05 95, 32 05 38                           arrow left
40 49, 16 49 76                           arrow down
40 49, 13 40 73                           arrow up
40 69 03 83 19 40                         star
~42 30 10 02 04 49, ~42 50 70 82 84 49    heart
~40 10 03 07 29 69 87 83 60 40, 23 24, 63 64, ~26 48 66    smiley
~40 10 03 07 29 69 87 83 60 40, 00 99, 90 09               crossed circle
05 40 85, 15 19 79 75, 39 36 56 59        house
10 89 80 10                               set square
11 19 89 81 11, 11 89                     crossed square
05 39 80                                  tick
10 19, 10 82 14                           flag
~95 43 14 17 38 96, 14 17                 fish
"""


def parse(line: str) -> list[Points]:
    """Parse the strokes of a glyph, in a square of side 1; ignore its name after two spaces."""
    return [_stroke(words) for words in line.split("  ")[0].split(",")]


def _stroke(words: str) -> Points:
    pairs = words.replace("~", "").split()
    points = [(int(pair[0]) / 9, int(pair[1]) / 9) for pair in pairs]
    if "~" in words:
        points = _cut_corners(_cut_corners(points))
    return points


def _cut_corners(points: Points) -> Points:
    """Smooth a line (Chaikin 1974): keep its ends, and take the points a quarter and three quarters
    of the way between each two."""
    between = [
        (a + share * (c - a), b + share * (d - b))
        for (a, b), (c, d) in itertools.pairwise(points)
        for share in (0.25, 0.75)
    ]
    return [points[0], *between[1:-1], points[-1]]


GLYPHS: list[list[Points]] = [parse(line) for line in _GLYPHS.strip().splitlines()]
