"""The notes' boxes of forward propagation and backpropagation, one unit at a time.

Units may be connected in any way without cycles; v_i = sigma_i(w_i . v_Pa(i)), where Pa(i) are the
parents of unit i. The first units are the inputs, the last ones the outputs f; the first is number
0. network.py computes the same for whole layers, with matrices, and is tested against this.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model import autodiff

SIGMA: dict[str, Any] = {  # sigma(a), and its derivative by a where v = sigma(a)
    "identity": (lambda a: a, lambda _: 1),
    "tanh": (np.tanh, lambda v: 1 - v**2),
    "logistic": (lambda a: autodiff.logistic(a).value, lambda v: v * (1 - v)),
}


class Unit(NamedTuple):
    """A unit that is no input: Pa(i), which are earlier units, w_i, and the name of sigma_i."""

    parents: Sequence[int]
    weights: Any  # one for each parent
    sigma: str = "tanh"


def forward(units: Sequence[Unit], x: Any) -> tuple[Array, Array]:
    """Return v_i and v'_i = sigma'_i(w_i . v_Pa(i)) of inputs and units; v' of an input is 1.
    Raises ValueError if a parent is not an earlier unit or has no weight."""
    v, slopes = np.append(x, np.zeros(len(units))), np.ones(len(x) + len(units))
    for i, (parents, w, sigma) in enumerate(units, len(x)):
        if len(parents) != len(w) or not all(0 <= parent < i for parent in parents):
            raise ValueError(f"expected earlier units, each with a weight, as parents of unit {i}")
        v[i] = SIGMA[sigma][0](np.dot(w, v[list(parents)]))
        slopes[i] = SIGMA[sigma][1](v[i])
    return v, slopes


def backpropagate(
    units: Sequence[Unit], x: Any, y: int, outputs: int
) -> tuple[float, Array, list[Array]]:
    """Return the multiclass logistic loss L of these last units for the label y, dL/dv_i of inputs
    and units, and dL/dw_i of the units."""
    v, slopes = forward(units, x)
    f, dv, dw = v[-outputs:], np.zeros(len(v)), []
    e = np.exp(f - f.max())
    loss = float(np.log(e.sum()) + f.max() - f[y])
    dv[-outputs:] = e / e.sum() - (np.arange(outputs) == y)  # dL/df
    for i, (parents, w, _) in reversed(list(enumerate(units, len(x)))):
        dw.append(dv[i] * slopes[i] * v[list(parents)])
        np.add.at(dv, list(parents), dv[i] * slopes[i] * np.asarray(w))
    return loss, dv, dw[::-1]
