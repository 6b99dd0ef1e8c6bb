"""Write a data set to a folder under the names of MNIST's files."""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mnistnet.arrays import SIDE
from mnistnet.data import idx, mnist
from mnistnet.files import atomic_write


def save(
    folder: Path, sets: Iterable[mnist.Dataset], record_name: str, record: dict[str, Any]
) -> None:
    """Write splits as IDX files, and beside them a record as JSON; all files or none.

    Existing files are replaced. Raises MnistnetError if a file cannot be written.
    """
    contents: dict[Path, Iterable[Any]] = {}
    for data in sets:
        images, labels = (file.name for file in mnist.FILES if file.split == data.split)
        contents[folder / images] = idx.content(data.images.reshape(-1, SIDE, SIDE))
        contents[folder / labels] = idx.content(data.labels)
    contents[folder / record_name] = [json.dumps(record, indent=2).encode()]
    with contextlib.ExitStack() as stack:  # renames the last file, the record, first
        for path, content in contents.items():
            stream = stack.enter_context(atomic_write(path))
            stream.writelines(content)
            stream.flush()
            os.fsync(stream.fileno())
        for path in contents:  # an interruption must not leave old files beside the new record
            path.unlink(missing_ok=True)
