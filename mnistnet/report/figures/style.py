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
from mnistnet.errors import MnistnetError, reason
from mnistnet.files import atomic_write

ORDER = [*range(1, CLASSES), 0]
SIGNS = "RdBu_r"  # blue below zero, red above
BLUE, ORANGE = "#0072b2", "#d55e00"
COLOURS = [BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "black"]
DPI = 120
MARK = b"mnistnet plot, by Matplotlib"  # in every figure, to recognise it
# The defaults of matplotlib, not the user's; setting the backend would load it.
DEFAULTS = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
STYLE: Any = DEFAULTS | {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 10,
    "svg.hashsalt": "mnistnet",
    "image.interpolation": "nearest",
}


def check_replaceable(path: Path) -> None:
    """Raise MnistnetError unless the file at path is missing, empty or a plot made by mnistnet."""
    try:
        is_ours = not path.is_file() or not path.stat().st_size or MARK in path.read_bytes()
    except OSError as error:
        raise MnistnetError(f"cannot read {path}: {reason(error)}") from error
    if not is_ours:
        raise MnistnetError(
            f"{path}: expected a plot made by mnistnet; found another file, which is not replaced: "
            "name another with --out, or add --force"
        )


def save(figure: Figure, path: Path, force: bool = False, dpi: int = DPI) -> None:
    """Write a figure atomically, in the format of the ending: .png, .svg or .pdf.

    Raises MnistnetError if that fails, or, unless force is given, as check_replaceable does.
    """
    kind = path.suffix[1:].lower()
    maker = MARK.decode()
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": maker},
        "svg": {"Creator": maker, "Date": None},
        "pdf": {"Creator": maker, "CreationDate": None},
    }
    if not force:
        check_replaceable(path)
    with matplotlib.rc_context(STYLE), atomic_write(path) as stream:
        figure.savefig(stream, format=kind, dpi=dpi, metadata=metadata[kind])


def show_digit(pane: Axes, image: Array) -> None:
    pane.imshow(image.reshape(SIDE, SIDE), "Greys", vmin=0, vmax=255)
    pane.set(xticks=[], yticks=[])
