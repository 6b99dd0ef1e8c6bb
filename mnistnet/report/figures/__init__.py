"""Figures drawn with matplotlib. Each function returns a figure; style.save writes it."""

from mnistnet.report.figures import graph, results, style, weights

__all__ = ["graph", "results", "style", "weights"]
