"""The same training in mnistnet and in other libraries.

    python tests/bench/peers.py {mnistnet,torch,torch-loader,sklearn,jax} EPOCHS

784-72-10, tanh, logistic loss, minibatches of 100, momentum 0.9, learning rate 0.1, all 60,000
images. Prints the seconds of each epoch, then the test accuracy. torch-warp and torch-warp-each
distort the images as bench_warped.py describes.
"""

import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from mnistnet import load_data as load

BATCH, HIDDEN, RATE, MOMENTUM = 100, 72, 0.1, 0.9


def as_floats(split: str) -> tuple[np.ndarray, np.ndarray]:
    data = load(split)
    return data.images.astype(np.float32) / 255, data.labels.astype(np.int64)


def mnistnet(epochs: int) -> Iterator[None]:
    from mnistnet.model import training
    from mnistnet.model.network import Network
    from mnistnet.model.options import Options

    data, rng = load("train"), np.random.default_rng(0)
    network = Network.random((784, HIDDEN, 10), rng)
    options = Options(
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=RATE,
        momentum=MOMENTUM,
        weight_decay=0,
        validation=0,
    )
    for _ in training.train(training.State(network, rng), data.images, data.labels, options):
        yield
    test = load("test")
    report((network.image_scores(test.images).argmax(axis=1) == test.labels).mean())


def torch(epochs: int, loader: bool = False) -> Iterator[None]:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x, y = map(torch.from_numpy, as_floats("train"))
    hidden = nn.Linear(784, HIDDEN, bias=False)
    model = nn.Sequential(hidden, nn.Tanh(), nn.Linear(HIDDEN, 10, bias=False))
    loss = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, foreach=True)
    batches = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)
    for _ in range(epochs):
        rows = torch.randperm(len(x)).split(BATCH)
        for images, labels in batches if loader else ((x[part], y[part]) for part in rows):
            optimizer.zero_grad()
            loss(model(images), labels).backward()
            optimizer.step()
        yield
    x, y = map(torch.from_numpy, as_floats("test"))
    report((model(x).argmax(dim=1) == y).double().mean().item())


def torch_warped(epochs: int, each: bool) -> Iterator[None]:
    """The training of `mnistnet train` with batched warps in PyTorch, one for each minibatch, as in
    mnistnet, or one for each image; on one thread, which was fastest."""
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = map(torch.from_numpy, as_floats("train"))
    x, y = x[:-5000].view(-1, 1, 28, 28), y[:-5000]
    hidden = nn.Linear(784, HIDDEN, bias=False)
    model = nn.Sequential(hidden, nn.Tanh(), nn.Linear(HIDDEN, 10, bias=False))
    for layer in (hidden, model[2]):
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
    loss = nn.CrossEntropyLoss()
    options = {"lr": 0.2, "momentum": 0.9, "weight_decay": 5e-5}
    optimizer = torch.optim.SGD(model.parameters(), **options, foreach=True)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    reach = torch.arange(-12, 13, dtype=torch.float32)
    kernel = torch.exp(-(reach**2) / (2 * 4.0**2))
    kernel = (kernel / kernel.square().sum().sqrt()).view(1, 1, -1, 1)

    def uniform(count: int, limit: float) -> torch.Tensor:
        return (2 * torch.rand(count) - 1) * limit

    def warped(images: torch.Tensor) -> torch.Tensor:
        count = len(images) if each else 1
        angle, shear = uniform(count, math.radians(12)), uniform(count, 0.13)
        across, down = (torch.exp(uniform(count, 0.13)) for _ in range(2))
        cos, sin, shifts = angle.cos(), angle.sin(), (uniform(count, 0.5 / 14) for _ in range(2))
        rows = [[across * cos, shear - across * sin], [down * sin, down * cos]]
        theta = torch.stack(
            [torch.stack([*row, shift], dim=-1) for row, shift in zip(rows, shifts, strict=True)],
            dim=1,
        )
        grid = F.affine_grid(theta, [count, 1, 28, 28], align_corners=False)
        noise = torch.randn(2 * count, 1, 52, 52)
        field = F.conv2d(F.conv2d(noise, kernel), kernel.transpose(2, 3))
        grid = grid + 0.45 / 14 * field.view(count, 2, 28, 28).permute(0, 2, 3, 1)
        grid = grid.expand(len(images), -1, -1, -1)
        return F.grid_sample(images, grid, align_corners=False).view(-1, 784)

    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss(model(warped(x[rows])), y[rows]).backward()
            optimizer.step()
            schedule.step()
        yield
    x, y = map(torch.from_numpy, as_floats("test"))
    report((model(x).argmax(dim=1) == y).double().mean().item())


def sklearn(epochs: int) -> Iterator[None]:
    from sklearn.neural_network import MLPClassifier

    x, y = as_floats("train")
    model = MLPClassifier(
        (HIDDEN,),
        activation="tanh",
        solver="sgd",
        alpha=0,
        batch_size=BATCH,
        learning_rate_init=RATE,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        random_state=0,
    )
    for _ in range(epochs):
        with warnings.catch_warnings(action="ignore"):
            model.partial_fit(x, y, classes=np.arange(10))
        yield
    report(model.score(*as_floats("test")))


def jax(epochs: int) -> Iterator[None]:
    import jax
    from jax import numpy as jnp

    def scores(weights: list, x: jax.Array) -> jax.Array:
        return jnp.tanh(x @ weights[0]) @ weights[1]

    def loss(weights: list, x: jax.Array, y: jax.Array) -> jax.Array:
        f = scores(weights, x)
        return (jax.nn.logsumexp(f, axis=1) - f[jnp.arange(len(y)), y]).mean()

    @jax.jit
    def epoch(weights: list, velocity: list, key: jax.Array, x: jax.Array, y: jax.Array) -> tuple:
        def step(state: tuple, rows: jax.Array) -> tuple:
            weights, velocity = state
            gradients = jax.grad(loss)(weights, x[rows], y[rows])
            velocity = [MOMENTUM * v + g for v, g in zip(velocity, gradients, strict=True)]
            weights = [w - RATE * v for w, v in zip(weights, velocity, strict=True)]
            return (weights, velocity), None

        rows = jax.random.permutation(key, len(x)).reshape(-1, BATCH)
        return jax.lax.scan(step, (weights, velocity), rows)[0]

    x, y = map(jnp.asarray, as_floats("train"))
    first, second, *keys = jax.random.split(jax.random.key(0), epochs + 2)
    weights = [
        jax.random.normal(first, (784, HIDDEN)) / 28,
        jax.random.normal(second, (HIDDEN, 10)) / math.sqrt(HIDDEN),
    ]
    velocity = [jnp.zeros_like(w) for w in weights]
    for key in keys:
        weights, velocity = jax.block_until_ready(epoch(weights, velocity, key, x, y))
        yield
    x, labels = as_floats("test")
    report((np.asarray(scores(weights, x)).argmax(axis=1) == labels).mean())


def report(accuracy: float) -> None:
    print(f"accuracy {accuracy:.4f}")


PEERS: dict[str, Callable[[int], Iterator[None]]] = {
    "mnistnet": mnistnet,
    "torch": torch,
    "torch-loader": lambda epochs: torch(epochs, loader=True),
    "torch-warp": lambda epochs: torch_warped(epochs, each=False),
    "torch-warp-each": lambda epochs: torch_warped(epochs, each=True),
    "sklearn": sklearn,
    "jax": jax,
}

if __name__ == "__main__":
    began = time.perf_counter()
    for _ in PEERS[sys.argv[1]](int(sys.argv[2])):
        print(time.perf_counter() - began)
        began = time.perf_counter()
