"""mnistnet predict."""

import csv
import io
import itertools
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import click

from mnistnet.api import Network, answer_pictures
from mnistnet.cli import options
from mnistnet.cli.pictures import Samples, read_all
from mnistnet.cli.streams import echo, escape
from mnistnet.errors import MnistnetError
from mnistnet.image.decode import pictures_in
from mnistnet.image.digit import Picture
from mnistnet.model.answer import Answer
from mnistnet.report.explain import explain, explanation_text
from mnistnet.report.text import answer_lines, picture_text

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
    show_default=True,
    metavar="N",
    help="Read files in N processes, at most one per core; useful for many pictures.",
)
@click.option("--show", is_flag=True, help="Show the network's input and all probabilities.")
@click.option(
    "--explain",
    "explains",
    is_flag=True,
    help="As --show, and print the most important hidden units, the scores and the softmax, and "
    "for labelled images the loss.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; the last column is the answer.")
@options.output_options
def predict(
    pictures: tuple[str, ...],
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    workers: int,
    **how: bool,
) -> None:
    """Recognise the digit or number in each PICTURE.

    A drawing or photograph may have any size and colours. Several digits with gaps between them are
    read as a number. A picture that cannot be read prints an error; the others are still answered.

    \b
    PICTURE is one of:
      a file     PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, PPM, or HEIC if
                 pillow-heif is installed
      a folder   all pictures in it
      -          standard input
      test:7     an image of the data set; also train:7 and validation:7
      test:0-99  a range of images

    An answer is unsure, with the reason, if another digit is nearly as probable, if the picture
    does not look like a digit, or if the digit is cut off, touches another or is hardly visible.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --top 2 number.jpg
      mnistnet predict --show photo.jpg
      mnistnet predict --explain test:247
      mnistnet predict --csv test:0-9999 > answers.csv
      mnistnet predict --workers 2 FOLDER
    """
    form = Format(**how)
    if form.as_csv and (form.as_json or form.show or form.explains):
        raise click.UsageError("--csv cannot be used with --json, --show or --explain")
    _, network, description = options.load_weights(weights)
    if weights is None or network.metadata.data.drawn:
        options.note(description)
    samples = Samples(folder, mirrors, network.metadata)
    if form.as_csv:
        echo("picture,unsure,probability,digit")
    names = (name for given in pictures for name in _expand(given, samples))
    failed, done = False, 0
    with (
        read_all(names, samples, workers) as coming,
        options.progress("", " pictures") as (_, advance),
    ):
        try:
            while batch := list(itertools.islice(coming, BATCH)):
                failed |= any(isinstance(found, MnistnetError) for _, found in batch)
                _print(batch, network, form, samples)
                done += len(batch)
                if workers > 1 and not sys.stdout.isatty():  # answers would be in its way
                    advance(len(batch), 0)
        except KeyboardInterrupt as interrupt:
            interrupt.args = (f"after {done:,} pictures",)
            raise
    if failed:
        sys.exit(1)


class Format(NamedTuple):
    """How answers are printed."""

    top: int
    show: bool
    explains: bool
    as_csv: bool
    as_json: bool


def _print(
    batch: list[tuple[str, Picture | MnistnetError]],
    network: Network,
    form: Format,
    samples: Samples,
) -> None:
    """Print the answer or the error for each picture, in order."""
    read = [(name, found) for name, found in batch if isinstance(found, Picture)]
    replies = answer_pictures(network, [picture for _, picture in read])
    lines = answer_lines([escape(name) for name, _ in read], replies, form.top)
    answered = zip(replies, lines, strict=True)
    for name, found in batch:
        if isinstance(found, Picture):
            for sentence in found.notes:
                options.note(escape(f"{name}: {sentence}"))
            explanations = []
            if form.explains:
                label = getattr(samples.get(name), "label", None)
                explanations = [explain(network.model, d.image, label) for d in found.digits]
            _print_answer(name, found, *next(answered), explanations, network.model.layers, form)
        elif form.as_json:
            options.print_json({"picture": name, "error": str(found)})
        else:
            echo(f"Error: {escape(name)}: {found}", err=True)
            if form.as_csv:  # one row per picture
                echo(_csv_line(name, "", "", ""))


def _print_answer(
    name: str,
    picture: Picture,
    reply: Answer,
    line: str,
    explanations: list[dict[str, Any]],
    layers: tuple[int, ...],
    form: Format,
) -> None:
    if form.as_csv:
        read = reply.digit if reply.number is None else reply.number
        echo(_csv_line(name, reply.unsure, reply.probability, read))
    elif form.as_json:
        more = {"explanations": explanations} if form.explains else {}
        options.print_json({"picture": name, **asdict(reply), **more})
    else:
        echo(line)
        if form.show or form.explains:
            # no probabilities for what does not look like a digit
            each = [digit.probabilities for digit in reply.digits] or [[] for _ in picture.digits]
            for digit, own in zip(picture.digits, each, strict=True):
                echo(picture_text(digit.image.tolist(), own, not options.can_print("▀▄█")) + "\n")
        for explanation in explanations:
            echo(explanation_text(explanation, layers) + "\n")


def _csv_line(*fields: object) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _expand(name: str, samples: Samples) -> list[str]:
    """Expand a folder to its pictures, and a range to its images."""
    try:
        found = pictures_in(Path(name)) if Path(name).is_dir() else []
    except (MnistnetError, OSError):  # reading it will report the error
        found = []
    return [str(path) for path in found] or samples.expand(name)
