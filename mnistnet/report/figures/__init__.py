"""Figures drawn with matplotlib. Each function returns a figure; save writes it."""

from mnistnet.report.figures.answers import calibration, confusion, mistakes
from mnistnet.report.figures.graph import expression
from mnistnet.report.figures.network import units, weights
from mnistnet.report.figures.starts import starts
from mnistnet.report.figures.style import BLUE, ORANGE, check_replaceable, save
from mnistnet.report.figures.training import history

__all__ = [
    "BLUE",
    "ORANGE",
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
