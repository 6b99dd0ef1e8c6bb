"""mnistnet predict."""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import (
    READ_WEIGHTS,
    can_print,
    data_option,
    dataset,
    json_option,
    mirror_option,
    read_weights,
    visible,
    weights_option,
)
from mnistnet.errors import MnistnetError, PictureError

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.image.digit import Picture

TOGETHER = 100  # pictures that are read before they are answered


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

    PICTURE is a file with one digit in any format that Pillow reads, of any size and colours, a
    drawing or a photograph of paper; - for standard input; or test:7 or train:7 for that image of
    the data set. One that cannot be read costs an error line; the others are still answered.

    An answer is called unsure where its probability leads the second one's by less than 80 points.

    \b
    Examples:
      mnistnet predict digit.png
      mnistnet predict --show photo.jpg
      mnistnet predict --json test:0 test:1
    """
    import numpy as np

    from mnistnet.image.digit import Picture
    from mnistnet.model.network import log_probabilities
    from mnistnet.report.text import answer_text, is_unsure, picture_text

    _, network, meta, whence = read_weights(weights)
    if weights is None or meta["data"].get("drawn"):
        click.echo(whence, err=True)

    @functools.cache  # a failure too: mirrors are asked once, not once a picture
    def images_of(split: str) -> "Dataset | MnistnetError":
        try:
            data = dataset(folder, mirrors, split)
            if data.drawn:
                click.echo(f"{split} images are {data.kind}", err=True)
            return data
        except MnistnetError as error:
            return error

    plain = not can_print("▀▄█")
    failed = False
    for start in range(0, len(pictures), TOGETHER):
        found = [
            (name, _read_picture(name, images_of)) for name in pictures[start : start + TOGETHER]
        ]
        images = [picture.image for _, picture in found if isinstance(picture, Picture)]
        rows: Any = iter(network.image_scores(np.array(images)) if images else [])
        for name, picture in found:
            if not isinstance(picture, Picture):
                failed = True
                if as_json:
                    click.echo(json.dumps({"picture": name, "error": str(picture)}))
                else:
                    click.echo(f"Error: {visible(f'{name}: {picture}')}", err=True)
                continue
            scores = next(rows)
            probabilities = np.exp(log_probabilities(scores[None]))[0].tolist()
            if as_json:
                answer = {
                    "picture": name,
                    "digit": int(scores.argmax()),
                    "probability": max(probabilities),
                    "probabilities": probabilities,
                    "scores": scores.tolist(),
                    "inverted": picture.inverted,
                    "unsure": is_unsure(probabilities),
                }
                click.echo(json.dumps(answer))
            else:
                click.echo(answer_text(visible(name), probabilities, top))
                if show:
                    click.echo(picture_text(picture.image.tolist(), probabilities, plain) + "\n")
    if failed:
        sys.exit(1)


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
