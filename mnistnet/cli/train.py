"""mnistnet train."""

from pathlib import Path
from typing import Any

import click

from mnistnet.api import additions, source
from mnistnet.cli import echo, options
from mnistnet.cli.settings import prepare, training_options
from mnistnet.model.diagnosis import training_warning
from mnistnet.model.metadata import Report
from mnistnet.model.run import run
from mnistnet.report.text import epoch_text, live_text, trained_text


@click.command()
@training_options
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@options.output_options
def train(weights: Path, resume: bool, as_json: bool, **given: Any) -> None:
    """Train a network and write its weights.

    The test set is not used: the accuracy after each epoch is that on validation images, which are
    training images held out, the same for every seed. The weights are those of the last epoch.

    After each epoch, a checkpoint is saved next to the weights file; it is removed at the end. If
    the training is interrupted, the same command with --resume continues it, to the same weights.
    Do not run two trainings for one weights file at a time.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300,100 --weights deep.npz
      mnistnet train --from pretrained --data DIR --epochs 10
    """
    data, settings, initial = prepare(weights, **given)
    seen = len(data.images) - (settings.validation or 0) + settings.drawn + settings.nondigits
    form = "epoch {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    with options.make_bar(as_json, desc="training", total=settings.epochs, bar_format=form) as bar:

        def show(report: Report) -> None:
            if as_json:
                options.print_json(vars(report))
            else:
                options.note(epoch_text(report, settings.epochs))
            if not bar.n:  # a resumed training begins later
                bar.initial = bar.n = report.epoch - 1
            bar.set_description_str(live_text(report, seen), refresh=False)
            bar.update()

        network, metadata = run(
            data.images,
            data.labels,
            settings,
            source(data),
            start=initial,
            path=weights,
            resume=resume,
            additions=additions,
            notify=options.note,
            callback=show,
        )
    if failure := training_warning(metadata.history, data.images, data.labels, settings):
        options.note(f"Warning: {failure}")
    if not as_json:
        echo(trained_text(metadata, weights))
        return
    facts = {
        "weights": str(weights),
        "validation_accuracy": metadata.history[-1].validation_accuracy,
        "epochs": len(metadata.history),
        "seconds": sum(report.seconds for report in metadata.history),
        "parameters": len(network.parameters),
        "published": data.published,
        "drawn": data.drawn,
    }
    options.print_json(facts)
