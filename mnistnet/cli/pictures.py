"""The pictures that predict and plot are given: files, standard input, and images of the data set
by name, such as test:7, train:0-99 and validation:3."""

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mnistnet.arrays import Array
from mnistnet.cli import options
from mnistnet.data.mnist import Dataset
from mnistnet.errors import MnistnetError, PictureError
from mnistnet.image.digit import Digit, Picture, read_picture
from mnistnet.model.metadata import Metadata
from mnistnet.model.state import rows_of
from mnistnet.model.threads import one_blas_thread
from mnistnet.report.text import kind_text

NAME = re.compile(r"(test|train|validation):(.*)", re.DOTALL)
AHEAD = 100  # files that processes read in advance


class Sample(NamedTuple):
    """An image (784,) uint8 and its label."""

    image: Array
    label: int


class Samples:
    """The images of a data set. Each split is loaded once, when its first image is needed."""

    def __init__(self, folder: Path | None, mirrors: tuple[str, ...], metadata: Metadata) -> None:
        """Take the values of --data and --mirror, and the metadata of the network, which determines
        the validation images."""
        self._source = folder, mirrors
        self._metadata = metadata
        self._splits: dict[str, tuple[Dataset, Array] | MnistnetError] = {}

    def expand(self, name: str) -> list[str]:
        """Expand 'test:0-99' to 'test:0', ..., 'test:99'; return any other name, such as a file's,
        unchanged."""
        match = NAME.fullmatch(name)
        first, dash, last = match[2].partition("-") if match else ("", "", "")
        if not match or not dash:
            return [name]
        try:
            ends = [self._number(match[1], number) for number in (first, last)]
        except MnistnetError:
            return [name]  # get raises the error
        return [f"{match[1]}:{number}" for number in range(ends[0], ends[1] + 1)] or [name]

    def get(self, name: str) -> Sample | None:
        """Return the sample of this name, or None if it does not name one.

        Raises MnistnetError if there is no such image or the data cannot be loaded.
        """
        match = NAME.fullmatch(name)
        if not match:
            return None
        number = self._number(match[1], match[2])
        data, rows = self._split(match[1])
        return Sample(data.images[rows[number]], int(data.labels[rows[number]]))

    def _number(self, split: str, text: str) -> int:
        last = len(self._split(split)[1]) - 1
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(last))
        if not is_number or int(text) > last:
            raise PictureError(f"expected {split}: and a number from 0 to {last}")
        return int(text)

    def _split(self, split: str) -> tuple[Dataset, Array]:
        """Return the data and the rows of the split in them; raise the same error every time."""
        if split not in self._splits:
            try:
                data = options.load_dataset(*self._source, "test" if split == "test" else "train")
                if data.drawn:
                    options.note(f"{split} images are {kind_text(data.published, data.drawn)}")
                part = "validation" if split == "validation" else "test"  # "test": all rows
                rows = rows_of(part, len(data.labels), data.sha256, self._metadata)
                self._splits[split] = data, rows
            except MnistnetError as error:
                self._splits[split] = error
        found = self._splits[split]
        if isinstance(found, MnistnetError):
            raise found
        return found


def read(name: str, samples: Samples) -> Picture | MnistnetError:
    """Read an image of the data set, standard input or a file; return an error if that fails."""
    try:
        sample = samples.get(name)
        if sample:
            return Picture((Digit(sample.image),), inverted=False, as_is=True)
        if name != "-":
            return read_file(name)
        if sys.stdin is None:
            return PictureError("standard input is closed")
        return read_picture(sys.stdin.buffer)
    except MnistnetError as error:
        return error


def read_file(name: str) -> Picture | MnistnetError:
    """Read a file; return an error if that fails."""
    try:
        with one_blas_thread():
            return read_picture(Path(name))
    except MnistnetError as error:
        return error


@contextmanager
def read_all(
    names: Iterable[str], samples: Samples, workers: int
) -> Iterator[Iterator[tuple[str, Picture | MnistnetError]]]:
    """Yield an iterator over the names, each with its picture or an error.

    Several workers are processes that read the files. Raises MnistnetError if one is killed.
    """
    if workers == 1:
        yield ((name, read(name, samples)) for name in names)
        return
    from mnistnet.executors import process_pool  # slow to load

    def begin(name: str) -> Callable[[], Picture | MnistnetError]:
        if name != "-" and not NAME.fullmatch(name):
            return pool.submit(read_file, name).result
        picture = read(name, samples)
        return lambda: picture

    def in_order() -> Iterator[tuple[str, Picture | MnistnetError]]:
        begun: deque[tuple[str, Callable[[], Picture | MnistnetError]]] = deque()
        for name in names:
            begun.append((name, begin(name)))
            if len(begun) == AHEAD:
                first, result = begun.popleft()
                yield first, result()
        yield from ((name, result()) for name, result in begun)

    try:
        with process_pool(workers) as pool:
            yield in_order()
    except BrokenExecutor as error:
        raise MnistnetError("a process that read pictures was killed; run it again") from error
