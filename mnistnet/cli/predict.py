"""mnistnet predict."""

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mnistnet.cli.options import (
    READ_WEIGHTS,
    can_print,
    data_option,
    json_option,
    mirror_option,
    note,
    print_json,
    quiet_option,
    read_weights,
    weights_option,
)
from mnistnet.cli.readings import readings
from mnistnet.cli.samples import Samples
from mnistnet.cli.streams import visible
from mnistnet.errors import MnistnetError

if TYPE_CHECKING:
    from mnistnet.api import Network
    from mnistnet.image.digit import Picture
    from mnistnet.model.answer import Answer
    from mnistnet.report.explain import Explanation


TOGETHER = 100  # pictures whose answers are lined up, and computed at once


@click.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@weights_option(READ_WEIGHTS)
@data_option
@mirror_option
@click.option(
    "--top",
    type=click.IntRange(0, 9),
    default=0,
    help="How many runners-up to print; where unsure, one is printed anyway.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that read files, for many pictures; at most one per core.",
)
@click.option("--show", is_flag=True, help="Draw what the network saw, and all probabilities.")
@click.option(
    "--explain",
    is_flag=True,
    help="As --show, with the hidden units that decide, f, softmax, and of labelled images L.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print a table; the last column is the answer.")
@json_option
@quiet_option
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
    """Recognise the digit or the number in each PICTURE.

    PICTURE is a file, of any size and colours, a drawing or a photograph of paper: PNG, JPEG, GIF,
    BMP, TIFF, WebP, AVIF, PPM, or HEIC where pillow-heif is installed; a folder, for all pictures
    in it; - for standard input; or test:7, train:7 or validation:7 for that image of the data set,
    test:0-99 for a hundred. Several digits with gaps between them are read as a number. A picture
    that cannot be read prints one error line; the others are still answered.

    An answer is unsure, for the reason printed, if another digit is nearly as probable, if it looks
    unlike a digit, or if the picture shows it cut off, touching another or hardly visible.

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
    _, network, whence = read_weights(weights)
    if weights is None or network.metadata.data.drawn:
        note(whence)
    samples = Samples(folder, mirrors, network.metadata)
    form = Form(top, show or explain, explain, as_csv, as_json)
    if as_csv:
        click.echo("picture,unsure,probability,digit")
    every = (name for given in pictures for name in _expand(given, samples))
    failed, done = False, 0
    with readings(every, samples, workers) as coming, _bar(workers) as bar:
        try:
            while batch := list(itertools.islice(coming, TOGETHER)):
                names, found = map(list, zip(*batch, strict=True))
                failed |= any(isinstance(picture, MnistnetError) for picture in found)
                bar.clear()
                _print(names, found, network, form, samples)
                done += len(batch)
                bar.update(len(batch))
        except KeyboardInterrupt as stop:
            stop.args = (f"after {done:,} pictures",)
            raise
    if failed:
        sys.exit(1)


def _bar(workers: int) -> Any:
    """How many pictures are answered, on a terminal, where there are many."""
    from tqdm import tqdm

    return tqdm(unit=" pictures", disable=None if workers > 1 else True)


class Form(NamedTuple):
    """How answers are printed."""

    top: int
    show: bool
    explain: bool
    as_csv: bool
    as_json: bool


def _print(
    names: list[str],
    found: "list[Picture | MnistnetError]",
    network: "Network",
    form: Form,
    samples: Samples,
) -> None:
    """What the network reads in these pictures, or why one could not be read, in order."""
    from dataclasses import asdict

    from mnistnet.api import answers
    from mnistnet.report.explain import explanation_text
    from mnistnet.report.text import answer_lines

    read = {
        name: picture
        for name, picture in zip(names, found, strict=True)
        if not isinstance(picture, MnistnetError)
    }
    given = answers(network, list(read.values()))
    lines = answer_lines([visible(name) for name in read], given, form.top)
    replies = dict(zip(read, zip(given, lines, strict=True), strict=True))
    for name, picture in zip(names, found, strict=True):
        if isinstance(picture, MnistnetError):
            _print_error(name, picture, form)
            continue
        for remark in picture.notes:
            note(visible(f"{name}: {remark}"))
        reply, line = replies[name]
        why = _explained(name, picture, network, samples) if form.explain else []
        if form.as_csv:
            digit = reply.digit if reply.number is None else reply.number
            click.echo(_csv_line(name, reply.unsure, reply.probability, digit))
        elif form.as_json:
            more = {"explanations": [asdict(one) for one in why]} if form.explain else {}
            print_json({"picture": name, **asdict(reply), **more})
        else:
            click.echo(line)
            if form.show:
                _show(picture, reply)
            for one in why:
                click.echo(explanation_text(one, network.model.layers) + "\n")


def _explained(
    name: str, picture: "Picture", network: "Network", samples: Samples
) -> "list[Explanation]":
    """An explanation of each digit in the picture, with the loss if its label is known."""
    from mnistnet.report.explain import explain

    sample = samples.get(name)
    label = sample.label if sample else None
    return [explain(network.model, digit.image, label) for digit in picture.digits]


def _print_error(name: str, error: MnistnetError, form: Form) -> None:
    if form.as_json:
        print_json({"picture": name, "error": str(error)})
        return
    click.echo(f"Error: {visible(f'{name}: {error}')}", err=True)
    if form.as_csv:  # so that rows and pictures correspond
        click.echo(_csv_line(name, "", "", ""))


def _csv_line(*fields: object) -> str:
    import csv
    import io

    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def _show(picture: "Picture", reply: "Answer") -> None:
    """Draw each digit that was found, with its probabilities if it looks like one."""
    from mnistnet.report.text import picture_text

    plain = not can_print("▀▄█")
    probabilities = [digit.probabilities for digit in reply.digits] or [[] for _ in picture.digits]
    for digit, own in zip(picture.digits, probabilities, strict=True):
        click.echo(picture_text(digit.image.tolist(), own, plain) + "\n")


def _expand(word: str, samples: Samples) -> list[str]:
    """The pictures in a folder, or the images of a range; else the word alone."""
    from mnistnet.image.file import pictures_in

    try:
        found = pictures_in(Path(word)) if Path(word).is_dir() else []
    except (MnistnetError, OSError):  # which reading it will report
        found = []
    return [str(path) for path in found] or samples.names(word)
