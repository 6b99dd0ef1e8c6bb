"""mnistnet eval."""

import shutil
from pathlib import Path
from typing import Any

import click

from mnistnet.cli import echo, escape, options
from mnistnet.cli.pictures import load_pictures
from mnistnet.errors import DataError
from mnistnet.model.state import rows_of
from mnistnet.report import evaluation, text


@click.command(name="eval")
@options.data_options
@options.weights_option()
@click.option(
    "--split",
    type=click.Choice(["test", "train", "validation"]),
    default="test",
    help="Images to evaluate on; train and validation are those of the network's own training.",
)
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=0,
    help="Show the N most confident mistakes; --json always lists all.",
    metavar="N",
)
@click.option(
    "--against", type=options.WEIGHTS, help="Compare with the network in this weights file."
)
@click.option(
    "--answers",
    "answers_file",
    type=options.FILE,
    help="Compare with the answers in this file: a digit per line, or a CSV's last column.",
)
@options.output_options
def evaluate(
    weights: Path | None,
    split: str,
    mistakes: int,
    against: Path | None,
    answers_file: Path | None,
    as_json: bool,
    **source: Any,
) -> None:
    """Evaluate a network on labelled images.

    Print the accuracy and its 95 % interval, the loss, the confusion matrix and the most frequent
    confusions. On MNIST's test images, also print the accuracy without the 15 known label errors
    and on each half, as different people wrote the two halves.

    --data also takes a folder of pictures in folders 0 to 9, or in test/ and train/ with these.

    --against and --answers also list the images that only one of the two reads correctly, and test
    whether the difference is significant.

    \b
    Examples:
      mnistnet eval
      mnistnet eval --against other.npz
      mnistnet eval --split validation --json
    """
    if against and answers_file:
        raise click.UsageError("--against and --answers cannot be used together")
    path, network, description = options.load_weights(weights)
    file_split = "test" if split == "test" else "train"
    data = load_pictures(source["folder"], file_split) or options.load_dataset(file_split, **source)
    rows = rows_of(split, len(data.labels), data.sha256, network.metadata)
    shown = data.images, data.labels, rows
    result = evaluation.evaluate(network.model, *shown, network.metadata.used_limits)
    subsets = evaluation.accuracy_of_subsets(result, data.label_errors)
    compared = None
    if answers_file:
        right = evaluation.read_answers(answers_file, len(rows)) == data.labels[rows]
        compared = evaluation.compare(str(answers_file), result.right, right, rows)
    elif against:
        _, other, _ = options.load_weights(against)
        other_rows = rows_of(split, len(data.labels), data.sha256, other.metadata)
        if other_rows.tolist() != rows.tolist():
            raise DataError(
                f"{against}: expected a network with the same images held out; found another; use "
                "--split test"
            )
        right = evaluation.evaluate(other.model, *shown).right
        compared = evaluation.compare(str(against), result.right, right, rows)
    if as_json:
        facts = evaluation.as_json(result) | {"split": split, "weights": str(path)}
        facts |= {"published": data.published, "drawn": data.drawn, "parts": subsets}
        options.print_json(facts | ({"against": compared} if compared else {}))
        return
    options.note(f"{description}; {split} images are {text.kind_text(data.published, data.drawn)}")
    if not network.metadata.limits:
        options.note("this network has no limits of unsure answers: the standard ones are used")
    echo(text.evaluation_text(result, "drawn " * data.drawn + split, subsets))
    if compared:
        compared["name"] = escape(compared["name"])
        echo("\n" + text.comparison_text(compared, file_split))
    if mistakes and result.mistakes:
        listed, columns = result.mistakes[:mistakes], shutil.get_terminal_size().columns
        drawn = text.mistakes_text(
            listed, data.images, file_split, data.label_errors, columns, options.is_ascii()
        )
        echo(f"\nmost confident mistakes\n\n{drawn}")
