"""mnistnet import."""

from pathlib import Path
from typing import Any

import click

from mnistnet.api import load_network
from mnistnet.cli import echo, escape, options
from mnistnet.data.convert import TEST_SHARE, convert
from mnistnet.data.mnist import MAX_NAME
from mnistnet.data.parts import DIGITS


def _mapping(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> dict[str, int] | None:
    """Parse '0,1,seven=7' into a dict from label to digit."""
    if text is None:
        return None
    pairs = [item.strip().rpartition("=") for item in text.split(",")]
    if not all(digit in DIGITS for _, _, digit in pairs):
        raise click.BadParameter(f"expected labels and digits such as 0,1,seven=7; found {text!r}")
    return {label or digit: DIGITS[digit] for label, _, digit in pairs}


@click.command(name="import")
@click.argument("source", type=options.UserPath())
@click.option("--out", type=options.FOLDER, required=True, help="Folder to write, new or empty.")
@click.option("--name", help="Name of the data set.  [default: the name of the folder]")
@click.option(
    "--labels",
    callback=_mapping,
    metavar="LABEL=DIGIT,...",
    help="Keep only these labels and rename them to digits; 7 is short for 7=7.",
)
@click.option("--invert", is_flag=True, help="Swap light and dark, for dark strokes on light.")
@click.option(
    "--transpose/--no-transpose",
    default=None,
    help="Swap rows and columns.  [default: only for files named emnist-...]",
)
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, max_open=True),
    default=TEST_SHARE,
    show_default="1/6",
    help="Fraction of the images for the test set, if SOURCE has none.",
)
@options.output_options
def import_(source: Path, out: Path, name: str | None, as_json: bool, **how: Any) -> None:
    """Convert a data set for the other commands.

    SOURCE is an .npz file (as from Keras or KMNIST), .npy files, a CSV file (as from Kaggle), IDX
    files of any name (EMNIST, QMNIST), a folder of these, or a folder of pictures: with a folder
    for each digit, 0 to 9, with names such as 3_17.png, or with a CSV of names and labels, also in
    train/ and test/, or a folder of drawings that the page saved. Pictures are prepared as predict
    does it. What is not read is counted and named.

    \b
    Examples:
      mnistnet import mnist.npz --out mine
      mnistnet import pictures/ --out mine
      mnistnet train --data mine
    """
    if name is not None and not (name.isprintable() and 0 < len(name) <= MAX_NAME):
        raise click.BadParameter(
            f"expected 1 to {MAX_NAME} printable characters", param_hint="--name"
        )
    predict = load_network().predict
    with options.progress("reading", " images") as advance:
        how |= {"predict": predict, "notify": options.note, "advance": advance}
        done = convert(source, out, name=name or "", **how)
    for warning in done.warnings:
        options.note(f"Warning: {warning}")
    if as_json:
        options.print_json({"out": str(out), **vars(done)})
        return
    echo("digit     " + "".join(f"{digit:>8}" for digit in range(10)) + "     all")
    for split, counts in done.counts.items():
        columns = "".join(f"{count:>8,}" for count in counts)
        echo(f"{split:<10}{columns}{sum(counts):>8,}")
    if done.left_out:
        echo(f"{done.left_out:,} images of other labels left out")
    if done.skipped:
        echo(f"{done.skipped:,} files skipped")
    echo(escape(f"{done.name} in {out}"))
