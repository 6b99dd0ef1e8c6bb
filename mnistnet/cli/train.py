"""mnistnet train."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import json_option, note, print_json
from mnistnet.cli.settings import prepare, say_what, training_options

if TYPE_CHECKING:
    from mnistnet.model.metadata import Report
    from mnistnet.model.run import Run


@click.command()
@training_options
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@json_option
def train(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    start: Path | None,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network and write its weights, those of the last epoch.

    The test set is not touched: what is reported is the accuracy on training images that are held
    out to validate on, the same ones whatever the seed.

    After each epoch a checkpoint is left beside the weights file, and removed at the end. The same
    command with --resume continues from there, to the same weights. Run one training at a
    time for one weights file.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300 --hidden 100 --weights deep.npz
      mnistnet train --from pretrained --data DIR --epochs 10
    """
    from mnistnet.api import additions, source
    from mnistnet.model.diagnosis import training_warning
    from mnistnet.model.run import Run
    from mnistnet.report.text import trained_text

    data, settings, network, found = prepare(folder, mirrors, weights, start, options)
    run = Run(weights, settings, source(data), start=network, resume=resume, notify=note)
    with run:
        say_what(data)
        augment, extra = additions(settings, data.images, data.labels)
        reports = run.train(data.images, data.labels, augment, extra)
        extra_count = settings.drawn + settings.nondigits
        _show(reports, run, len(data.images) - settings.validation + extra_count, as_json)
    history = run.state.history
    learned = training_warning(
        history, data.labels, settings.validation, settings.learning_rate, found
    )
    if learned:
        note(f"Warning: {learned}")
    if not as_json:
        click.echo(trained_text(run.metadata, weights))
        return
    closing = {
        "weights": str(weights),
        "validation_accuracy": history[-1].validation_accuracy,
        "epochs": len(history),
        "seconds": sum(report.seconds for report in history),
        "parameters": len(run.state.network.parameters),
        "published": data.published,
        "drawn": data.drawn,
    }
    print_json(closing)


def _show(reports: "Iterator[Report]", run: "Run", images: int, as_json: bool) -> None:
    """Each epoch as a line, and on a terminal a bar below them; images is what an epoch sees."""
    from mnistnet.report.text import epoch_text, live_text

    epochs = run.options.epochs
    with _live_line(epochs, len(run.state.history), as_json) as line:
        for report in reports:
            if as_json:
                print_json(vars(report))
            else:
                if not line.disable:
                    line.clear()
                note(epoch_text(report, epochs))
            line.set_description_str(live_text(report, images), refresh=False)
            line.update()


def _live_line(epochs: int, done: int, as_json: bool) -> Any:
    """A tqdm bar over the epochs on stderr; disabled where that is not a terminal, or for JSON."""
    from tqdm import tqdm

    form = "epoch {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    return tqdm(
        total=epochs,
        initial=done,
        desc="training",
        bar_format=form,
        dynamic_ncols=True,
        disable=as_json or None,
    )
