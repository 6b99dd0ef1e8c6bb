"""mnistnet predict."""

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mnistnet.cli.options import (
    PICTURE,
    can_print,
    data_options,
    is_quiet,
    load_weights,
    note,
    output_options,
    print_json,
    weights_option,
)
from mnistnet.cli.readings import readings
from mnistnet.cli.samples import Samples
from mnistnet.cli.streams import escape, escape_lines
from mnistnet.errors import MnistnetError

if TYPE_CHECKING:
    from mnistnet.api import Network
    from mnistnet.cli.readings import Reading
    from mnistnet.image.digit import Picture
    from mnistnet.model.answer import Answer
    from mnistnet.report.explain import Explanation


BATCH = 100  # pictures that are answered, and whose lines are aligned, together


@click.command()
@click.argument("pictures", nargs=-1, required=True, type=PICTURE, metavar="PICTURE...")
@weights_option()
@data_options
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
    is_flag=True,
    help="As --show, and print the most important hidden units, the scores and the softmax, and "
    "for labelled images the loss.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; the last column is the answer.")
@output_options
def predict(
    pictures: tuple[str, ...],
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    top: int,
    workers: int,
    show: bool,
    explain: bool,
    as_csv: bool,
    as_json: bool,
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
    if as_csv and (as_json or show or explain):
        raise click.UsageError("--csv cannot be used with --json, --show or --explain")
    _, network, description = load_weights(weights)
    if weights is None or network.metadata.data.drawn:
        note(description)
    samples = Samples(folder, mirrors, network.metadata)
    form = Format(top, show or explain, explain, as_csv, as_json)
    if as_csv:
        click.echo("picture,unsure,probability,digit")
    names = (name for given in pictures for name in _expand(given, samples))
    failed, done = False, 0
    with readings(names, samples, workers) as coming, _bar(workers) as bar:
        try:
            while batch := list(itertools.islice(coming, BATCH)):
                failed |= any(isinstance(picture, MnistnetError) for _, picture in batch)
                bar.clear()
                _print(batch, network, form, samples)
                done += len(batch)
                bar.update(len(batch))
        except KeyboardInterrupt as interrupt:
            interrupt.args = (f"after {done:,} pictures",)
            raise
    if failed:
        sys.exit(1)


def _bar(workers: int) -> Any:
    """Return a counter of pictures; with one worker, or if stderr is no terminal, it is hidden."""
    from tqdm import tqdm

    return tqdm(unit=" pictures", disable=None if workers > 1 and not is_quiet() else True)


class Format(NamedTuple):
    """How answers are printed."""

    top: int
    show: bool
    explain: bool
    as_csv: bool
    as_json: bool


def _print(batch: "list[Reading]", network: "Network", form: Format, samples: Samples) -> None:
    """Print the answer or the error for each picture, in order."""
    from dataclasses import asdict

    from mnistnet.api import answers
    from mnistnet.report.explain import explanation_text
    from mnistnet.report.text import answer_lines

    names, pictures = [], []
    for name, picture in batch:
        if not isinstance(picture, MnistnetError):
            names.append(escape(name))
            pictures.append(picture)
    replies = answers(network, pictures)
    answered = zip(replies, answer_lines(names, replies, form.top), strict=True)
    for name, picture in batch:
        if isinstance(picture, MnistnetError):
            _print_error(name, picture, form)
            continue
        for sentence in picture.notes:
            note(escape(f"{name}: {sentence}"))
        reply, line = next(answered)
        explanations = _explanations(name, picture, network, samples) if form.explain else []
        if form.as_csv:
            digit = reply.digit if reply.number is None else reply.number
            click.echo(_csv_line(name, reply.unsure, reply.probability, digit))
        elif form.as_json:
            more = {"explanations": list(map(asdict, explanations))} if form.explain else {}
            print_json({"picture": name, **asdict(reply), **more})
        else:
            click.echo(line)
            if form.show:
                _show(picture, reply)
            for explanation in explanations:
                click.echo(explanation_text(explanation, network.model.layers) + "\n")


def _explanations(
    name: str, picture: "Picture", network: "Network", samples: Samples
) -> "list[Explanation]":
    """Explain the answer for each digit in the picture, with the loss if its label is known."""
    from mnistnet.report.explain import explain

    sample = samples.get(name)
    label = sample.label if sample else None
    return [explain(network.model, digit.image, label) for digit in picture.digits]


def _print_error(name: str, error: MnistnetError, form: Format) -> None:
    if form.as_json:
        print_json({"picture": name, "error": str(error)})
        return
    click.echo(f"Error: {escape(name)}: {escape_lines(str(error))}", err=True)
    if form.as_csv:  # one row per picture
        click.echo(_csv_line(name, "", "", ""))


def _csv_line(*fields: object) -> str:
    import csv
    import io

    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _show(picture: "Picture", reply: "Answer") -> None:
    """Print each digit as text, and its probabilities unless it does not look like a digit."""
    from mnistnet.report.text import picture_text

    plain = not can_print("▀▄█")
    probabilities = [digit.probabilities for digit in reply.digits] or [[] for _ in picture.digits]
    for digit, own in zip(picture.digits, probabilities, strict=True):
        click.echo(picture_text(digit.image.tolist(), own, plain) + "\n")


def _expand(name: str, samples: Samples) -> list[str]:
    """Expand a folder to its pictures, and a range to its images."""
    from mnistnet.image.file import pictures_in

    try:
        found = pictures_in(Path(name)) if Path(name).is_dir() else []
    except (MnistnetError, OSError):  # reading it will report the error
        found = []
    return [str(path) for path in found] or samples.expand(name)
