"""Colours, fonts and saving of the figures.

Digits are in the notes' order, 1 to 9 and then 0. The colours suit colour-blind readers: blue and
red for signs, blue and orange (Okabe and Ito) for categories. The same figure gives the same bytes
with the same version of matplotlib.
"""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.files import atomic_write

ORDER = [*range(1, CLASSES), 0]
SIGNS = "RdBu_r"  # blue below zero, red above
BLUE, ORANGE = "#0072b2", "#d55e00"
COLOURS = [BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "black"]
MARK = "mnistnet plot, by Matplotlib"  # in every figure, to recognise it
METADATA: dict[str, dict[str, Any]] = {  # None: no date, which would make the bytes differ
    "png": {"Software": MARK},
    "svg": {"Creator": MARK, "Date": None},
    "pdf": {"Creator": MARK, "CreationDate": None},
}
# The defaults of matplotlib, not the user's; setting the backend would load it.
DEFAULTS = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
STYLE: Any = DEFAULTS | {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.titlesize": 10,
    "svg.hashsalt": "mnistnet",
    "text.parse_math": False,  # names may contain $
    "image.interpolation": "nearest",
}


def save(figure: Figure, path: Path, dpi: int = 120) -> None:
    """Write a figure atomically, in the format of the ending: .png, .svg or .pdf."""
    kind = path.suffix[1:].lower()
    with matplotlib.rc_context(STYLE), atomic_write(path) as stream:
        figure.savefig(stream, format=kind, dpi=dpi, metadata=METADATA[kind])


def show_digit(pane: Axes, image: Array) -> None:
    """Show an image (784,) without ticks."""
    pane.imshow(image.reshape(SIDE, SIDE), "Greys", vmin=0, vmax=255)
    pane.set(xticks=[], yticks=[])
