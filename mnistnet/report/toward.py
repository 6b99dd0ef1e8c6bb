"""Change a picture, along one gradient, until the network takes it for another digit."""

from typing import Any

import numpy as np

from mnistnet.arrays import SIDE, Array
from mnistnet.errors import PictureError
from mnistnet.model.network import Perceptron, forward
from mnistnet.report.text import half_blocks

LONGEST = 28.0  # length of the change; that from all black to all white


def change_toward(network: Perceptron, image: Array, digit: int) -> dict[str, Any]:
    """Find the smallest length s for which the answer to clip(x + s d, 0, 1) is this digit, where d
    is the direction of the gradient of f_digit - f_answer with respect to x, the pixels / 255.

    image is (784,) uint8. Returns the fields of `predict --toward --json`; length and after are
    None if there is no such s up to 28. Raises PictureError if the answer is this digit already.
    """
    exact, x = network.in_float64(), image / 255
    W = exact.matrices
    layers, f = forward(W, x[None])
    answer, step, length = int(f.argmax()), LONGEST, LONGEST
    if answer == digit:
        raise PictureError(f"the network reads a {digit} already")
    signal = W[-1][digit] - W[-1][answer]
    for M, h in zip(W[-2::-1], layers[:0:-1], strict=True):
        signal = signal * (1 - h[0] ** 2) @ M
    direction = signal / (np.linalg.norm(signal) or 1)
    found: dict[str, Any] = {"answer": answer, "toward": digit, "before": x.tolist()}
    for _ in range(3):  # ever finer grids
        lengths, step = length - step + step * np.arange(1, 201) / 200, step / 200
        pictures = np.clip(x + lengths[:, None] * direction, 0, 1)
        reached = np.flatnonzero(exact.scores(pictures).argmax(axis=1) == digit)
        if not reached.size:
            return found | {"length": None, "after": None}
        length, after = float(lengths[reached[0]]), pictures[reached[0]].tolist()
    return found | {"length": length, "after": after}


def change_text(found: dict[str, Any], plain: bool) -> str:
    """Draw the picture before, its change and the picture after, without the outermost columns."""
    answer, digit = found["answer"], found["toward"]
    if found["length"] is None:
        return (
            f"no change along the gradient up to length {LONGEST:g} makes this {answer} a {digit}"
        )
    before, after = np.array([found["before"], found["after"]])
    changes = (after - before).reshape(SIDE // 2, 2, SIDE).mean(axis=1)
    signs = np.sign(changes) * (np.abs(changes) > np.abs(changes).max() / 5)
    columns = (
        [f" {answer}", *half_blocks(255 * before, plain)],
        [" change", *("".join(" +-"[int(sign)] for sign in row) for row in signs)],
        [f" {digit}", *half_blocks(255 * after, plain)],
    )
    rows = [" ".join(f"{part[1:27]:<26}" for part in row) for row in zip(*columns, strict=True)]
    title = f"a change of length {found['length']:.4f} along the gradient of f_{digit} - f_{answer}"
    return "\n".join([title, *(row.rstrip() for row in rows)])
