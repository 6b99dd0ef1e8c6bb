"""mnistnet train."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import is_quiet, note, output_options, print_json
from mnistnet.cli.settings import note_dataset, note_failure, prepare, training_options

if TYPE_CHECKING:
    from mnistnet.model.metadata import Report
    from mnistnet.model.run import Run


@click.command()
@training_options
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@output_options
def train(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    start: Path | None,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
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
    from mnistnet.api import additions, source
    from mnistnet.model.run import Run
    from mnistnet.report.text import trained_text

    prepared = prepare(folder, mirrors, weights, start, options)
    data, settings, network, _ = prepared
    run = Run(weights, settings, source(data), start=network, resume=resume, notify=note)
    with run:
        note_dataset(data)
        augment, extra = additions(settings, data.images, data.labels)
        reports = run.train(data.images, data.labels, augment, extra)
        extra_count = settings.drawn + settings.nondigits
        _show(reports, run, len(data.images) - settings.validation + extra_count, as_json)
    history = run.state.history
    note_failure(prepared, history)
    if not as_json:
        click.echo(trained_text(run.metadata, weights))
        return
    facts = {
        "weights": str(weights),
        "validation_accuracy": history[-1].validation_accuracy,
        "epochs": len(history),
        "seconds": sum(report.seconds for report in history),
        "parameters": len(run.state.network.parameters),
        "published": data.published,
        "drawn": data.drawn,
    }
    print_json(facts)


def _show(reports: "Iterator[Report]", run: "Run", images: int, as_json: bool) -> None:
    """Print a line per epoch, and on a terminal a bar; images is the number that an epoch sees."""
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
    """Return a bar of the epochs, hidden if stderr is not a terminal, or by --json or --quiet."""
    from tqdm import tqdm

    form = "epoch {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    return tqdm(
        total=epochs,
        initial=done,
        desc="training",
        bar_format=form,
        dynamic_ncols=True,
        disable=as_json or is_quiet() or None,
    )
