"""mnistnet eval."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import (
    READ_WEIGHTS,
    UserPath,
    can_print,
    data_option,
    dataset,
    json_option,
    mirror_option,
    note,
    print_json,
    quiet_option,
    read_weights,
    weights_option,
)

if TYPE_CHECKING:
    from mnistnet.arrays import Array
    from mnistnet.data.mnist import Dataset
    from mnistnet.report.comparison import Comparison
    from mnistnet.report.evaluation import Evaluation, Mistake


@click.command(name="eval")
@data_option
@mirror_option
@weights_option(READ_WEIGHTS)
@click.option(
    "--split",
    type=click.Choice(["test", "train", "validation"]),
    default="test",
    show_default=True,
    help="Images to evaluate on; train and validation as the network was trained.",
)
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=0,
    help="Draw so many of the mistakes it was surest of; JSON lists all.",
)
@click.option(
    "--against",
    type=UserPath(),
    help="Compare with the network in this weights file.",
)
@click.option(
    "--answers",
    "answers_file",
    type=UserPath(),
    help="Compare with the answers in this file: a digit per line, or a CSV's last column.",
)
@json_option
@quiet_option
def evaluate(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path | None,
    split: str,
    mistakes: int,
    against: Path | None,
    answers_file: Path | None,
    as_json: bool,
) -> None:
    """Tell how good a network is.

    Prints the accuracy, its loss, how often each digit is taken for another, and the most frequent
    confusions. On MNIST's own test images also the accuracy without the 15 that are known to be
    labelled wrongly, and on each half, since the first was written by other people.

    --against and --answers also list the images that only one of the two reads correctly, and test
    whether the difference is chance.

    \b
    Examples:
      mnistnet eval
      mnistnet eval --against other.npz
      mnistnet eval --split validation --json
    """
    from mnistnet.report import evaluation as library
    from mnistnet.report import text
    from mnistnet.report.comparison import comparison_text

    if against and answers_file:
        raise click.UsageError("--against and --answers cannot be used together")
    path, network, whence = read_weights(weights)
    file_split = "test" if split == "test" else "train"
    data = dataset(folder, mirrors, file_split)
    rows = library.rows_of(split, len(data.labels), data.sha256, network.metadata)
    result = library.evaluate(network.model, data.images, data.labels, rows)
    found = library.parts(len(data.labels), data.label_errors)
    parts = {name: result.accuracy_among(indices) for name, indices in found.items()}
    comparison = None
    if against or answers_file:
        comparison = _compared(against, answers_file, split, data, rows, result)
    if as_json:
        facts: dict[str, Any] = {
            "split": split,
            "published": data.published,
            "drawn": data.drawn,
            "weights": str(path),
            "parts": parts,
        }
        if comparison:
            facts["against"] = vars(comparison)
        print_json(library.as_json(result) | facts)
        return
    kind = text.kind_text(data.published, data.drawn)
    note(f"{whence}; {split} images are {kind}")
    name = f"drawn {split}" if data.drawn else split
    click.echo(text.evaluation_text(result, name, parts))
    if comparison:
        click.echo("\n" + comparison_text(comparison, file_split))
    if mistakes and result.mistakes:
        _draw(result.mistakes[:mistakes], data, file_split)


def _draw(mistakes: "Sequence[Mistake]", data: "Dataset", file_split: str) -> None:
    import shutil

    from mnistnet.report.text import mistakes_text

    columns, plain = shutil.get_terminal_size().columns, not can_print("▀▄█")
    drawn = mistakes_text(mistakes, data.images, file_split, data.label_errors, columns, plain)
    click.echo(f"\nsurest mistakes\n\n{drawn}")


def _compared(
    against: Path | None,
    answers_file: Path | None,
    split: str,
    data: "Dataset",
    rows: "Array",
    result: "Evaluation",
) -> "Comparison":
    """The network's result beside that of another network, or of the answers in a file."""
    from mnistnet.data.answers import read_answers
    from mnistnet.errors import DataError
    from mnistnet.report.comparison import compare
    from mnistnet.report.evaluation import evaluate, rows_of

    if answers_file:
        right = read_answers(answers_file, len(rows)) == data.labels[rows]
        return compare(str(answers_file), result.right, right, rows)
    other = read_weights(against).network
    others = rows_of(split, len(data.labels), data.sha256, other.metadata)
    if others.tolist() != rows.tolist():
        raise DataError(
            f"{against}: expected a network with the same images held out; found another; use "
            "--split test"
        )
    right = evaluate(other.model, data.images, data.labels, rows).right
    return compare(str(against), result.right, right, rows)
