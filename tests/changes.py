"""Turn an image into pictures of the same digit: cropped, scaled, coloured, lit, on paper, stored.

Each change takes an image (28, 28) uint8, 0 = background, and a generator, and returns a picture
file. The invariance tests compare answers before and after, and bench_pictures.py measures them.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from mnistnet.image.drawn import WAYS

Change = Callable[[np.ndarray, np.random.Generator], io.BytesIO]


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> io.BytesIO:
    if form == "PNG":
        options = {"compress_level": 0} | options
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    stream.seek(0)
    return stream


def cropped(image: np.ndarray) -> Image.Image:
    """Crop the image to its ink."""
    picture = Image.fromarray(image)
    return picture.crop(picture.getbbox())


def sized(picture: Image.Image, longer_side: int) -> Image.Image:
    scale = longer_side / max(picture.size)
    width, height = (max(1, round(scale * length)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.BICUBIC)


def framed(image: np.ndarray, margin: float, side: int | None = None) -> Image.Image:
    """Crop to the ink, and add a margin, a fraction of its longer side, all around."""
    ink = cropped(image)
    canvas = ImageOps.expand(ink, round(margin * max(ink.size)))
    return sized(canvas, side) if side else canvas


def written(
    image: np.ndarray, paper: np.ndarray, ink: Any = (40, 40, 60), share: float = 0.6
) -> Image.Image:
    """Draw the digit on the middle of paper (height, width, 3), on this share of its side."""
    digit = sized(cropped(image), round(share * min(paper.shape[:2])))
    cover = np.zeros((*paper.shape[:2], 1))
    top, left = (paper.shape[0] - digit.height) // 2, (paper.shape[1] - digit.width) // 2
    cover[top : top + digit.height, left : left + digit.width, 0] = np.asarray(digit) / 255
    blended = paper + cover * (np.asarray(ink, float) - paper)
    return Image.fromarray(np.clip(blended, 0, 255).astype(np.uint8))


def blank(side: int = 280, colour: Any = (240, 236, 228)) -> np.ndarray:
    return np.tile(np.asarray(colour, float), (side, side, 1))


def coloured(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Write in two colours whose lightness differs by at least a quarter of the range."""
    ink = paper = np.zeros(3)
    while abs((ink - paper).mean()) < 64:
        ink, paper = rng.uniform(0, 255, (2, 3))
    return written(image, blank(140, paper), ink)


def moved(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    digit = sized(cropped(image), 120)
    canvas = Image.new("L", (400, 300))
    at = rng.integers(0, [400 - digit.width + 1, 300 - digit.height + 1])
    canvas.paste(digit, tuple(at.tolist()))
    return canvas


def shaded(rng: np.random.Generator) -> np.ndarray:
    """Paper in light that falls by up to a half towards one side."""
    y, x = np.mgrid[-1:1:280j, -1:1:280j]
    turn = rng.uniform(0, 2 * np.pi)
    across = np.cos(turn) * x + np.sin(turn) * y
    light = 0.75 + rng.uniform(0.1, 0.18) * across - rng.uniform(0, 0.06) * across**2
    return blank() * light[..., None]


def ruled(rng: np.random.Generator, squared: bool = False) -> np.ndarray:
    """Ruled or squared paper, whose lines are fainter than ink and thinner than strokes."""
    paper = blank(colour=(250, 250, 250))
    colour = rng.uniform([120, 140, 160], [215, 225, 240])
    apart, width = int(rng.integers(24, 60)), int(rng.integers(1, 4))
    for start in range(int(rng.integers(0, apart)), 280, apart):
        paper[start : start + width] = colour
        if squared:
            paper[:, start : start + width] = colour
    return paper


def textured(rng: np.random.Generator) -> np.ndarray:
    """Paper with coarse and fine grain."""
    coarse = Image.fromarray(rng.uniform(0, 255, (280, 280)).astype(np.uint8))
    blurred = np.asarray(coarse.filter(ImageFilter.GaussianBlur(3)), float)
    grain = 8 * (blurred - blurred.mean()) / blurred.std() + rng.normal(0, 8, (280, 280))
    return blank(colour=(205, 198, 185)) + grain[..., None]


def noisy(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Make one pixel in twenty black or white."""
    pixels = np.array(picture)
    chance = rng.random(pixels.shape)
    pixels[chance < 0.025], pixels[chance > 0.975] = 0, 255
    return Image.fromarray(pixels)


def with_alpha(image: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Ink of any colour on a transparent background."""
    cover = framed(image, 0.2, 280)
    drawing = Image.new("RGB", cover.size, tuple(rng.integers(0, 256, 3).tolist()))
    drawing.putalpha(cover)
    return drawing


# Changes of geometry and colour may cost half a point ...
GEOMETRY: dict[str, Change] = {
    "cropped to the ink": lambda i, _: saved(cropped(i)),
    "cropped, dark on light": lambda i, _: saved(ImageOps.invert(cropped(i))),
    "cropped, 200 pixels": lambda i, _: saved(sized(cropped(i), 200)),
    "margin 5 %": lambda i, _: saved(framed(i, 0.05)),
    "margin 20 %, 280 pixels": lambda i, _: saved(framed(i, 0.2, 280)),
    "margin 100 %, 280 pixels": lambda i, _: saved(framed(i, 1, 280)),
    "margin 200 %, 280 pixels": lambda i, _: saved(framed(i, 2, 280)),
    "28 pixels, off centre": lambda i, g: saved(
        Image.fromarray(np.roll(i, g.integers(-4, 5, 2), (0, 1)))
    ),
    "40 pixels": lambda i, _: saved(framed(i, 0.2, 40)),
    "2,000 pixels": lambda i, _: saved(framed(i, 0.2, 2000)),
    "inverted": lambda i, _: saved(Image.fromarray(255 - i)),
    "inverted, 280 pixels": lambda i, _: saved(ImageOps.invert(framed(i, 0.2, 280))),
    "any two colours": lambda i, g: saved(coloured(i, g)),
    "moved": lambda i, g: saved(moved(i, g)),
    "opaque alpha": lambda i, g: saved(coloured(i, g).convert("RGBA")),
    "transparent": lambda i, g: saved(with_alpha(i, g)),
}
# ... and those that remove or add detail one and a half.
DETAIL: dict[str, Change] = {
    "16 pixels": lambda i, _: saved(framed(i, 0.1, 16)),
    "28 to 16 pixels": lambda i, _: saved(sized(Image.fromarray(i), 16)),
    "cropped, 16 pixels": lambda i, _: saved(sized(cropped(i), 16)),
    "shaded": lambda i, g: saved(written(i, shaded(g))),
    "ruled": lambda i, g: saved(written(i, ruled(g))),
    "squared": lambda i, g: saved(written(i, ruled(g, squared=True))),
    "textured": lambda i, g: saved(written(i, textured(g))),
    "noisy": lambda i, g: saved(noisy(framed(i, 0.2, 140), g)),
    "dithered": lambda i, g: saved(written(i, shaded(g)).convert("1")),
    "thick pen": lambda i, _: saved(framed(i, 0.2, 140).filter(ImageFilter.MaxFilter(11))),
    "JPEG 50, 28 pixels": lambda i, _: saved(Image.fromarray(i), "JPEG", quality=50),
    "JPEG 50, inverted, 64 pixels": lambda i, _: saved(
        ImageOps.invert(framed(i, 0.2, 64)), "JPEG", quality=50
    ),
    "JPEG 50, 280 pixels": lambda i, g: saved(written(i, shaded(g)), "JPEG", quality=50),
}
CHANGES = GEOMETRY | DETAIL


def drawn(digit: int, width: float, side: int = 200) -> io.BytesIO:
    """Draw the first form of the digit; width is that of a round pen, as a fraction of the digit's
    height, at least a pixel."""
    pen = max(1, round(width * side))
    picture = Image.new("L", (2 * side, 2 * side), 255)
    draw = ImageDraw.Draw(picture)
    for stroke in WAYS[digit][0]:
        points = [(side * (0.5 + x), side * (0.5 + y)) for x, y in stroke]
        draw.line(points, 0, pen, joint="curve")
    return saved(picture)


def in_cells(images: np.ndarray, rng: np.random.Generator, gap: int) -> io.BytesIO:
    """Put images (n, 28, 28) in the cells of a form, each 78 pixels wide, gap pixels apart."""
    paper = Image.new("L", (60 + (78 + gap) * len(images), 132), 245)
    for number, image in enumerate(images):
        x = 30 + (78 + gap) * number
        digit = sized(cropped(image), round(60 * rng.uniform(0.85, 1.15)))
        ink = Image.new("L", digit.size, 30)
        paper.paste(ink, (x + 39 - digit.width // 2, 66 - digit.height // 2), digit)
        ImageDraw.Draw(paper).rectangle([x, 26, x + 78, 106], outline=90, width=2)
    return saved(paper)


def row(images: np.ndarray, rng: np.random.Generator, on_paper: bool) -> io.BytesIO:
    """Put images (n, 28, 28) side by side, with gaps of 0.1 to 1 times their height."""
    digits = [sized(cropped(image), round(60 * rng.uniform(0.85, 1.15))) for image in images]
    gaps = (60 * rng.uniform(0.1, 1, len(digits) + 1)).astype(int).tolist()
    canvas = Image.new("L", (sum(d.width for d in digits) + sum(gaps), 110))
    x = 0
    for digit, gap in zip(digits, gaps, strict=False):
        x += gap
        canvas.paste(digit, (x, 55 - digit.height // 2 + int(rng.integers(-8, 9))))
        x += digit.width
    if not on_paper:
        return saved(canvas)
    ink, paper = rng.uniform((0, 0, 0), (90, 90, 140)), rng.uniform((190, 190, 170), 255)
    light = np.linspace(1, rng.uniform(0.85, 1), canvas.width)[:, None]
    cover = np.asarray(canvas)[..., None] / 255
    levels = (paper + cover * (ink - paper)) * light + rng.normal(0, 3, (*cover.shape[:2], 1))
    return saved(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)))


def tilted(images: np.ndarray, rng: np.random.Generator) -> io.BytesIO:
    """As row, turned by up to 5 degrees."""
    picture = Image.open(row(images, rng, on_paper=True)).convert("RGB")
    paper = picture.getpixel((0, 0))
    turn = rng.uniform(-5, 5)
    return saved(picture.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=paper))


def on_lines(images: np.ndarray, rng: np.random.Generator, squared: bool = False) -> io.BytesIO:
    """As row, on ruled or squared paper that is turned by up to 2 degrees."""
    picture = Image.open(row(images, rng, on_paper=True)).convert("RGB")
    lines = Image.new("RGB", picture.size, "white")
    pen = ImageDraw.Draw(lines)
    apart, slope = rng.uniform(25, 45), rng.uniform(-0.03, 0.03)
    colour = tuple(rng.integers(90, 200, 3).tolist())
    for y in np.arange(-apart, picture.height + apart, apart):
        pen.line([0, y, picture.width, y + slope * picture.width], colour, 2)
    for x in np.arange(-apart, picture.width + apart, apart) if squared else ():
        pen.line([x, 0, x - slope * picture.height, picture.height], colour, 2)
    return saved(ImageChops.darker(picture, lines))


# Numbers: images side by side.
ROWS: dict[str, Change] = {
    "light on dark": partial(row, on_paper=False),
    "dark on paper": partial(row, on_paper=True),
    "in boxes": partial(in_cells, gap=20),
    "in a comb": partial(in_cells, gap=0),
    "tilted": tilted,
    "on ruled paper": on_lines,
    "on squared paper": partial(on_lines, squared=True),
}
