"""Draw docs/gallery.png: pictures, the image that the network sees of each, and its answer; and
four small pictures of digits in docs/pictures/.

    python tests/bench/gallery.py
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mnistnet.api import judge, load_network
from mnistnet.image.digit import read_picture
from mnistnet.image.drawn import WAYS

DOCS = Path(__file__).resolve().parents[2] / "docs"
TILE = 168
# A 4 whose strokes nearly close at the top, as a 9's do.
FOUR = (
    [(156, 62), (100, 85), (92, 125), (115, 155), (200, 150)],
    [(205, 80), (200, 150), (190, 250)],
)
LETTER = [(70, 240), (110, 60), (150, 190), (190, 60), (230, 240)]
DIGITS = {  # for docs/pictures: paper, box, width and ink
    2: ("#28382f", (110, 120, 560), 40, "#e8e8e0"),  # chalk
    3: ("white", (480, 90, 220), 14, "#1c4fa0"),  # off centre
    5: ("white", (180, 160, 460), 110, "black"),  # a thick marker
    7: ("#f4f1e8", (160, 160, 480), 30, "#203060"),  # dark on light
}


def written(
    digit: int, side: int, paper: str, box: tuple[int, int, int], width: int, ink: str
) -> Image.Image:
    """Write a digit on square paper, in a square box: its left, top and side in pixels."""
    picture = Image.new("RGBA", (side, side), paper)
    pen = ImageDraw.Draw(picture)
    left, top, scale = box
    for stroke in WAYS[digit][-2]:
        points = [(left + scale * x, top + scale * y) for x, y in stroke]
        pen.line(points, ink, width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], ink)
    return picture


def photograph() -> Image.Image:
    """Ink on paper that is lit from one side."""
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    paper = written(5, 600, "#efe9dc", (120, 120, 360), 14, "#2a2c50").convert("RGB")
    light = (0.72 + 0.2 * x - 0.16 * y)[..., None]
    grain = np.random.default_rng(0).normal(0, 5, (600, 600, 1))
    levels = np.asarray(paper.filter(ImageFilter.GaussianBlur(1.5))) * light + grain
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGBA")


def pictures() -> dict[str, Image.Image]:
    squared = written(2, 420, "#fbfaf4", (63, 63, 294), 10, "#1c4fa0")
    for line in range(15, 420, 45):
        ImageDraw.Draw(squared).line([(0, line), (420, line)], "#c5d6ea", 2)
        ImageDraw.Draw(squared).line([(line, 0), (line, 420)], "#c5d6ea", 2)
    sticker = Image.new("RGBA", (500, 500))
    sticker.paste(written(6, 300, "#f59b2c", (0, 0, 300), 30, "#a01818"), (40, 170))
    four, letter = (Image.new("RGBA", (300, 300), "white") for _ in range(2))
    for stroke in FOUR:
        ImageDraw.Draw(four).line(stroke, "#303030", 14, "curve")
    ImageDraw.Draw(letter).line(LETTER, "#203060", 16, "curve")
    return {
        "photograph": photograph(),
        "squared paper": squared,
        "chalk": written(4, 300, "#28382f", (30, 30, 240), 14, "#e8e8e0"),
        "thin line": written(8, 500, "white", (75, 75, 350), 1, "black"),
        "equally light": written(0, 300, "#208838", (45, 45, 210), 24, "#d03030"),
        "in a corner": written(3, 900, "white", (600, 40, 260), 9, "black"),
        "white, transparent": written(9, 300, "#ffffff00", (45, 45, 210), 22, "white"),
        "sticker": sticker,
        "thick marker": written(7, 120, "white", (15, 15, 90), 20, "black"),
        "4 or 9?": four,
        "a letter": letter,
    }


def main() -> None:
    network = load_network()
    for digit, look in DIGITS.items():
        picture = written(digit, 800, *look).reduce(4)  # smooth edges
        picture.convert("RGB").save(DOCS / "pictures" / f"digit-{digit}.png", optimize=True)
    sheet = Image.new("RGB", (11 * TILE, 2 * TILE + 56), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(17)
    for column, (name, shown) in enumerate(pictures().items()):
        stream = io.BytesIO()
        shown.save(stream, "PNG")
        found = read_picture(stream.getvalue())
        answer = judge(network, found)
        said = f"{answer.digit}   {100 * answer.probability:.1f} %{'  unsure' * answer.unsure}"
        words = answer.reason if answer.digit is None else said
        left, inner = column * TILE + 4, (TILE - 8, TILE - 8)
        checks = Image.new("RGBA", shown.size, "#c8c8c8")
        sheet.paste(Image.alpha_composite(checks, shown).resize(inner).convert("RGB"), (left, 28))
        seen = Image.fromarray(found.digits[0].image.reshape(28, 28))
        sheet.paste(seen.resize(inner, Image.Resampling.NEAREST), (left, TILE + 28))
        pen.rectangle([left, 28, left + TILE - 9, TILE + 19], outline="#808080")
        pen.text((left, 4), name, "black", font)
        pen.text((left, 2 * TILE + 28), str(words), "black", font)
    sheet.save(DOCS / "gallery.png", optimize=True)


if __name__ == "__main__":
    main()
