"""mnistnet eval."""

from pathlib import Path

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
@json_option
def evaluate(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path | None,
    split: str,
    mistakes: int,
    as_json: bool,
) -> None:
    """Tell how good a network is.

    Prints the accuracy, its loss, how often each digit is taken for another, and the most frequent
    confusions. On MNIST's own test images also the accuracy without the 15 that are known to be
    labelled wrongly, and on each half, since the first was written by other people.

    \b
    Examples:
      mnistnet eval
      mnistnet eval --split validation --json
    """
    import shutil

    from mnistnet.report import evaluation as library
    from mnistnet.report import text

    path, network, whence = read_weights(weights)
    file_split = "test" if split == "test" else "train"
    data = dataset(folder, mirrors, file_split)
    rows = library.rows_of(split, len(data.labels), data.sha256, network.metadata)
    result = library.evaluate(network.model, data.images, data.labels, rows)
    found = library.parts(len(data.labels), data.label_errors)
    parts = {name: result.accuracy_among(indices) for name, indices in found.items()}
    if as_json:
        facts = {
            "split": split,
            "published": data.published,
            "drawn": data.drawn,
            "weights": str(path),
            "parts": parts,
        }
        print_json(library.as_json(result) | facts)
        return
    kind = text.kind_text(data.published, data.drawn)
    click.echo(f"{whence}; {split} images are {kind}", err=True)
    name = f"drawn {split}" if data.drawn else split
    click.echo(text.evaluation_text(result, name, parts))
    if mistakes and result.mistakes:
        drawn = text.mistakes_text(
            result.mistakes[:mistakes],
            data.images,
            file_split,
            data.label_errors,
            shutil.get_terminal_size().columns,
            plain=not can_print("▀▄█"),
        )
        click.echo(f"\nsurest mistakes\n\n{drawn}")
