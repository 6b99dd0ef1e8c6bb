"""Training from many initial weights: "It is possible to find better minima by, e.g., searching
from many initial solutions" (the notes, section 6).

Starts differ only in their seed. Each is one task of a concurrent.futures.Executor, and becomes a
weights file of its own as soon as it is finished, so that the next search trains only what is
missing. A committee averages the scores of several networks; it is itself a network.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet import __version__
from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.atomic import check_writable, make_folder
from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.model import weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.run import check_same

# Trains a network with these options, wherever it is called: its weights (P,) and its history.
# It is sent to other processes, so it must be a function of a module, or a partial of one.
Train = Callable[[Options], tuple[Array, list[Report]]]


@dataclass(frozen=True)
class Start:
    """A network that was trained from one seed: its weights file, and what is in its metadata."""

    path: Path
    metadata: Metadata
    kept: bool = True  # by an earlier search

    @property
    def seed(self) -> int:
        return self.metadata.options.seed

    @property
    def last(self) -> Report:
        """Of the last epoch."""
        return self.metadata.history[-1]

    def load(self) -> Network:
        return weights.load(self.path)[0]


def search(
    executor: Executor,
    train: Train,
    options: Options,
    source: Source,
    folder: Path,
    starts: int,
) -> Iterator[Start]:
    """Train networks with the seeds options.seed, options.seed + 1, ..., so many of them.

    Yields first those that the folder has, then each one as it is finished and written. What has
    not begun when the iteration ends is cancelled. The weights depend neither on the executor nor
    on the order in which starts are finished.

    Raises TrainingError if the folder has starts with other options or of other data, if a training
    fails, or if the executor does; WeightsError for a file in the folder that is no weights file.
    What is finished is kept.
    """
    planned = {
        file_of(folder, seed): replace(options, seed=seed)
        for seed in range(options.seed, options.seed + starts)
    }
    kept = [start for path, each in planned.items() if (start := _kept(path, each, source))]
    make_folder(folder)
    check_writable(next(iter(planned)))
    yield from kept
    found = {start.path for start in kept}
    futures = {
        _call(partial(executor.submit, _work, train, each, versions()), each.seed, folder): path
        for path, each in planned.items()
        if path not in found
    }
    try:
        for future in as_completed(futures):
            path = futures.pop(future)
            each = planned[path]
            parameters, history = _call(future.result, each.seed, folder)
            network = Network((PIXELS, *each.hidden, CLASSES))
            network.parameters[:] = parameters
            metadata = Metadata(each, source, tuple(history))
            weights.save(path, network, metadata)
            yield Start(path, metadata, kept=False)
    finally:
        for future in futures:
            future.cancel()


def folder_of(path: Path) -> Path:
    """Where the starts of the search are kept that writes this weights file."""
    return path.with_name(f"{path.name.removesuffix('.npz')}.starts")


def file_of(folder: Path, seed: int) -> Path:
    return folder / f"seed-{seed:04}.npz"


def finished(folder: Path) -> list[Start]:
    """The starts in the folder of a search, by seed. Raises TrainingError if it has none, or those
    of different searches; WeightsError for a damaged one."""
    paths = sorted(folder.glob("seed-*.npz"))
    found = [Start(path, weights.load(path)[1]) for path in paths]
    if not found or not all(start.metadata.history for start in found):
        raise TrainingError(
            f"{folder}: expected the starts of a search; found none: run 'mnistnet search', or "
            "name the weights file it wrote with --weights"
        )
    first = found[0].metadata
    for start in found:
        same = replace(first, options=replace(first.options, seed=start.seed))
        check_same(start.metadata, same, start.path, "move the others away")
    return sorted(found, key=lambda start: start.seed)


def best(starts: Sequence[Start], count: int) -> list[Start]:
    """The starts with the lowest validation losses, the lowest first. Raises TrainingError if no
    images were held out, or if there are fewer starts."""
    if count > len(starts):
        raise TrainingError(f"expected at most {len(starts)} starts to choose; found {count}")
    losses = [start.last.validation_loss for start in starts]
    if None in losses:
        raise TrainingError(
            "without validation images there is no best start: hold some out with --validation, "
            "or average all starts with --committee"
        )
    return sorted(starts, key=lambda start: (start.last.validation_loss or 0, start.seed))[:count]


def committee(networks: Sequence[Network]) -> Network:
    """The network whose scores are the mean of these networks' scores.

    Its hidden units are theirs side by side: the first matrix has theirs one below the other, those
    above it are block matrices, and the last has theirs beside each other, divided by their number.
    Raises MnistnetError for networks of different depths, or if it would be too large.
    """
    whole = blank_committee([network.layers for network in networks])
    top = len(whole.matrices) - 1
    for layer, block in enumerate(whole.matrices):
        row = column = 0
        for network in networks:
            W = network.matrices[layer]
            rows, columns = W.shape
            share = W / len(networks) if layer == top else W
            block[row : row + rows, column : column + columns] += share
            row += rows if layer < top else 0
            column += columns if layer else 0
    return whole


def blank_committee(members: Sequence[Sequence[int]]) -> Network:
    """A network as large as the committee of networks with these layers; raises as committee."""
    depths = sorted({len(layers) for layers in members})
    if len(depths) != 1:
        raise MnistnetError(f"expected networks of one depth; found {depths} layers")
    inner = [sum(units) for units in zip(*members, strict=True)][1:-1]
    try:
        return Network((members[0][0], *inner, members[0][-1]))
    except MnistnetError as error:
        raise MnistnetError(
            f"the committee of {len(members)} networks is too large: {error}, or average fewer "
            "with --best"
        ) from error


def committee_metadata(starts: Sequence[Start], network: Network) -> Metadata:
    """How the committee of these starts was made."""
    first = starts[0].metadata
    options = replace(first.options, hidden=network.layers[1:-1])
    return Metadata(options, first.data, members=tuple(start.seed for start in starts))


def versions() -> dict[str, str]:
    """What must be the same wherever starts are trained."""
    return {
        "mnistnet": __version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }


def check_versions(worker: str, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
    """Raise TrainingError, naming the worker, where its versions are not those expected."""
    for name, version in expected.items():
        if found.get(name) != version:
            raise TrainingError(
                f"the worker {worker}: expected {name} {version}; found {found.get(name)}; "
                "install the same versions everywhere"
            )


def _work(train: Train, options: Options, expected: Mapping[str, str]) -> object:
    """What a worker does; one that joined late has not been asked for its versions yet."""
    check_versions(platform.node(), versions(), expected)
    return train(options)


def _kept(path: Path, options: Options, source: Source) -> Start | None:
    """The start that an earlier search left in this file, if any."""
    if not path.exists() or not path.stat().st_size:
        return None
    metadata = weights.load(path)[1]
    mend = "give the same, or name another file with --weights"
    check_same(metadata, Metadata(options, source), path, mend)
    return Start(path, metadata) if len(metadata.history) == options.epochs else None


def _call(ask: Callable[[], Any], seed: int, folder: Path) -> Any:
    """What the executor answers; a failure says what it was that failed."""
    again = f"the finished starts are kept in {folder}; the same command trains the others"
    try:
        return ask()
    except MnistnetError as error:
        raise type(error)(f"the start with seed {seed}: {error}") from error
    except BrokenExecutor as error:
        raise TrainingError(
            f"a process that trained was killed, perhaps because memory ran out; {again}"
        ) from error
    except CancelledError as error:
        raise TrainingError(f"the connection to the workers was lost; {again}") from error
