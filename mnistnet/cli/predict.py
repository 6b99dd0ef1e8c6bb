"""mnistnet predict."""

import csv
import io
import itertools
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mnistnet.api import Network, judge
from mnistnet.cli import echo, escape, options
from mnistnet.cli.pictures import Samples, read_all, save_images
from mnistnet.cli.plot import figure_options, load_figures
from mnistnet.errors import MnistnetError
from mnistnet.image.digit import Picture
from mnistnet.model.answer import Answer
from mnistnet.report.explain import change_text, change_toward, explain, explanation_text
from mnistnet.report.text import answer_lines, picture_text

DIGIT = click.IntRange(0, 9)
BATCH = 100  # pictures that are answered, and whose lines are aligned, together


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
    help="Read files in N processes, at most one per core; useful for many pictures.",
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
    changes = how["toward"] is not None
    if (how["label"] is not None and not how["explains"]) or (how["out"] and not changes):
        raise click.UsageError("--label is for --explain, and --out for --toward")
    if kaggle and (changes or any(how.values())):
        raise click.UsageError("--kaggle cannot be used with other forms of output")
    _, network, _ = options.load_weights(weights, says_which=True)
    samples = Samples(network.metadata, folder=folder, mirrors=mirrors)
    if kaggle:
        echo("ImageId,Label")
    if how["as_csv"]:
        echo("picture,unsure,probability,digit")
    names = (name for given in pictures for name in samples.expand(given, rows))
    failed, count = False, 0
    pool: Any = nullcontext()
    if workers > 1:
        from mnistnet.executors import process_pool  # slow to load

        pool = process_pool(workers)
    with pool as executor:
        while batch := list(itertools.islice(names, BATCH)):
            found = list(zip(batch, read_all(batch, samples, executor), strict=True))
            if kaggle:
                _print_kaggle(found, network, samples, count)
            else:
                _print(found, network, samples, **how)
            count += len(found)
            failed |= any(isinstance(picture, MnistnetError) for _, picture in found)
    if failed:
        sys.exit(1)


def _print_kaggle(
    found: list[tuple[str, Picture | MnistnetError]],
    network: Network,
    samples: Samples,
    before: int,
) -> None:
    """Print the number of each picture, or its row in a data set, from 1, and a digit."""
    read = [picture for _, picture in found if isinstance(picture, Picture)]
    answers = iter(judge(network, read))
    for place, (name, picture) in enumerate(found, before + 1):
        if isinstance(picture, MnistnetError):
            echo(f"Error: {escape(name)}: {picture}", err=True)
            continue
        reply = next(answers)[1]
        best = network.predict(picture.digits[0].image[None])[0]
        digit = best if reply.digit is None else reply.digit
        row = int(name.rpartition(":")[2]) + 1 if samples.has(name) else place
        echo(f"{row},{reply.number or digit}")


def _print(
    found: list[tuple[str, Picture | MnistnetError]],
    network: Network,
    samples: Samples,
    top: int,
    show: bool,
    saved: Path | None,
    as_csv: bool,
    as_json: bool,
    **details: Any,
) -> None:
    """Print the answer or the error for each picture, in order."""
    read = [(name, picture) for name, picture in found if isinstance(picture, Picture)]
    judged = judge(network, [picture for _, picture in read])
    lines = answer_lines([escape(name) for name, _ in read], [reply for _, reply in judged], top)
    shows, answers = show or details["explains"], zip(judged, lines, strict=True)
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    for name, picture in found:
        if isinstance(picture, MnistnetError):
            if as_json:
                options.print_json({"picture": name, "error": str(picture)})
            else:
                echo(f"Error: {escape(name)}: {picture}", err=True)
            table.writerow([name, "", "", ""])
            continue
        (picture, reply), line = next(answers)
        if saved:
            save_images(saved, name, picture)
        for sentence in picture.notes:
            options.note(f"{name}: {sentence}")
        more = _details(name, picture, reply, network, samples, **details)
        if as_csv:
            number = reply.digit if reply.number is None else reply.number
            table.writerow([name, reply.unsure, reply.probability, number])
        elif as_json:
            options.print_json({"picture": name, **asdict(reply), **more})
        else:
            echo(line)
            for digit, answer in itertools.zip_longest(picture.digits, reply.digits):
                if shows:  # there is no answer if nothing looks like a digit
                    bars = answer.probabilities if answer else []
                    echo(picture_text(digit.image.tolist(), bars, options.is_ascii()) + "\n")
            if shows and reply.marks:
                echo(f"{len(reply.marks)} other marks, at {', '.join(map(str, reply.marks))}\n")
            for explanation in more.get("explanations", []):
                echo(explanation_text(explanation, network.model.layers) + "\n")
            if "change" in more:
                echo(change_text(more["change"], options.is_ascii()) + "\n")
    if as_csv:
        echo(rows.getvalue().rstrip("\n"))


def _details(
    name: str,
    picture: Picture,
    reply: Answer,
    network: Network,
    samples: Samples,
    explains: bool,
    label: int | None,
    toward: int | None,
    out: Path | None,
    force: bool,
) -> dict[str, Any]:
    """Compute what --explain and --toward add to the JSON, and draw the change."""
    more: dict[str, Any] = {}
    if explains:
        known = samples.get(name)[1] if label is None else label
        more["explanations"] = [explain(network.model, x.image, known) for x in picture.digits]
    if toward is not None:
        more["change"] = change_toward(network.model, picture.digits[0].image, reply, toward)
        if out and more["change"]["after"]:
            figures = load_figures("predict --out", out, force)
            figures.style.save(figures.weights.change(more["change"]), out)
    return more
