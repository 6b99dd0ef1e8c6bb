"""Images of no digit, of kinds that the bundled weights were not trained on.

Letters of other scripts, symbols and words, in fonts that come with matplotlib, and line drawings.
Nothing that looks like a digit is among them.
"""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistnet.arrays import Array
from mnistnet.image.digit import normalise
from mnistnet.image.drawn import draw_strokes, parse
from mnistnet.image.nondigits import cropped, skewed

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SCRIPTS = "ΔΛΞΠΣΦΨΩπφψωξЖИЙЛПФЦШЩЪЫЮЯДжфшщюядאהמקשתبتثجحسشصضكل"
SYMBOLS = "☀☁☂★☎☞☠☢☮☯☺♀♂♔♞♠♣♥♦♪♫⚓⚔✂✈✉✌✎✓✗❄❤➔⌂⌘⏏"

# In the notation of mnistnet/image/strokes.txt.
THINGS = """
mug: 11 18 78 71 11; ~73 93 96 76
cat: ~40 10 05 09 49 89 95 80 40; 20 10 13; 60 80 83; 36 46; ~27 48 67
man: ~41 31 33 43 53 51 41; 43 47; 24 64; 29 47 69
tree: 49 46; 16 40 76 16
car: 05 25 32 62 75 95 98 08 05; ~28 19 29 39 28; ~68 59 69 79 68
boat: 07 97 78 28 07; 47 40 75 47
key: ~21 01 04 24 44 41 21; 43 93 95; 73 75
glasses: ~13 03 05 25 35 23 13; ~73 53 55 75 85 73; 34 54
envelope: 02 92 97 07 02; 02 45 92
clock: ~40 10 05 09 49 89 95 80 40; 45 41; 45 76
ladder: 20 29; 60 69; 21 61; 23 63; 25 65; 27 67
chair: 20 29; 26 76 79
moon: ~60 20 14 18 69 37 34 60
cloud: ~18 06 14 33 42 61 73 86 88 18
kite: 40 73 46 13 40; ~46 57 48 59
butterfly: ~43 11 03 25 44 27 08 49 47; ~43 71 83 65 44 67 88 49
table: 00 09; 00 90; 03 93; 06 96; 09 99; 90 99
comb: 10 15 85 80; 30 34; 50 54; 70 74
pulse: 05 25 31 48 52 67 75 95
sign of Venus: ~40 70 74 44 14 10 40; 44 49; 26 66
pentagram: 19 40 79 03 83 19
fat arrow: 05 45 41 94 47 45
bird: ~05 03 13 33 53 64 66; ~66 86 83 93; 03 09
"""


def draw(count: int, rng: np.random.Generator) -> dict[str, Array]:
    """Images (count, 784) uint8 of each kind."""
    sans = ImageFont.truetype(FONTS / "DejaVuSans.ttf", 60)
    serif = ImageFont.truetype(FONTS / "DejaVuSerif-Italic.ttf", 60)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    things = [parse(line.partition(":")[2]) for line in THINGS.strip().splitlines()]
    kinds = {
        "letters of other scripts": lambda: typed(rng.choice(list(SCRIPTS)), sans, rng),
        "symbols": lambda: typed(rng.choice(list(SYMBOLS)), sans, rng),
        "words": lambda: typed("".join(rng.choice(letters, rng.integers(2, 6))), serif, rng),
        "things": lambda: draw_strokes(things[rng.integers(len(things))], 1, rng)[0],
    }
    return {
        name: np.array([make().reshape(-1) for _ in range(count)]) for name, make in kinds.items()
    }


def typed(text: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Array:
    canvas = Image.new("L", (400, 400))
    ImageDraw.Draw(canvas).text((200, 200), text, 255, font, anchor="mm")
    return normalise(cropped(skewed(canvas, rng)))
