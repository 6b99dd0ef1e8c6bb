"""Draw docs/gallery.png: pictures, the image that the network sees of each, and its answer.

python tests/bench/gallery.py
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mnistnet import Answer, api
from mnistnet.image.digit import read_picture
from mnistnet.image.strokes import WAYS

TARGET = Path(__file__).parents[2] / "docs" / "gallery.png"
TILE = 168


def strokes(
    digit: int, side: int, width: int, ink: str, paper: str, mode: str = "RGB", box: float = 1.0
) -> Image.Image:
    """The digit in the middle of a square picture, of which it fills the share box."""
    picture = Image.new(mode, (side, side), paper)
    pen = ImageDraw.Draw(picture)
    for stroke in WAYS[digit][-2]:
        points = [
            (side * (0.5 + box * (x - 0.5)), side * (0.5 + box * (y - 0.5))) for x, y in stroke
        ]
        pen.line(points, ink, width, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], ink)
    return picture


def photograph() -> Image.Image:
    """Ink on paper that is lit from one side."""
    y, x = np.mgrid[-1:1:600j, -1:1:600j]
    paper = strokes(5, 600, 14, "#2a2c50", "#efe9dc", box=0.6).filter(ImageFilter.GaussianBlur(1.5))
    light = (0.72 + 0.2 * x - 0.16 * y)[..., None]
    grain = np.random.default_rng(0).normal(0, 5, (600, 600, 1))
    return Image.fromarray(np.clip(np.asarray(paper) * light + grain, 0, 255).astype(np.uint8))


def ruled() -> Image.Image:
    picture = strokes(2, 420, 10, "#1c4fa0", "#fbfaf4", box=0.7)
    pen = ImageDraw.Draw(picture)
    for line in range(15, 420, 45):
        pen.line([(0, line), (420, line)], "#c5d6ea", 2)
        pen.line([(line, 0), (line, 420)], "#c5d6ea", 2)
    return picture


def in_a_corner() -> Image.Image:
    canvas = Image.new("RGB", (900, 900), "white")
    canvas.paste(strokes(3, 260, 9, "black", "white"), (600, 40))
    return canvas


def sticker() -> Image.Image:
    canvas = Image.new("RGBA", (500, 500), "#00000000")
    canvas.paste(strokes(6, 300, 30, "#a01818", "#f59b2c"), (40, 170))
    return canvas


def letter() -> Image.Image:
    canvas = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(canvas).line(
        [(70, 240), (110, 60), (150, 190), (190, 60), (230, 240)], "#203060", 16, "curve"
    )
    return canvas


def ambiguous() -> Image.Image:
    """A 4 whose strokes nearly close at the top, as a 9's do."""
    canvas = Image.new("RGB", (300, 300), "white")
    pen = ImageDraw.Draw(canvas)
    pen.line([(156, 62), (100, 85), (92, 125), (115, 155), (200, 150)], "#303030", 14, "curve")
    pen.line([(205, 80), (200, 150), (190, 250)], "#303030", 14, "curve")
    return canvas


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "photograph": photograph,
    "squared paper": ruled,
    "chalk": lambda: strokes(4, 300, 14, "#e8e8e0", "#28382f", box=0.8),
    "thin line": lambda: strokes(8, 500, 1, "black", "white", box=0.7),
    "equally light": lambda: strokes(0, 300, 24, "#d03030", "#208838", box=0.7),
    "in a corner": in_a_corner,
    "white, transparent": lambda: strokes(9, 300, 22, "white", "#ffffff00", "RGBA", 0.7),
    "sticker": sticker,
    "thick marker": lambda: strokes(7, 120, 20, "black", "white", box=0.75),
    "4 or 9?": ambiguous,
    "a letter": letter,
}


def words(answer: Answer) -> str:
    if answer.digit is None:
        return str(answer.reason)
    unsure = "  unsure" if answer.unsure else ""
    return f"{answer.digit}   {100 * answer.probability:.1f} %{unsure}"


def main() -> None:
    network = api.load_network()
    sheet = Image.new("RGB", (len(PICTURES) * TILE, 2 * TILE + 56), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(17)
    for column, (name, make) in enumerate(PICTURES.items()):
        stream = io.BytesIO()
        make().save(stream, "PNG")
        stream.seek(0)
        picture = read_picture(stream)
        (answer,) = api.answers(network, [picture])
        shown = Image.open(stream).convert("RGBA")
        checks = Image.new("RGBA", shown.size, "#c8c8c8")
        shown = Image.alpha_composite(checks, shown).resize((TILE - 8, TILE - 8))
        left = column * TILE + 4
        sheet.paste(shown.convert("RGB"), (left, 28))
        image = picture.digits[0].image.reshape(28, 28)
        seen = Image.fromarray(image).resize((TILE - 8, TILE - 8), 0)
        sheet.paste(seen, (left, TILE + 28))
        pen.rectangle([left, 28, left + TILE - 9, TILE + 19], outline="#808080")
        pen.text((left, 4), name, "black", font)
        pen.text((left, 2 * TILE + 28), words(answer), "black", font)
    sheet.save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
