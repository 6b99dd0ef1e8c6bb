"""Train from many initial weights: "It is possible to find better minima by, e.g., searching from
many initial solutions" (the notes, section 6).

Starts differ only in their seed. Each is one task of a concurrent.futures.Executor and is saved to
its own weights file as soon as it finishes, so that the next search trains only the missing ones. A
committee averages the scores of several networks; it is itself a network.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet import __version__
from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.errors import MnistnetError, TrainingError, reason
from mnistnet.files import check_writable, make_folder
from mnistnet.model import weights
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options
from mnistnet.model.run import check_same

# Trains a network with these options, and returns its weights (P,) and its history. It is pickled,
# so it must be a module-level function or a partial of one.
Train = Callable[[Options], tuple[Array, Sequence[EpochReport]]]


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
    def last(self) -> EpochReport:
        """The report of the last epoch."""
        return self.metadata.history[-1]

    def load(self) -> Perceptron:
        return weights.load(self.path)[0]


def search(
    executor: Executor, train: Train, options: Options, data: TrainingSet, folder: Path, starts: int
) -> Iterator[Start]:
    """Train networks with the seeds options.seed, ..., options.seed + starts - 1.

    Yields first the starts that the folder already has, then each new one after it is saved. The
    weights do not depend on the executor or on the order in which starts finish.

    Raises TrainingError if the folder has starts with other options or data, or if a worker fails;
    any MnistnetError of train, with the seed; WeightsError if a file in the folder is not a weights
    file. Finished starts are kept.
    """
    kept, missing = [], {}
    for seed in range(options.seed, options.seed + starts):
        path, own = folder / f"seed-{seed:04}.npz", replace(options, seed=seed)
        if path.exists() and path.stat().st_size:
            start = Start(path, weights.load(path)[1])
            advice = "use the same value, or name another file with --weights"
            check_same(start.metadata, Metadata(own, data), path, advice)
            kept.append(start)
        else:
            missing[path] = own
    make_folder(folder)
    check_writable(path)
    yield from kept
    futures: dict[Future[Any], Path] = {}
    try:
        for path, own in missing.items():
            futures[executor.submit(_train, train, own, versions())] = path
        for future in as_completed(futures):
            path = futures.pop(future)
            own = missing[path]
            parameters, history = future.result()
            network = Perceptron.of((PIXELS, *own.hidden, CLASSES), parameters)
            metadata = Metadata(own, data, tuple(history))
            weights.save(path, network, metadata)
            yield Start(path, metadata, kept=False)
    except MnistnetError as error:
        raise type(error)(f"the start with seed {own.seed}: {error}") from error
    except Exception as error:  # of a lost worker or connection
        raise TrainingError(
            f"a worker failed, perhaps because memory ran out ({reason(error)}); finished starts "
            f"are kept in {folder}; run the same command to train the others"
        ) from error


def starts_folder(path: Path) -> Path:
    """Return the folder for the starts of the search that writes this weights file."""
    return path.with_name(f"{path.name.removesuffix('.npz')}.starts")


def load_starts(folder: Path) -> list[Start]:
    """Load the starts in the folder of a search, ordered by seed. Raises TrainingError if there are
    none or they are of different searches, WeightsError if one is damaged."""
    found = [Start(path, weights.load(path)[1]) for path in folder.glob("seed-*.npz")]
    found.sort(key=lambda start: start.seed)
    if not found:
        raise TrainingError(
            f"{folder}: expected the starts of a search; found none: run 'mnistnet search', or "
            "name the weights file it wrote with --weights"
        )
    first = found[0].metadata
    for start in found:
        same = replace(first, options=replace(first.options, seed=start.seed))
        check_same(start.metadata, same, start.path, "move one of them to another folder")
    return found


def check_choice(options: Options, starts: int, members: int) -> None:
    """Raise MnistnetError if a search with this number of starts cannot end with a committee of
    this number of members, or with the best start if that is 1, or if that would be too large."""
    if members > starts:
        raise TrainingError(f"expected at most the {starts} starts for --best; found {members}")
    if members < starts and not options.validation:
        raise TrainingError(
            "without validation images there is no best start: hold some out with --validation, or "
            "average all starts with --committee"
        )
    Perceptron((PIXELS, *(units * members for units in options.hidden), CLASSES))


def best(starts: Sequence[Start], count: int) -> list[Start]:
    """Return the count starts with the lowest validation losses, best first; each needs one."""
    return sorted(starts, key=lambda start: (start.last.validation_loss or 0, start.seed))[:count]


def committee(starts: Sequence[Start]) -> tuple[Perceptron, Metadata]:
    """Return the network whose scores are the mean of those of these starts, and its metadata.

    Its hidden layers have the units of all of them: the first matrix stacks theirs, the ones above
    are block diagonal, and the last has theirs side by side, divided by their number.
    """
    first, count = starts[0].metadata, len(starts)
    whole = Perceptron((PIXELS, *(units * count for units in first.options.hidden), CLASSES))
    top = len(whole.matrices) - 1
    for place, start in enumerate(starts):
        for layer, W in enumerate(start.load().matrices):
            rows, columns = W.shape
            row = place * rows if layer < top else 0
            column = place * columns if layer else 0
            share = W / count if layer == top else W
            whole.matrices[layer][row : row + rows, column : column + columns] += share
    options = replace(first.options, hidden=whole.layers[1:-1])
    return whole, Metadata(options, first.data, members=tuple(start.seed for start in starts))


def versions() -> dict[str, str]:
    """The versions that must be the same on every worker."""
    return {"mnistnet": __version__, "NumPy": np.__version__, "Python": platform.python_version()}


def check_versions(expected: Mapping[str, str]) -> None:
    """Raise TrainingError, naming this machine, if a version on it is not as expected."""
    for name, version in versions().items():
        if version != expected[name]:
            raise TrainingError(
                f"the worker {platform.node()}: expected {name} {expected[name]}; found {version}; "
                "install the same versions everywhere"
            )


def _train(train: Train, options: Options, expected: Mapping[str, str]) -> object:
    check_versions(expected)  # the worker may have joined after the search began
    return train(options)
