"""Images of a data set by name: test:7, train:0-99, validation:3."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnistnet.cli.options import dataset, note
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
    """Loads a split when its first image is asked for, and then keeps it, or the error."""

    def __init__(self, folder: Path | None, mirrors: tuple[str, ...], metadata: "Metadata") -> None:
        """folder and mirrors are those of --data and --mirror; the metadata tells which training
        images the network was not trained on, which are validation:0 and following."""
        self._place = folder, mirrors
        self._metadata = metadata
        self._found: dict[str, tuple[Dataset, Array] | MnistnetError] = {}

    def names(self, word: str) -> list[str]:
        """'test:0-99' as 'test:0', ..., 'test:99'; any other word, such as a file's, by itself."""
        match = NAME.fullmatch(word)
        first, dash, last = match[2].partition("-") if match else ("", "", "")
        if not match or not dash:
            return [word]
        try:
            ends = [self._number(match[1], number) for number in (first, last)]
        except MnistnetError:
            return [word]  # get has the error
        return [f"{match[1]}:{number}" for number in range(ends[0], ends[1] + 1)] or [word]

    def get(self, name: str) -> Sample | None:
        """The sample of that name, None for a name of another kind. Raises MnistnetError if there
        is no such image or the data cannot be loaded."""
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
        from mnistnet.report.evaluation import rows_of
        from mnistnet.report.text import kind_text

        if split not in self._found:
            try:
                data = dataset(*self._place, "test" if split == "test" else "train")
                if data.drawn:
                    note(f"{split} images are {kind_text(data.published, data.drawn)}")
                part = "validation" if split == "validation" else "test"  # all of the images
                rows = rows_of(part, len(data.labels), data.sha256, self._metadata)
                self._found[split] = data, rows
            except MnistnetError as error:
                self._found[split] = error
        found = self._found[split]
        if isinstance(found, MnistnetError):
            raise found
        return found
