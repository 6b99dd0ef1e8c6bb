"""Convert a picture that Pillow has decoded to small, opaque pixels of 0 to 255.

Interprets transparency, 16 and 32-bit grey, and grey of 17 levels or fewer.
"""

import math

import numpy as np
from PIL import Image

from mnistnet.arrays import Array, quantile, variation
from mnistnet.errors import PictureError

WORKING_SIDE = 320  # pixels: a picture with more than in a square of this side is reduced
PATCH = 24  # most outline^2 / area of a patch: 16 for a square, 18 for 1 x 2, more for strokes
FEW = (1, 15, 16)  # highest value of masks, 4-bit grey, and scikit-learn's digits
PLAIN = 64  # of 255: a smaller range of colours, or of transparency, counts as uniform


def small_pixels(picture: Image.Image) -> Array:
    """Return pixels (height, width, 1 or 3 colours), 0 to 255, float32, reduced by averaging to at
    most those of a square of WORKING_SIDE.

    Raises PictureError if all pixels are transparent, or none is a finite number.
    """
    factor = math.ceil(math.sqrt(picture.width * picture.height) / WORKING_SIDE)
    if picture.mode[0] in "IF":  # 16 or 32-bit grey, which Pillow would clip at 255
        small = _eight_bits(picture).reduce(factor)
    elif picture.has_transparency_data:
        if picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("RGBA")
        weighted = picture.convert(f"{picture.mode[:-1]}a")  # premultiplied, so that averages hold
        small = _opaque(weighted.reduce(factor).convert(picture.mode).convert("RGBA"))
    else:
        picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        small = _stretched(picture).reduce(factor)
    pixels = np.asarray(small.convert("RGB"), np.float32)
    is_grey = (pixels == pixels[..., :1]).all()
    return pixels[..., :1] if is_grey else pixels


def _stretched(picture: Image.Image) -> Image.Image:
    """Stretch masks with values of 0 and 1, and values of 0 to 15 or 16, to 0 to 255."""
    extrema = picture.getextrema()
    top = max(pair[1] if isinstance(pair, tuple) else extrema[1] for pair in extrema)
    return picture.point(lambda value: 255 * value // top) if top in FEW else picture


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Spread grey of any range over 0 to 255, clipping 1 in 1,000 at either end."""
    grey = np.asarray(picture).astype(np.float32)
    sample = grey[:: 1 + len(grey) // 1000, :: 1 + grey.shape[1] // 1000]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        raise PictureError("found no digit: no pixel has a finite value")
    low, high = float(quantile(sample, 0.001)), float(quantile(sample, 0.999))
    grey = np.nan_to_num(grey, copy=False, nan=low, posinf=high, neginf=low)
    grey = np.clip(grey, low, high, out=grey)
    grey -= low
    grey *= 255 / ((high - low) or 1)
    return Image.fromarray(grey.astype(np.uint8))


def _opaque(picture: Image.Image) -> Image.Image:
    """Convert RGBA to RGB.

    If transparency hardly varies, keep the colours. Otherwise draw strokes of one colour in black
    on white, extend the background of a patch that has a drawing on it, and put anything else on
    white.
    """
    pixels = np.asarray(picture)
    alpha = pixels[..., 3]
    colours = pixels[alpha > 127][:, :3]
    if not len(colours):
        raise PictureError("found no digit: it is entirely transparent")
    if np.ptp(alpha) < PLAIN:
        return picture.convert("RGB")
    spread = np.ptp(colours.astype(int), axis=0).max()
    visible = alpha / np.float32(255)
    is_patch = variation(np.pad(visible, 1)) ** 2 < PATCH * visible.sum()
    if spread < (PLAIN // 4 if is_patch else PLAIN):
        return Image.fromarray(255 - alpha)
    paper = tuple(quantile(colours, 0.5).tolist()) if is_patch else (255, 255, 255)
    return Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture)
