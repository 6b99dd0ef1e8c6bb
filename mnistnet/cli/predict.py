"""mnistnet predict."""

import functools
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistnet.cli.options import (
    READ_WEIGHTS,
    can_print,
    data_option,
    dataset,
    json_option,
    mirror_option,
    print_json,
    read_weights,
    weights_option,
)
from mnistnet.cli.streams import visible
from mnistnet.errors import MnistnetError, PictureError

if TYPE_CHECKING:
    from mnistnet.api import Network
    from mnistnet.data.mnist import Dataset
    from mnistnet.image.digit import Picture
    from mnistnet.model.answer import Answer


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
@click.option("--show", is_flag=True, help="Draw what the network saw, and all probabilities.")
@json_option
def predict(
    pictures: tuple[str, ...],
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    top: int,
    show: bool,
    as_json: bool,
) -> None:
    """Recognise the digit or the number in each PICTURE.

    PICTURE is a file, of any size and colours, a drawing or a photograph of paper: PNG, JPEG, GIF,
    BMP, TIFF, WebP, AVIF, PPM, or HEIC where pillow-heif is installed; a folder, for all pictures
    in it; - for standard input; or test:7 or train:7 for that image of the data set. Several digits
    with gaps between them are read as a number. A picture that cannot be read prints one error
    line; the others are still answered.

    An answer is unsure, for the reason printed, if another digit is nearly as probable, if it looks
    unlike a digit, or if the picture shows it cut off, touching another or hardly visible.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --top 2 number.jpg
      mnistnet predict --show photo.jpg
      mnistnet predict --json test:0 test:1
    """
    from mnistnet.report.text import kind_text

    _, network, whence = read_weights(weights)
    if weights is None or network.metadata.data.drawn:
        click.echo(whence, err=True)

    @functools.cache  # a failure too: mirrors are asked once, not for each picture
    def images_of(split: str) -> "Dataset | MnistnetError":
        try:
            data = dataset(folder, mirrors, split)
        except MnistnetError as error:
            return error
        if data.drawn:
            kind = kind_text(data.published, data.drawn)
            click.echo(f"{split} images are {kind}", err=True)
        return data

    failed = False
    every = (name for given in pictures for name in _expand(given))
    while names := tuple(itertools.islice(every, TOGETHER)):
        found = [_read_picture(name, images_of) for name in names]
        failed |= any(isinstance(picture, MnistnetError) for picture in found)
        _print(names, found, network, top, show, as_json)
    if failed:
        sys.exit(1)


def _print(
    names: tuple[str, ...],
    found: "list[Picture | MnistnetError]",
    network: "Network",
    top: int,
    show: bool,
    as_json: bool,
) -> None:
    """What the network reads in these pictures, or why one could not be read, in order."""
    from dataclasses import asdict

    from mnistnet.api import answers
    from mnistnet.report.text import answer_lines

    read = {
        name: picture
        for name, picture in zip(names, found, strict=True)
        if not isinstance(picture, MnistnetError)
    }
    given = answers(network, list(read.values()))
    lines = answer_lines([visible(name) for name in read], given, top)
    replies = dict(zip(read, zip(given, lines, strict=True), strict=True))
    for name, picture in zip(names, found, strict=True):
        if isinstance(picture, MnistnetError):
            if as_json:
                print_json({"picture": name, "error": str(picture)})
            else:
                click.echo(f"Error: {visible(f'{name}: {picture}')}", err=True)
            continue
        for note in picture.notes:
            click.echo(visible(f"{name}: {note}"), err=True)
        reply, line = replies[name]
        if as_json:
            print_json({"picture": name, **asdict(reply)})
            continue
        click.echo(line)
        if show:
            _show(picture, reply)


def _show(picture: "Picture", reply: "Answer") -> None:
    """Draw each digit that was found, with its probabilities if it looks like one."""
    from mnistnet.report.text import picture_text

    plain = not can_print("▀▄█")
    probabilities = [digit.probabilities for digit in reply.digits] or [[] for _ in picture.digits]
    for digit, own in zip(picture.digits, probabilities, strict=True):
        click.echo(picture_text(digit.image.tolist(), own, plain) + "\n")


def _expand(name: str) -> list[str]:
    """The pictures in a folder; of anything else, and of a folder without any, the name alone."""
    from mnistnet.image.file import pictures_in

    try:
        found = pictures_in(Path(name)) if Path(name).is_dir() else []
    except (MnistnetError, OSError):  # which reading it will report
        found = []
    return [str(path) for path in found] or [name]


def _read_picture(
    name: str, images_of: Callable[[str], "Dataset | MnistnetError"]
) -> "Picture | MnistnetError":
    """What predict's PICTURE stands for: an image of the data set, standard input or a file."""
    from mnistnet.image.digit import Digit, Picture, read_picture

    split, colon, number = name.partition(":")
    try:
        if colon and split in ("test", "train"):
            data = images_of(split)
            if isinstance(data, MnistnetError):
                return data
            last = len(data.images) - 1
            is_number = number.isascii() and number.isdecimal()
            if not is_number or len(number) > len(str(last)) or int(number) > last:
                return PictureError(f"expected {split}: and a number from 0 to {last}")
            return Picture((Digit(data.images[int(number)]),), inverted=False, as_is=True)
        if name == "-":
            if sys.stdin is None:
                return PictureError("standard input is closed")
            return read_picture(sys.stdin.buffer)
        return read_picture(Path(name))
    except MnistnetError as error:
        return error
