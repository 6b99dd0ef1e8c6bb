"""An epoch of training and its parts, compared with its matrix products alone in the same run."""

from collections.abc import Callable

import numpy as np
from table import Table, in_turns

from mnistnet import load_data as load
from mnistnet.data.mnist import Dataset
from mnistnet.image import warp
from mnistnet.model import descent, training
from mnistnet.model.network import Buffers, Network, backpropagate, scale
from mnistnet.model.options import Options

BATCH = 100
RUNS = 7


def main() -> None:
    data = load("train")
    steps = len(data.images) // BATCH
    order = np.random.default_rng(0).permutation(len(data.images)).reshape(steps, BATCH)
    for hidden in (72, 800):
        times = in_turns(parts(data, order, hidden), RUNS)
        table = Table(f"784-{hidden}-10, batch {BATCH}, {steps} steps", "s")
        bare = times["the matrix products alone"]
        for name, figures in times.items():
            ratios = sorted(a / b for a, b in zip(figures, bare, strict=True))
            table.add(name, figures, f"{ratios[len(ratios) // 2]:.2f} x the products")


def parts(data: Dataset, order: np.ndarray, hidden: int) -> dict[str, Callable[[], object]]:
    """The functions to time, each for a whole epoch."""
    rng = np.random.default_rng(0)
    network = Network.random((784, hidden, 10), rng)
    options = Options(epochs=RUNS + 1, batch_size=BATCH, learning_rate=0.1, validation=0)
    epochs = training.train(training.State(network, rng), data.images, data.labels, options)
    state = training.State(Network.random((784, hidden, 10), rng), rng)
    distorted = training.train(state, data.images, data.labels, options, warp.warps)

    other = Network.random((784, hidden, 10), rng)
    buffers = Buffers(other, BATCH)
    x, labels = scale(data.images[order[0]]), data.labels[order[0]]
    velocity = np.zeros_like(other.parameters)

    def gather() -> None:
        for rows in order:
            scale(data.images[rows])

    def gradient() -> None:
        for _ in order:
            backpropagate(other, x, labels, buffers)

    def update() -> None:
        for _ in order:
            descent.step(other, velocity, [buffers.gradient], 0, options, slice(len(velocity)))

    return {
        "the matrix products alone": matrix_products(hidden, len(order)),
        "an epoch": lambda: next(epochs),
        "an epoch of distorted minibatches": lambda: next(distorted),
        "  gather and scale": gather,
        "  loss and gradient": gradient,
        "  update": update,
    }


def matrix_products(hidden: int, steps: int) -> Callable[[], None]:
    """A function that computes the five matrix products of a 784-hidden-10 network, steps times."""
    rng = np.random.default_rng(0)
    M, W, x, h, f, df = (
        rng.random(shape, np.float32)
        for shape in (
            (hidden, 784),
            (10, hidden),
            (BATCH, 784),
            *[(n, BATCH) for n in (hidden, 10, 10)],
        )
    )
    dh, dM, dW = np.empty_like(h), np.empty_like(M), np.empty_like(W)

    def products() -> None:
        for _ in range(steps):
            np.matmul(M, x.T, out=h)
            np.matmul(W, h, out=f)
            np.matmul(df, h.T, out=dW)
            np.matmul(W.T, df, out=dh)
            np.matmul(dh, x, out=dM)

    return products


if __name__ == "__main__":
    main()
