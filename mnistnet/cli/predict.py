"""mnistnet predict."""

import csv
import io
import itertools
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from mnistnet.api import Found, Network, answers
from mnistnet.cli import echo, escape, options
from mnistnet.cli.pictures import Pictures, save_images
from mnistnet.cli.plot import figure_options, load_figures
from mnistnet.errors import MnistnetError
from mnistnet.model.answer import Answer
from mnistnet.report.explain import change_text, change_toward, explain, explanation_text
from mnistnet.report.text import answer_lines, picture_text

DIGIT = click.IntRange(0, 9)
BATCH = 100  # pictures whose lines are aligned


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=options.PICTURE, metavar="PICTURE...")
@options.weights_option()
@options.data_options
@click.option(
    "--top",
    type=click.IntRange(0, 9),
    default=0,
    metavar="N",
    help="Also print the N next most probable digits; at least one if unsure.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Read in N processes, at most one per core, if there are more than 100 pictures.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Read on the workers of this Dask scheduler, which see files at the same paths.",
)
@click.option("--show", is_flag=True, help="Show the network's input and all probabilities.")
@click.option(
    "--explain",
    "explains",
    is_flag=True,
    help="As --show, and print the most important hidden units, the scores and the softmax, and "
    "with a label the loss and its derivatives.",
)
@click.option("--label", type=DIGIT, help="True digit of the picture, for --explain.")
@click.option("--toward", type=DIGIT, help="Find a small change that makes the picture this digit.")
@figure_options("Draw the change of --toward to this .png, .svg or .pdf file (needs matplotlib).")
@click.option(
    "--rows",
    metavar="FIRST-LAST",
    help="Read only these images of each data set, such as 0-99, counted from 0.",
)
@click.option(
    "--kaggle",
    is_flag=True,
    help="Print ImageId,Label for each picture, counted from 1, always with a digit.",
)
@click.option(
    "--save-images",
    "saved",
    type=options.FOLDER,
    help="Save each digit as the network saw it, as .raw (784 bytes) and .png.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; the last column is the answer.")
@options.output_options
def predict(
    pictures: tuple[str, ...],
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    workers: int,
    scheduler: str | None,
    rows: str | None,
    kaggle: bool,
    **how: Any,
) -> None:
    """Recognise the digit or number in each PICTURE.

    A drawing or photograph may have any size and colours. Several digits are read as a number. A
    picture that cannot be read prints an error; the others are still answered.

    \b
    PICTURE is one of:
      a file     PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, PPM, or HEIC if
                 pillow-heif is installed
      a folder   all pictures in it
      -          standard input
      test:7     an image of the data set; also train:7 and validation:7
      test:0-99  a range of images
      a data set (CSV, IDX, .npz, .npy), or a folder with one; its labels are
                 not needed, and --rows chooses images

    An answer is unsure, with the reason, if another digit is nearly as probable, if the picture
    does not look like a digit, if there are other marks beside it, such as a sign or a comma, or if
    a digit is cut off, touches another or is hardly visible.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --explain test:247
      mnistnet predict --toward 9 test:247 --out change.png
      mnistnet predict --csv test:0-9999 > answers.csv
      mnistnet predict --kaggle test.csv > submission.csv
    """
    if how["as_csv"] and (how["as_json"] or how["show"] or how["explains"]):
        raise click.UsageError("--csv cannot be used with --json, --show or --explain")
    if (how["label"] is not None and not how["explains"]) or (how["out"] and how["toward"] is None):
        raise click.UsageError("--label is for --explain, and --out for --toward")
    if kaggle and (any(how.values()) or how["toward"] is not None):
        raise click.UsageError("--kaggle cannot be used with other forms of output")
    _, network, _ = options.load_weights(weights, says_which=True)
    finder = Pictures(network.metadata, rows, folder=folder, mirrors=mirrors)
    if kaggle:
        echo("ImageId,Label")
    if how["as_csv"]:
        echo("picture,unsure,probability,digit")
    items = itertools.chain.from_iterable(map(finder.find, pictures))
    failed, count = False, 0
    with closing(answers(network, items, workers, scheduler)) as coming:
        while batch := list(itertools.islice(coming, BATCH)):
            if how["out"] and len(batch) > 1:
                raise click.UsageError("--out draws the change of one picture")
            if kaggle:
                _print_kaggle(batch, network, count)
            else:
                _print(batch, network, **how)
            count += len(batch)
            failed |= any(isinstance(reply, MnistnetError) for _, reply in batch)
    if failed:
        sys.exit(1)


def _print_kaggle(found: Sequence[Found], network: Network, before: int) -> None:
    """Print the number of each picture, or its row in a data set, from 1, and a digit."""
    for place, (item, reply) in enumerate(found, before + 1):
        if isinstance(reply, MnistnetError):
            echo(f"Error: {escape(item.name)}: {reply}", err=True)
            continue
        digit = network.predict(reply.images[:1])[0] if reply.digit is None else reply.digit
        row = place if item.row is None else item.row + 1
        echo(f"{row},{reply.number or digit}")


def _print(
    found: Sequence[Found],
    network: Network,
    top: int,
    show: bool,
    saved: Path | None,
    as_csv: bool,
    as_json: bool,
    **details: Any,
) -> None:
    """Print the answer or the error for each picture, in order."""
    read = [(escape(item.name), reply) for item, reply in found if isinstance(reply, Answer)]
    lines = iter(answer_lines([name for name, _ in read], [reply for _, reply in read], top))
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    for item, reply in found:
        if isinstance(reply, MnistnetError):
            if as_json:
                options.print_json({"picture": item.name, "error": str(reply)})
            else:
                echo(f"Error: {escape(item.name)}: {reply}", err=True)
            table.writerow([escape(item.name), "", "", ""])
            continue
        line = next(lines)
        if saved:
            save_images(saved, item.name, reply.images)
        for sentence in reply.notes:
            options.note(f"{item.name}: {sentence}")
        more = _details(network, item.label, reply, details)
        if as_csv:
            number = reply.digit if reply.number is None else reply.number
            table.writerow([escape(item.name), reply.unsure, reply.probability, number])
        elif as_json:
            options.print_json({"picture": item.name, **reply.as_json(), **more})
        else:
            echo(line)
            if show or details["explains"]:
                _show(reply)
            for explanation in more.get("explanations", []):
                echo(explanation_text(explanation, network.model.layers) + "\n")
            if "change" in more:
                echo(change_text(more["change"], options.is_ascii()) + "\n")
    if as_csv:
        echo(rows.getvalue().rstrip("\n"))


def _details(
    network: Network, known: int | None, reply: Answer, asked: dict[str, Any]
) -> dict[str, Any]:
    """Return what --explain and --toward add to the JSON, and draw the change."""
    more: dict[str, Any] = {}
    if asked["explains"]:
        label = known if asked["label"] is None else asked["label"]
        more["explanations"] = [explain(network.model, image, label) for image in reply.images]
    if asked["toward"] is not None:
        more["change"] = change_toward(network.model, reply, asked["toward"])
        if asked["out"] and more["change"]["after"]:
            figures = load_figures("predict --out", asked["out"], asked["force"])
            figures.style.save(figures.weights.change(more["change"]), asked["out"])
    return more


def _show(reply: Answer) -> None:
    """Print what the network saw of each digit, its probabilities, and the other marks."""
    for image, digit in itertools.zip_longest(reply.images, reply.digits):
        # there is no answer if nothing looks like a digit
        bars = digit.probabilities if digit else []
        echo(picture_text(image.tolist(), bars, options.is_ascii()) + "\n")
    if reply.marks:
        echo(f"{len(reply.marks)} other marks, at {', '.join(map(str, reply.marks))}\n")
