"""Training without distortions and with them, compared with the libraries that are installed.

    python tests/bench/bench_peers.py [EPOCHS]

With a number of epochs only with distortions. 784-72-10, tanh, logistic loss, minibatches of 100,
momentum 0.9, learning rate 0.1, all 60,000 images; with distortions as `mnistnet train` by default.
mnistnet distorts each minibatch by one warp; most programs that use PyTorch distort each image by
its own. Each training runs in a process of its own: this script with the peer as a first word. The
functions of the peers yield, after each epoch, a function that reads the digits in x.
"""

import importlib.util
import json
import math
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from table import PROGRAM, Table, in_turns

from mnistnet import load_data
from mnistnet.model.network import Perceptron

BATCH, HIDDEN, RATE, MOMENTUM = 100, 72, 0.1, 0.9
START = Perceptron.random((784, HIDDEN, 10), np.random.default_rng(0))


def torch(images: np.ndarray, labels: np.ndarray, epochs: int, *how: str) -> Iterator[Callable]:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    hidden, top = nn.Linear(784, HIDDEN, bias=False), nn.Linear(HIDDEN, 10, bias=False)
    for layer, W in zip((hidden, top), START.matrices, strict=True):
        layer.weight.data[:] = torch.from_numpy(W)
    model, loss = nn.Sequential(hidden, nn.Tanh(), top), nn.CrossEntropyLoss()
    rate, decay, distort = RATE, 0.0, None
    if "warp" in how:
        torch.set_num_threads(1)  # which is the fastest
        rate, decay, distort = 0.2, 5e-5, torch_distortion("each" in how)
        x, y = x[:-5000], y[:-5000]
    optimizer = torch.optim.SGD(model.parameters(), rate, MOMENTUM, 0, decay, foreach=True)
    steps = epochs * math.ceil(len(x) / BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    batches = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)
    for _ in range(epochs):
        parts = torch.randperm(len(x)).split(BATCH)
        for some, truth in batches if "loader" in how else ((x[rows], y[rows]) for rows in parts):
            optimizer.zero_grad()
            loss(model(distort(some) if distort else some), truth).backward()
            optimizer.step()
            if distort:
                schedule.step()
        yield lambda x: model(torch.from_numpy(x)).argmax(dim=1).numpy()


def torch_distortion(each: bool) -> Callable:
    """Distort x (n, 784) as mnistnet/image/warp.py does, each image or all of them by a warp."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    limits = torch.tensor([math.radians(12), 0.13, 0.13, 0.13, 0.5 / 14, 0.5 / 14])
    kernel = torch.exp(-(torch.arange(-12.0, 13) ** 2) / (2 * 4**2))
    kernel = (kernel / kernel.square().sum().sqrt()).view(1, 1, -1, 1)

    def distort(x: torch.Tensor) -> torch.Tensor:
        n = len(x) if each else 1
        angle, shear, across, down, right, below = ((2 * torch.rand(n, 6) - 1) * limits).T
        across, down = across.exp(), down.exp()
        cos, sin = angle.cos(), angle.sin()
        rows = [across * cos, shear - across * sin, right, down * sin, down * cos, below]
        affine = torch.stack(rows, dim=1).view(n, 2, 3)
        noise = torch.randn(2 * n, 1, 52, 52)
        field = F.conv2d(F.conv2d(noise, kernel), kernel.transpose(2, 3)).view(n, 2, 28, 28)
        grid = F.affine_grid(affine, [n, 1, 28, 28], align_corners=False)
        grid = (grid + 0.45 / 14 * field.permute(0, 2, 3, 1)).expand(len(x), -1, -1, -1)
        return F.grid_sample(x.view(-1, 1, 28, 28), grid, align_corners=False).view(-1, 784)

    return distort


def sklearn(images: np.ndarray, labels: np.ndarray, epochs: int) -> Iterator[Callable]:
    from sklearn.neural_network import MLPClassifier

    options = {"activation": "tanh", "solver": "sgd", "alpha": 0, "random_state": 0}
    options |= {"batch_size": BATCH, "learning_rate_init": RATE}
    options |= {"momentum": MOMENTUM, "nesterovs_momentum": False}
    model = MLPClassifier((HIDDEN,), **options)
    for _ in range(epochs):
        with warnings.catch_warnings(action="ignore"):
            model.partial_fit(images, labels, classes=np.arange(10))
        yield model.predict


def jax(images: np.ndarray, labels: np.ndarray, epochs: int) -> Iterator[Callable]:
    import jax
    from jax import numpy as jnp

    def scores(weights: list, x: jax.Array) -> jax.Array:
        return jnp.tanh(x @ weights[0]) @ weights[1]

    def loss(weights: list, x: jax.Array, y: jax.Array) -> jax.Array:
        f = scores(weights, x)
        return (jax.nn.logsumexp(f, axis=1) - f[jnp.arange(len(y)), y]).mean()

    @jax.jit
    def epoch(state: tuple, key: jax.Array, x: jax.Array, y: jax.Array) -> tuple:
        def step(state: tuple, rows: jax.Array) -> tuple:
            weights, velocity = state
            gradients = jax.grad(loss)(weights, x[rows], y[rows])
            velocity = [MOMENTUM * v + g for v, g in zip(velocity, gradients, strict=True)]
            return ([w - RATE * v for w, v in zip(weights, velocity, strict=True)], velocity), None

        rows = jax.random.permutation(key, len(x)).reshape(-1, BATCH)
        return jax.lax.scan(step, state, rows)[0]

    x, y = jnp.asarray(images), jnp.asarray(labels)
    weights = [jnp.asarray(W.T) for W in START.matrices]
    state = (weights, [jnp.zeros_like(w) for w in weights])
    for key in jax.random.split(jax.random.key(0), epochs):
        state = jax.block_until_ready(epoch(state, key, x, y))
        yield partial(lambda weights, x: scores(weights, x).argmax(axis=1), state[0])


def as_floats(split: str) -> tuple[np.ndarray, np.ndarray]:
    data = load_data(split)
    return data.images.astype(np.float32) / 255, data.labels.astype(np.int64)


def train(words: str, epochs: int) -> None:
    """Print the seconds of each epoch, then the accuracy on the test set, as JSON."""
    name, *how = words.split("-")
    began = time.perf_counter()
    peer = {"torch": torch, "sklearn": sklearn, "jax": jax}[name]
    predictions = peer(*as_floats("train"), epochs, *how)
    for _ in range(epochs):
        predict = next(predictions)
        print(json.dumps({"seconds": time.perf_counter() - began}))
        began = time.perf_counter()
    x, y = as_floats("test")
    print(json.dumps({"accuracy": float((np.asarray(predict(x)) == y).mean())}))


def compare(epochs: int, rounds: int, peers: list[str], *options: str) -> None:
    """Run `mnistnet train` with these options and the training of these peers in turns."""
    with tempfile.TemporaryDirectory() as folder:
        file = ["--weights", f"{folder}/net.npz", "--json"]
        commands = {"mnistnet": [*PROGRAM, "train", "--epochs", str(epochs), *options, *file]}
        for peer in peers:
            if importlib.util.find_spec(peer.partition("-")[0]):
                commands[peer] = [sys.executable, __file__, peer, str(epochs)]
        walls, peaks, outputs = in_turns(commands, rounds)
        tested = json.loads(subprocess.check_output([*PROGRAM, "eval", *file]))
    each, accuracy = {}, {}
    for name, texts in outputs.items():
        lines = [[json.loads(line) for line in text.splitlines()] for text in texts]
        # the first epoch is a warm-up, and the last line sums up
        each[name] = [line["seconds"] for run in lines for line in run[1:-1]]
        accuracy[name] = [100 * (tested | run[-1])["accuracy"] for run in lines]
    Table("an epoch: 784-72-10, batch 100", "s").compare(each)
    Table(f"{epochs} epochs from start to exit", "s").compare(walls)
    Table("peak memory of these", "MiB").compare(peaks)
    Table("accuracy on the test set", "%").compare(accuracy)


def main(*words: str) -> None:
    same = ["--no-augment", "--validation", "0", "--learning-rate", "0.1", "--weight-decay", "0"]
    if words[1:]:
        train(words[0], int(words[1]))
        return
    if not words:
        compare(10, 5, ["torch", "torch-loader", "sklearn", "jax"], *same)
    compare(int((*words, 8)[0]), 3, ["torch-warp", "torch-warp-each"])


if __name__ == "__main__":
    main(*sys.argv[1:])
