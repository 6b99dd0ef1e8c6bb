"""mnistnet search."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from mnistnet.cli import echo, options
from mnistnet.cli.train import prepare, training_options
from mnistnet.executors import dask_cluster, process_pool
from mnistnet.model import search as library
from mnistnet.model import weights as files
from mnistnet.model.diagnosis import training_warning
from mnistnet.model.run import with_limits
from mnistnet.model.search import Start
from mnistnet.report import starts as report
from mnistnet.report.text import percent
from mnistnet.trainer import source, train_start

MAX_STARTS = 100_000  # more is a typing error


@click.command()
@training_options
@click.option(
    "--starts",
    "count",
    type=click.IntRange(1, MAX_STARTS),
    default=10,
    help="Networks to train, with the seeds --seed, --seed + 1, and so on.",
)
@click.option(
    "--committee", "as_committee", is_flag=True, help="Write a network that averages the scores."
)
@click.option(
    "--best",
    "members",
    type=click.IntRange(1, MAX_STARTS),
    metavar="K",
    help="Average only the K best starts in the committee.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Train on the workers of this Dask scheduler, such as tcp://host:8786.",
)
@options.output_options
def search(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    count: int,
    as_committee: bool,
    members: int | None,
    scheduler: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Train many networks and keep the best, or average them.

    The networks (starts) differ only in their seed, which determines the initial weights. Each is
    saved as a weights file in a folder next to the target: in big.starts for big.npz. The same
    command trains only the starts that are missing there, and with a larger --starts adds more.

    The start with the lowest validation loss is written to --weights; or, with --committee, a
    network whose scores are the mean of those of all starts, or of the best.

    All cores are used, one start on each; or with --scheduler the workers of a Dask cluster, which
    needs distributed: python -m pip install distributed

    \b
    Examples:
      mnistnet search --starts 20
      mnistnet search --committee --epochs 60 --weights big.npz
      mnistnet search --scheduler tcp://10.0.0.1:8786 --starts 1000
    """
    if members and not as_committee:
        raise click.UsageError("--best K needs --committee")
    files.check_replaceable(weights)
    data, settings, network, before = prepare(weights, folder=folder, mirrors=mirrors, **given)
    used = members or (count if as_committee else 1)
    library.check_choice(settings, count, used)
    from_option = click.get_current_context().get_parameter_source("folder")
    if folder and from_option is click.core.ParameterSource.COMMANDLINE:
        folder = folder.absolute()
    else:
        folder = None  # workers load the data that their own environment names
    train = partial(train_start, folder, mirrors, data.sha256, network)
    to = library.starts_folder(weights)
    probe = partial(library.check_versions, library.versions())
    with dask_cluster(scheduler, probe) if scheduler else process_pool(count) as executor:
        coming = library.search(executor, train, settings, source(data), to, count)
        starts = _show(coming, count, to, as_json)
    starts.sort(key=lambda start: start.seed)
    chosen = library.best(starts, used) if used < count else starts
    history = chosen[0].metadata.history
    if failure := training_warning(history, data.images, data.labels, settings, before):
        options.note(f"Warning: {failure}")
    analysis = report.analyse(starts, data.images, data.labels, data.sha256)
    found, metadata = (
        library.committee(chosen) if as_committee else (chosen[0].load(), chosen[0].metadata)
    )
    files.save(weights, found, with_limits(metadata, found, data.images, data.labels))
    seeds = [each.seed for each in chosen]
    if as_json:
        options.print_json(report.summary_json(analysis, seeds, weights))
        return
    echo(report.starts_text(analysis))
    echo(f"\n{report.written_text(analysis, seeds, weights)}")


def _show(coming: Iterator[Start], count: int, folder: Path, as_json: bool) -> list[Start]:
    """Print a line per start, and on a terminal a bar with the best accuracy so far."""
    starts: list[Start] = []
    form = "start {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    with options.make_bar(as_json, total=count, bar_format=form) as bar:
        try:
            for start in coming:
                starts.append(start)
                if as_json:
                    options.print_json(report.start_json(start))
                else:
                    options.note(report.start_text(start))
                best = max(each.last.validation_accuracy or 0 for each in starts)
                bar.set_description_str(f"best {percent(best or None)}", refresh=False)
                bar.update()
        except KeyboardInterrupt as interrupt:
            interrupt.args = (
                f"after {len(starts)} of {count} starts, which are kept in {folder}; "
                "the same command trains the others",
            )
            raise
    return starts
