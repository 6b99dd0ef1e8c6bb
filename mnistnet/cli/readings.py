"""Read the pictures that predict is given, one after the other or in several processes."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mnistnet.cli.samples import NAME, Samples
from mnistnet.errors import MnistnetError, PictureError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mnistnet.image.digit import Picture

    Reading = tuple[str, Picture | MnistnetError]  # a name, and its picture or an error

AHEAD = 100  # pictures that processes read in advance


@contextlib.contextmanager
def readings(names: Iterable[str], samples: Samples, workers: int) -> "Iterator[Iterator[Reading]]":
    """Yield an iterator over the readings of the names, in order.

    Several workers are processes that read the files. Raises MnistnetError if one is killed.
    """
    if workers == 1:
        yield ((name, read_picture(name, samples)) for name in names)
        return
    from concurrent.futures import BrokenExecutor, Future

    from mnistnet.processes import in_order, process_pool

    def submit(name: str) -> "Future[Reading]":
        if name != "-" and not NAME.fullmatch(name):
            return executor.submit(read_file, name)
        done: Future[Reading] = Future()
        done.set_result((name, read_picture(name, samples)))
        return done

    try:
        with process_pool(workers) as executor:
            yield in_order(map(submit, names), AHEAD)
    except BrokenExecutor as error:
        raise MnistnetError("a process that read pictures was killed; run it again") from error


def read_file(name: str) -> "Reading":
    """Read the picture in a file."""
    from mnistnet.image.digit import read_picture
    from mnistnet.model.threads import one_blas_thread

    try:
        with one_blas_thread():
            return name, read_picture(Path(name))
    except MnistnetError as error:
        return name, error


def read_picture(name: str, samples: Samples) -> "Picture | MnistnetError":
    """Read an image of the data set, standard input or a file."""
    from mnistnet.image import digit

    try:
        sample = samples.get(name)
        if sample:
            return digit.Picture((digit.Digit(sample.image),), inverted=False, as_is=True)
        if name == "-":
            if sys.stdin is None:
                return PictureError("standard input is closed")
            return digit.read_picture(sys.stdin.buffer)
        return read_file(name)[1]
    except MnistnetError as error:
        return error
