"""The public API that reads pictures; trainer.py has the rest.

The two combine data, image and model, and the commands use them too. The digits of each picture are
scored alone, so that its answer is the same, to the last bit, with whichever others it is read.
"""

import itertools
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet import notebook
from mnistnet.arguments import StrPath, as_path, wrong
from mnistnet.arrays import Array
from mnistnet.data import mnist
from mnistnet.errors import MnistnetError, PictureError, reason
from mnistnet.image.decode import pictures_in
from mnistnet.image.digit import Picture, read_picture
from mnistnet.image.given import as_source
from mnistnet.judgement import reread, reread_plainly
from mnistnet.model import network as model
from mnistnet.model import weights as weights_file
from mnistnet.model.answer import Answer, make_answer
from mnistnet.model.metadata import Metadata
from mnistnet.model.threads import one_blas_thread

FEW = 100  # pictures that are read before other processes would have started
CHUNK = 25  # pictures that a worker takes at a time


class Item(NamedTuple):
    """A picture to read."""

    name: str
    source: Any  # what predict takes, a Picture, or the error of what cannot be read
    label: int | None = None  # if it is an image of a data set
    row: int | None = None


Found = tuple[Item, Answer | MnistnetError]


@dataclass(frozen=True, repr=False)
class Network:
    """A trained network. Its methods may be called from several threads at a time.

    model     layers and weights; for the notes' network, matrices[0] is M (72, 784) and
              matrices[1] is W (10, 72)
    metadata  options, data and history of its training
    """

    model: model.Perceptron
    metadata: Metadata

    def predict(self, images: Array) -> Array:
        """Return the digit (n,) in each image, uint8 (n, 784) or (n, 28, 28), 0 = background, 255 =
        ink, normalised like MNIST's. Raises DataError for another dtype or shape."""
        digits: Array = self.scores(images).argmax(axis=1)
        return digits

    def probabilities(self, images: Array) -> Array:
        """Return the probabilities (n, 10) of the digits 0 to 9; images and errors as for
        predict."""
        return np.exp(model.log_probabilities(self.scores(images)))

    def scores(self, images: Array) -> Array:
        """Return the scores f (n, 10); images and errors as for predict."""
        return self.model.image_scores(mnist.checked_images(images))

    def save(self, path: StrPath) -> None:
        """Write a weights file (.npz) atomically. Raises WeightsError if path is another kind of
        file, MnistnetError if it is no path or writing fails."""
        file = as_path(path, "path")
        weights_file.check_replaceable(file)
        weights_file.save(file, self.model, self.metadata)

    def __repr__(self) -> str:
        accuracy = self.metadata.validation_accuracy
        known = "" if accuracy is None else f", validation accuracy {accuracy:.2%}"
        layers = "-".join(map(str, self.model.layers))
        return f"Network({layers}, {len(self.metadata.history)} epochs{known})"

    def _repr_html_(self) -> str:
        return notebook.network_html(repr(self), self.model.matrices[0])


def load_network(path: StrPath | None = None) -> Network:
    """Load the network from a weights file, by default the bundled one, "pretrained".

    Raises WeightsError, naming the file, if it is missing, damaged or of another kind,
    MnistnetError if path is no path.
    """
    is_bundled = path is None or (isinstance(path, str) and path == "pretrained")
    file = weights_file.PRETRAINED if is_bundled else as_path(path, "path")
    return Network(*weights_file.load(file))


def as_network(value: object, name: str = "network") -> Network:
    """Return the argument of this name, by default the bundled network; raise MnistnetError if it
    is something else."""
    if not isinstance(value, Network | None):
        raise wrong(value, name, "a Network, such as load_network('file.npz') returns,")
    return value or load_network()


def predict(picture: Any, network: Network | None = None) -> Answer:
    """Read the digit or the number in a picture, with the bundled weights by default.

    picture is a path, a binary stream, bytes, a PIL image, or an array (height, width) or (height,
    width, 1, 3 or 4) of uint8, bool or floats from 0 to 1, of any size and colours. May be called
    from several threads at a time. Raises PictureError, naming the file, if it is anything else,
    cannot be read or is blank, MnistnetError if network is no Network.
    """
    name = "the stream" if hasattr(picture, "read") else "the picture"
    answer = _named(*next(answers(as_network(network), [_item(picture, name)])))
    if isinstance(answer, MnistnetError):
        raise answer
    return answer


def predict_many(
    pictures: StrPath | Iterable[Any],
    network: Network | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Iterator[Answer | MnistnetError]:
    """Yield the Answer, or the PictureError, for each picture, in order, when it is asked for.

    pictures is a folder, whose pictures are read in the order of their names, or any iterable of
    what predict takes. The source of an answer is the path, or for instance "pictures[3]".

    With workers, so many processes, at most one per core, read more than 100 pictures. They import
    the script, which must therefore call this under `if __name__ == "__main__":`; a notebook need
    not. With a scheduler, such as "tcp://host:8786", the workers of a Dask cluster read the
    pictures, and files from the same paths. The answers are the same.

    Raises PictureError if the folder cannot be read, MnistnetError for an argument of another kind,
    if a process is killed, or if the scheduler cannot be reached or has no workers.
    """
    if not isinstance(workers, int | np.integer) or workers < 1:
        raise wrong(workers, "workers", "a whole number from 1")
    if not isinstance(scheduler, str | None):
        raise wrong(scheduler, "scheduler", "an address, such as 'tcp://host:8786',")
    given: Any = pictures
    if isinstance(pictures, str | os.PathLike):
        folder = as_path(pictures, "pictures", PictureError)
        try:
            given = pictures_in(folder)
        except OSError as error:
            advice = "expected a folder (for one picture, use predict)"
            raise PictureError(f"{folder}: {advice}; {reason(error)}") from error
    elif (
        not isinstance(pictures, Iterable)
        or isinstance(pictures, bytes)
        or hasattr(pictures, "read")
        or getattr(pictures, "ndim", 3) < 3
    ):
        raise wrong(pictures, "pictures", "a folder or several pictures (for one, use predict)")
    items = (_item(picture, f"pictures[{number}]") for number, picture in enumerate(given))
    found = answers(as_network(network), items, int(workers), scheduler)
    return (_named(*each) for each in found)


def _item(picture: Any, name: str) -> Item:
    """Return what is to be read for an argument of predict, under its path or else this name."""
    name = os.fsdecode(picture) if isinstance(picture, str | os.PathLike) else name
    try:
        return Item(name, as_source(picture))
    except PictureError as error:
        return Item(name, error)


def _named(item: Item, found: Answer | MnistnetError) -> Answer | MnistnetError:
    return found if isinstance(found, Answer) else type(found)(f"{item.name}: {found}")


def answers(
    network: Network, items: Iterable[Item], workers: int = 1, scheduler: str | None = None
) -> Generator[Found, None, None]:
    """Yield each item, and the answer or the error, without its name, for it; see predict_many."""
    items = iter(items)
    first = list(itertools.islice(items, FEW + 1)) if workers > 1 and not scheduler else []
    items = itertools.chain(first, items)
    if not scheduler and len(first) <= FEW:
        for item in items:
            yield from _read(network, [item])
        return
    from mnistnet.executors import spread  # slow to load
    from mnistnet.model.search import check_versions, versions

    if scheduler:  # whose workers have other current folders
        items = map(_absolute, items)
    chunks = iter(lambda: list(itertools.islice(items, CHUNK)), [])
    probe = partial(check_versions, versions())
    with closing(spread(_read, network, chunks, workers, scheduler, probe)) as found:
        yield from itertools.chain.from_iterable(found)


def _absolute(item: Item) -> Item:
    is_path = isinstance(item.source, Path)
    return item._replace(source=item.source.absolute()) if is_path else item


def _read(network: Network, items: Sequence[Item]) -> list[Found]:
    """Return each item, without its source, and the answer or the error for it."""
    found: list[Found] = []
    with one_blas_thread():
        for item in items:
            known = item._replace(source=None)
            try:
                if isinstance(item.source, MnistnetError):
                    raise item.source
                is_read = isinstance(item.source, Picture)
                picture = item.source if is_read else read_picture(item.source)
                found.append((known, replace(judge(network, picture), source=item.name)))
            except MnistnetError as error:
                found.append((known, error))
    return found


def judge(network: Network, picture: Picture) -> Answer:
    """Return the answer for a picture.

    What geometry takes for digits is scored first. If the network is not sure of it, or some ink
    was left out, it chooses among more candidates.
    """
    scores = network.scores(np.array([digit.image for digit in picture.digits]))
    answer = _answer(network, picture, scores)
    is_sure = not answer.unsure
    is_clear = is_sure and picture.is_complete and len(picture.digits) == 1
    if not picture.ink or is_clear:
        return answer
    # a network that never saw an image without a digit cannot judge fragments
    if network.metadata.options.nondigits:
        again = reread(network.scores, picture, picture.ink, scores, is_sure)
    else:
        again = reread_plainly(network.scores, picture, picture.ink, scores)
    return _answer(network, *again)


def _answer(network: Network, picture: Picture, scores: Array) -> Answer:
    """Return the answer for a picture whose digits have these scores (n, 10)."""
    images, boxes, flaws = zip(*picture.digits, strict=True)
    more = picture.inverted, picture.marks, picture.ends, picture.too_many
    answer = make_answer(scores, boxes, flaws, *more, network.metadata.used_limits)
    return replace(answer, images=np.array(images), notes=list(picture.notes))
