"""Figures drawn with matplotlib. Each function returns a figure; style.save writes it."""

from mnistnet.report.figures import answers, graph, style, training, weights

__all__ = ["answers", "graph", "style", "training", "weights"]
