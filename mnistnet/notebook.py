"""How answers and networks show themselves in a notebook: HTML with the pictures inside."""

import base64
import html
import io
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from mnistnet.arrays import SIDE, Array

ACROSS = 12  # hidden units in a row, and at most in a column


def answer_html(title: str, images: Iterable[Array], answers: Iterable[Sequence[float]]) -> str:
    """Show the images (784,) that the network saw, and the probabilities (10,) of each, if any."""
    rows = ""
    for image, probabilities in itertools.zip_longest(images, answers, fillvalue=()):
        bars = (f'{k} <meter value="{p}"></meter> {p:.1%}' for k, p in enumerate(probabilities))
        pixels = 255 - np.reshape(image, (SIDE, SIDE))
        rows += f"<tr><td>{_picture(pixels, 6)}</td><td>{'<br>'.join(bars)}</td></tr>"
    return f"<b>{html.escape(title)}</b><table>{rows}</table>"


def network_html(title: str, M: Array) -> str:
    """Show the rows of M (units, 784) as tiles, red positive and blue negative."""
    rows = M[: ACROSS * ACROSS]
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True).clip(1e-9)
    tiles = np.pad(scaled, ((0, -len(rows) % ACROSS), (0, 0))).reshape(-1, ACROSS, SIDE, SIDE)
    plane = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1))).swapaxes(1, 2)
    plane = plane.reshape(-1, ACROSS * (SIDE + 2))
    colours = 1 - np.stack([(-plane).clip(0), np.abs(plane), plane.clip(0)], axis=-1)
    caption = f"M of {len(rows)} of {len(M)} hidden units"
    return f"<b>{title}</b><br>{caption}<br>{_picture((255 * colours).astype(np.uint8), 2)}"


def _picture(pixels: Array, factor: int) -> str:
    """Return the element for pixels (height, width) or (height, width, 3), uint8."""
    stream = io.BytesIO()
    Image.fromarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1)).save(stream, "PNG")
    return f'<img src="data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}">'
