"""mnistnet search."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from mnistnet.api import source, train_start
from mnistnet.arrays import CLASSES, PIXELS
from mnistnet.cli import options
from mnistnet.cli.settings import note_failure, prepare, training_options
from mnistnet.cli.streams import echo
from mnistnet.errors import TrainingError
from mnistnet.executors import dask_cluster, process_pool
from mnistnet.model import search as library
from mnistnet.model import weights as files
from mnistnet.model.options import Options
from mnistnet.model.search import Start
from mnistnet.report.starts import (
    analyse,
    start_json,
    start_text,
    starts_text,
    summary_json,
    written_text,
)
from mnistnet.report.text import percent

MAX_STARTS = 100_000  # more is a typing error


@click.command()
@training_options
@click.option(
    "--starts",
    "count",
    type=click.IntRange(1, MAX_STARTS),
    default=10,
    show_default=True,
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
    start: Path | None,
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
    prepared = prepare(folder, mirrors, weights, start, given)
    data, settings, network = prepared
    used = members or (count if as_committee else 1)
    _check(settings, count, used, is_choice=not as_committee or members is not None)
    train = partial(train_start, _shared(folder), mirrors, data.sha256, network)
    folder_of_starts = library.starts_folder(weights)
    with _executor(scheduler, count) as executor:
        coming = library.search(executor, train, settings, source(data), folder_of_starts, count)
        starts = _show(coming, count, folder_of_starts, as_json)
    starts.sort(key=lambda start: start.seed)
    chosen = library.best(starts, used) if used < count else starts
    note_failure(prepared, chosen[0].metadata.history)
    analysis = analyse(starts, data.images, data.labels, data.sha256)
    if as_committee:
        committee = library.committee([each.load() for each in chosen])
        files.save(weights, committee, library.committee_metadata(chosen, committee))
    else:
        files.save(weights, chosen[0].load(), chosen[0].metadata)
    seeds = [each.seed for each in chosen]
    if as_json:
        options.print_json(summary_json(analysis, seeds, weights))
        return
    echo(starts_text(analysis))
    echo(f"\n{written_text(analysis, seeds, weights)}")


def _executor(scheduler: str | None, count: int) -> AbstractContextManager[Any]:
    """Open the workers: all cores, or those of a Dask scheduler, which need the same versions."""
    if scheduler is None:
        return process_pool(count)
    return dask_cluster(scheduler, library.versions, library.check_versions)


def _shared(folder: Path | None) -> Path | None:
    """Return the folder that workers load the data from; None if their own environment names it."""
    source = click.get_current_context().get_parameter_source("folder")
    is_given = source is click.core.ParameterSource.COMMANDLINE
    return folder.absolute() if folder and is_given else None


def _check(settings: Options, count: int, used: int, is_choice: bool) -> None:
    """Raise the errors that would otherwise be raised when all starts are trained."""
    if used > count:
        raise TrainingError(f"expected at most the {count} starts for --best; found {used}")
    if is_choice and not settings.validation:
        raise TrainingError(
            "without validation images there is no best start: hold some out with --validation, or "
            "average all starts with --committee"
        )
    library.blank_committee([(PIXELS, *settings.hidden, CLASSES)] * used)


def _show(coming: Iterator[Start], count: int, folder: Path, as_json: bool) -> list[Start]:
    """Print a line per start, and on a terminal a bar with the best accuracy so far."""
    starts: list[Start] = []
    form = "start {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    hidden = as_json or options.is_quiet() or None  # None: unless stderr is a terminal
    with tqdm(total=count, bar_format=form, dynamic_ncols=True, disable=hidden) as bar:
        try:
            for start in coming:
                starts.append(start)
                if as_json:
                    options.print_json(start_json(start))
                else:
                    if not bar.disable:
                        bar.clear()
                    options.note(start_text(start))
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
