"""mnistnet predict."""

import functools
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
    from mnistnet.data.mnist import Dataset
    from mnistnet.image.digit import Picture


@click.command()
@click.argument("pictures", nargs=-1, required=True, metavar="PICTURE...")
@weights_option(READ_WEIGHTS)
@data_option
@mirror_option
@click.option(
    "--top",
    type=click.IntRange(0, 9),
    default=2,
    show_default=True,
    help="How many runners-up to print.",
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
    """Tell the digit in each PICTURE.

    PICTURE is a file with one digit, of any size and colours, a drawing or a photograph of paper:
    PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, PPM, or HEIC where pillow-heif is installed; a folder,
    for all pictures in it; - for standard input; or test:7 or train:7 for that image of the data
    set. One that cannot be read costs an error line; the others are still answered.

    An answer is called unsure where its probability leads the second one's by less than 80 points.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --show photo.jpg
      mnistnet predict --json test:0 test:1
    """
    from mnistnet.model.answer import answer
    from mnistnet.report.text import answer_text, kind_text, picture_text

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

    plain = not can_print("▀▄█")
    failed = False
    for name in (name for given in pictures for name in _expand(given)):
        picture = _read_picture(name, images_of)
        if isinstance(picture, MnistnetError):
            failed = True
            if as_json:
                print_json({"picture": name, "error": str(picture)})
            else:
                click.echo(f"Error: {visible(f'{name}: {picture}')}", err=True)
            continue
        for note in picture.notes:
            click.echo(visible(f"{name}: {note}"), err=True)
        found = answer(network.scores(picture.image[None])[0], picture.inverted)
        if as_json:
            print_json({"picture": name, **vars(found)})
            continue
        click.echo(answer_text(visible(name), found, top))
        if show:
            image = picture.image.tolist()
            click.echo(picture_text(image, found.probabilities, plain) + "\n")
    if failed:
        sys.exit(1)


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
    from mnistnet.image.digit import Picture, read_picture

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
            return Picture(data.images[int(number)], inverted=False, as_is=True)
        if name == "-":
            if sys.stdin is None:
                return PictureError("standard input is closed")
            return read_picture(sys.stdin.buffer)
        return read_picture(Path(name))
    except MnistnetError as error:
        return error
