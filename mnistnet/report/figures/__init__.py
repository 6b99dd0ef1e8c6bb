"""Figures drawn with matplotlib. Each function returns a figure; save writes it."""

# first, because it imports matplotlib whatever MPLBACKEND says
import mnistnet.report.figures.backend  # noqa: F401
from mnistnet.report.figures.answers import calibration, confusion, mistakes
from mnistnet.report.figures.graph import expression
from mnistnet.report.figures.style import check_replaceable, save
from mnistnet.report.figures.training import history, starts
from mnistnet.report.figures.weights import units, weights

__all__ = [
    "calibration",
    "check_replaceable",
    "confusion",
    "expression",
    "history",
    "mistakes",
    "save",
    "starts",
    "units",
    "weights",
]
