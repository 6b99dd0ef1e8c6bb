"""Images of a data set by name: test:7, train:0-99, validation:3."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnistnet.cli.options import load_dataset, note
from mnistnet.errors import MnistnetError, PictureError

if TYPE_CHECKING:
    from mnistnet.arrays import Array
    from mnistnet.data.mnist import Dataset
    from mnistnet.model.metadata import Metadata

NAME = re.compile(r"(test|train|validation):(.*)", re.DOTALL)


class Sample(NamedTuple):
    """An image (784,) uint8 and its label."""

    image: "Array"
    label: int


class Samples:
    """The images of a data set. Each split is loaded once, when its first image is needed."""

    def __init__(self, folder: Path | None, mirrors: tuple[str, ...], metadata: "Metadata") -> None:
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

    def _split(self, split: str) -> tuple["Dataset", "Array"]:
        """Return the data and the rows of the split in them; raise the same error every time."""
        from mnistnet.report.evaluation import rows_of
        from mnistnet.report.text import kind_text

        if split not in self._splits:
            try:
                data = load_dataset(*self._source, "test" if split == "test" else "train")
                if data.drawn:
                    note(f"{split} images are {kind_text(data.published, data.drawn)}")
                part = "validation" if split == "validation" else "test"  # "test": all rows
                rows = rows_of(part, len(data.labels), data.sha256, self._metadata)
                self._splits[split] = data, rows
            except MnistnetError as error:
                self._splits[split] = error
        found = self._splits[split]
        if isinstance(found, MnistnetError):
            raise found
        return found
