"""mnistnet gradcheck."""

from pathlib import Path

import click
import numpy as np

from mnistnet.arrays import CLASSES, PIXELS
from mnistnet.cli import options
from mnistnet.cli.streams import echo
from mnistnet.errors import MnistnetError
from mnistnet.model import weights as weights_file
from mnistnet.model.gradcheck import check_gradient
from mnistnet.model.network import Network, scale
from mnistnet.model.options import Options
from mnistnet.report.steps import gradient_check_text

IMAGES = 100


@click.command()
@options.weights_option(
    "Weights file to read.  [default: mnistnet.npz if it exists, else a new network]"
)
@options.data_options
@options.output_options
def gradcheck(
    weights: Path | None, folder: Path | None, mirrors: tuple[str, ...], as_json: bool
) -> None:
    """Check the gradient computed by backpropagation.

    On a minibatch of training images, in float64, compare backpropagation with automatic
    differentiation for every weight, and with finite differences for a random sample of up to 500
    weights of each matrix. Errors are relative to the largest derivative in the same matrix. Exit
    with 1 if backpropagation is wrong.
    """
    rng = np.random.default_rng(0)
    if weights is None and not options.DEFAULT_WEIGHTS.exists():
        name, network = "a new network", Network.random((PIXELS, *Options.hidden, CLASSES), rng)
    else:
        name = str(weights or options.DEFAULT_WEIGHTS)
        network, _ = weights_file.load(weights or options.DEFAULT_WEIGHTS)
    data = options.load_dataset(folder, mirrors, "train")
    x, labels = scale(data.images[:IMAGES]), data.labels[:IMAGES]
    check = check_gradient(network, x, labels, rng)
    if as_json:
        facts = {
            "parameters": check.parameters,
            "backprop_vs_autodiff": check.backprop_vs_autodiff,
            "backprop_vs_finite_differences": check.backprop_vs_finite_differences,
            "ok": check.ok,
        }
        options.print_json(facts)
    else:
        layers = "-".join(map(str, network.layers))
        options.note(f"{name}, {layers}; {len(x)} {'drawn ' * data.drawn}images")
        echo(gradient_check_text(check))
    if not check.ok:
        raise MnistnetError("backpropagation does not compute the gradient of the loss")
