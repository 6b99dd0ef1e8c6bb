"""mnistnet gradcheck."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from mnistnet.arrays import CLASSES, PIXELS
from mnistnet.cli import echo, options
from mnistnet.cli.plot import figure_options, load_figures
from mnistnet.errors import MnistnetError
from mnistnet.model.gradcheck import check_gradient, try_epsilons
from mnistnet.model.network import Perceptron, scale
from mnistnet.model.options import Options
from mnistnet.model.weights import load
from mnistnet.report.explain import epsilon_text, gradient_check_text


@click.command()
@options.weights_option(
    "Weights file to read.  [default: mnistnet.npz if it exists, else a new network]"
)
@options.data_options
@click.option("--epsilon", is_flag=True, help="Also try and time the notes' finite differences.")
@figure_options("Draw the errors of --epsilon to this .png, .svg or .pdf file.")
@options.output_options
def gradcheck(
    weights: Path | None, epsilon: bool, out: Path | None, force: bool, as_json: bool, **source: Any
) -> None:
    """Check the gradient computed by backpropagation.

    On a minibatch of training images, in float64, compare backpropagation with automatic
    differentiation for every weight, and with finite differences for a random sample of up to 500
    weights of each matrix. Errors are relative to the largest derivative in the same matrix. Exit
    with 1 if backpropagation is wrong.
    """
    if out and not epsilon:
        raise click.UsageError("--out draws the errors of --epsilon")
    rng = np.random.default_rng(0)
    if weights is None and not options.DEFAULT_WEIGHTS.exists():
        name, network = "a new network", Perceptron.random((PIXELS, *Options.hidden, CLASSES), rng)
    else:
        weights = weights or options.DEFAULT_WEIGHTS
        name, (network, _) = str(weights), load(weights)
    data = options.load_dataset("train", **source)
    x, labels = scale(data.images[:100]), data.labels[:100]
    check = check_gradient(network, x, labels, rng)
    tried = try_epsilons(network, x, labels, rng) if epsilon else {}
    if out:
        figures = load_figures("gradcheck --out", out, force)
        figures.style.save(figures.results.epsilons(tried["errors"]), out)
    if as_json:
        names = ("parameters", "backprop_vs_autodiff", "backprop_vs_finite_differences", "ok")
        facts = {name: getattr(check, name) for name in names}
        options.print_json(facts | {"epsilon": tried} if epsilon else facts)
    else:
        layers = "-".join(map(str, network.layers))
        images = f"{min(len(data.images), 100)} {'drawn ' * data.drawn}images"
        options.note(f"{name}, {layers}; {images}")
        echo(gradient_check_text(check))
        if epsilon:
            echo("\n" + epsilon_text(tried))
    if not check.ok:
        raise MnistnetError("backpropagation does not compute the gradient of the loss")
