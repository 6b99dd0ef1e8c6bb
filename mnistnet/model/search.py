"""Train from many initial weights: "It is possible to find better minima by, e.g., searching from
many initial solutions" (the notes, section 6).

Starts differ only in their seed. Each is one task of a concurrent.futures.Executor and is saved to
its own weights file as soon as it finishes, so that the next search trains only the missing ones. A
committee averages the scores of several networks; it is itself a network.
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
from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.files import check_writable, make_folder
from mnistnet.model import weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.run import check_same

# Trains a network with these options, and returns its weights (P,) and its history. It is pickled,
# so it must be a module-level function or a partial of one.
Train = Callable[[Options], tuple[Array, Sequence[Report]]]


@dataclass(frozen=True)
class Start:
    """A network trained from one seed: its weights file and its metadata."""

    path: Path
    metadata: Metadata
    kept: bool = True  # from an earlier search

    @property
    def seed(self) -> int:
        return self.metadata.options.seed

    @property
    def last(self) -> Report:
        """The report of the last epoch."""
        return self.metadata.history[-1]

    def load(self) -> Network:
        return weights.load(self.path)[0]


def search(
    executor: Executor, train: Train, options: Options, source: Source, folder: Path, starts: int
) -> Iterator[Start]:
    """Train networks with the seeds options.seed, ..., options.seed + starts - 1.

    Yields first the starts that the folder already has, then each new one after it is saved. Starts
    that have not begun when the iteration ends are cancelled. The weights do not depend on the
    executor or on the order in which starts finish.

    Raises TrainingError if the folder has starts with other options or data, if a run fails,
    or if the executor does; WeightsError if a file in the folder is not a weights file. Finished
    starts are kept.
    """
    planned = {
        folder / f"seed-{seed:04}.npz": replace(options, seed=seed)
        for seed in range(options.seed, options.seed + starts)
    }
    kept = [start for path, each in planned.items() if (start := _load_start(path, each, source))]
    make_folder(folder)
    check_writable(next(iter(planned)))
    yield from kept
    found = {start.path for start in kept}
    futures = {
        _call(partial(executor.submit, _train, train, each, versions()), each.seed, folder): path
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


def starts_folder(path: Path) -> Path:
    """Return the folder for the starts of the search that writes this weights file."""
    return path.with_name(f"{path.name.removesuffix('.npz')}.starts")


def load_starts(folder: Path) -> list[Start]:
    """Load the starts in the folder of a search, ordered by seed.

    Raises TrainingError if there are none or they are of different searches, WeightsError if one
    is damaged.
    """
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
        check_same(start.metadata, same, start.path, "move one of them to another folder")
    return sorted(found, key=lambda start: start.seed)


def best(starts: Sequence[Start], count: int) -> list[Start]:
    """Return the count starts with the lowest validation losses, best first.

    Raises TrainingError if there are fewer starts, or no images were held out.
    """
    if count > len(starts):
        raise TrainingError(f"expected to choose at most {len(starts)} starts; found {count}")
    losses = [start.last.validation_loss for start in starts]
    if None in losses:
        raise TrainingError(
            "without validation images there is no best start: hold some out with --validation, "
            "or average all starts with --committee"
        )
    return sorted(starts, key=lambda start: (start.last.validation_loss or 0, start.seed))[:count]


def committee(networks: Sequence[Network]) -> Network:
    """Return the network whose scores are the mean of these networks' scores.

    Its hidden layers have the units of all of them: the first matrix stacks theirs, the ones above
    are block diagonal, and the last has theirs side by side, divided by their number. Raises
    MnistnetError if the depths differ or the committee would be too large.
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
    """Return a network of zeros for a committee of networks with these layers."""
    depths = sorted({len(layers) for layers in members})
    if len(depths) != 1:
        raise MnistnetError(f"expected networks of the same depth; found {depths} layers")
    inner = [sum(units) for units in zip(*members, strict=True)][1:-1]
    try:
        return Network((members[0][0], *inner, members[0][-1]))
    except MnistnetError as error:
        raise MnistnetError(
            f"the committee of {len(members)} networks is too large: {error}, or average fewer "
            "with --best"
        ) from error


def committee_metadata(starts: Sequence[Start], network: Network) -> Metadata:
    """Return the metadata of the committee of these starts."""
    first = starts[0].metadata
    options = replace(first.options, hidden=network.layers[1:-1])
    return Metadata(options, first.data, members=tuple(start.seed for start in starts))


def versions() -> dict[str, str]:
    """The versions that must be the same on every worker."""
    return {"mnistnet": __version__, "NumPy": np.__version__, "Python": platform.python_version()}


def check_versions(
    worker: str, found: Mapping[str, str], expected: Mapping[str, str] | None = None
) -> None:
    """Raise TrainingError, naming the worker, if its versions differ from those expected, or from
    those of this process."""
    for name, version in (expected or versions()).items():
        if found.get(name) != version:
            raise TrainingError(
                f"the worker {worker}: expected {name} {version}; found {found.get(name)}; "
                "install the same versions everywhere"
            )


def _train(train: Train, options: Options, expected: Mapping[str, str]) -> object:
    """Train one start on a worker, which may have joined after the versions were checked."""
    check_versions(platform.node(), versions(), expected)
    return train(options)


def _load_start(path: Path, options: Options, source: Source) -> Start | None:
    """Load the finished start of an earlier search from this file, if there is one."""
    if not path.exists() or not path.stat().st_size:
        return None
    metadata = weights.load(path)[1]
    advice = "use the same value, or name another file with --weights"
    check_same(metadata, Metadata(options, source), path, advice)
    return Start(path, metadata) if len(metadata.history) == options.epochs else None


def _call(function: Callable[[], Any], seed: int, folder: Path) -> Any:
    """Call the executor, and turn its failures into errors that name the start or the folder."""
    advice = f"finished starts are kept in {folder}; run the same command to train the others"
    try:
        return function()
    except MnistnetError as error:
        raise type(error)(f"the start with seed {seed}: {error}") from error
    except BrokenExecutor as error:
        raise TrainingError(
            f"a training process was killed, perhaps because memory ran out; {advice}"
        ) from error
    except CancelledError as error:
        raise TrainingError(f"the connection to the workers was lost; {advice}") from error
