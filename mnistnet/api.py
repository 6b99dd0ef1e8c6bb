"""The public API: read pictures, load data and weights, and train.

The only library module that combines data, image and model. The commands use it too.
"""

import inspect
import os
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import download, mnist
from mnistnet.errors import DataError, PictureError
from mnistnet.image import drawn, nondigits, warp
from mnistnet.image.digit import Picture, read_picture
from mnistnet.judgement import reread, reread_plainly
from mnistnet.model import network as model
from mnistnet.model import weights as weights_file
from mnistnet.model.answer import Answer, make_answer
from mnistnet.model.diagnosis import image_warning, training_warning
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.options import Options
from mnistnet.model.run import fitted, run
from mnistnet.model.state import split, streams
from mnistnet.model.threads import one_blas_thread
from mnistnet.model.training import Augment

StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Network:
    """A trained network.

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
        """Return the probabilities (n, 10) of the digits 0 to 9; images as for predict."""
        return np.exp(model.log_probabilities(self.scores(images)))

    def scores(self, images: Array) -> Array:
        """Return the scores f (n, 10); images as for predict."""
        return self.model.image_scores(mnist.checked_images(images))

    def save(self, path: StrPath) -> None:
        """Write a weights file (.npz) atomically. Raises WeightsError if path is another kind of
        file, MnistnetError if writing fails."""
        weights_file.check_replaceable(Path(path))
        weights_file.save(Path(path), self.model, self.metadata)


def predict(picture: StrPath | BinaryIO, network: Network | None = None) -> Answer:
    """Read the digit or the number in a picture, with the bundled weights by default.

    picture is a path or a binary stream, of any common format, size and colours. Raises
    PictureError, naming the file, if it cannot be read or is blank.
    """
    source = Path(picture) if isinstance(picture, str | os.PathLike) else picture
    try:
        with one_blas_thread():
            found = read_picture(source)
    except PictureError as error:
        name = source if isinstance(source, Path) else "the stream"
        raise PictureError(f"{name}: {error}") from error
    return answer_pictures(network or load_network(), [found])[0]


def answer_pictures(network: Network, pictures: Sequence[Picture]) -> list[Answer]:
    """Return the answer for each picture; the digits of all of them are scored together."""
    return [answer for _, answer in judge(network, pictures)]


def judge(network: Network, pictures: Sequence[Picture]) -> list[tuple[Picture, Answer]]:
    """Return each picture, with the digits that the network found, and the answer for it.

    What geometry takes for digits is scored first, for all pictures together. If the network is not
    sure of it, or some ink was left out, it chooses among more candidates.
    """
    digits = [digit for picture in pictures for digit in picture.digits]
    if not digits:
        return []
    scores = network.scores(np.array([digit.image for digit in digits]))
    ends = np.cumsum([len(picture.digits) for picture in pictures])
    # a network that never saw an image without a digit cannot judge fragments
    is_judge = bool(network.metadata.options.nondigits)
    found = []
    for picture, first in zip(pictures, np.split(scores, ends[:-1]), strict=True):
        answer = _answer(network, picture, first)
        is_sure = not answer.unsure
        is_clear = is_sure and picture.is_complete and len(picture.digits) == 1
        if picture.ink and not is_clear:
            if is_judge:
                again = reread(network.scores, picture, picture.ink, first, is_sure)
            else:
                again = reread_plainly(network.scores, picture, picture.ink, first)
            picture, answer = again[0], _answer(network, *again)
        found.append((picture, answer))
    return found


def _answer(network: Network, picture: Picture, scores: Array) -> Answer:
    """Return the answer for a picture whose digits have these scores (n, 10)."""
    boxes = [digit.box for digit in picture.digits]
    flaws = [digit.flaws for digit in picture.digits]
    more = picture.inverted, picture.marks, picture.ends, picture.too_many
    return make_answer(scores, boxes, flaws, *more, network.metadata.used_limits)


def load_network(path: StrPath | None = None) -> Network:
    """Load the network from a weights file, by default the bundled one, "pretrained". Raises
    WeightsError, naming the file, if it is missing, damaged or of another kind."""
    bundled = weights_file.PRETRAINED
    path = bundled if path is None or path == "pretrained" else Path(path)
    return Network(*weights_file.load(path))


def load_data(
    split: str = "train",
    folder: StrPath | None = None,
    mirrors: Sequence[str] = (),
    notify: Callable[[str], object] = lambda _: None,
    advance: Callable[[int, int], object] = lambda *_: None,
) -> mnist.Dataset:
    """Load the 'train' or 'test' images, uint8 (n, 784), and labels, uint8 (n,).

    They are read from folder, else from the folder in MNISTNET_DATA, else from the cache
    (~/.cache/mnistnet), to which MNIST is downloaded on first use: from mirrors, then those in
    MNISTNET_MIRROR (URLs or folders, one per line), then the built-in ones. notify receives
    messages for the user; advance the numbers of bytes just received and in all. Raises DataError
    if the data are missing or malformed, DownloadError if no mirror works.
    """
    if split not in ("train", "test"):
        raise DataError(f"expected the split 'train' or 'test'; found {split!r}")
    folder = folder or os.environ.get("MNISTNET_DATA") or download.cache_folder()
    known, place = download.with_known(mirrors), Path(folder).expanduser()
    return download.obtain(place, split, known, notify, advance)


def train(
    images: Array,
    labels: Array,
    *,
    start: Network | None = None,
    weights: StrPath | None = None,
    resume: bool = False,
    callback: Callable[[EpochReport], object] | None = None,
    **options: Any,
) -> Network:
    """Train a network on images, uint8 (n, 784) or (n, 28, 28), and labels (n,) of 0 to 9.

    The other keywords are the options of `mnistnet train`; hidden may also be a number. start is a
    network to start from. callback receives an EpochReport after each epoch. With weights, the path
    of a weights file, a checkpoint is saved beside it after each epoch, and the file is written at
    the end; with resume, an interrupted training continues from its checkpoint. The same arguments
    give the same network.

    Warns if the images look wrong, nothing was learned, the loss rose or start was more accurate.
    Raises DataError for images or labels of another dtype, shape or range, TrainingError for wrong
    options or if the training diverges, MnistnetError if weights cannot be written.
    """
    x, y = mnist.checked_images(images), mnist.checked_labels(labels, len(images))
    data = mnist.Dataset(x, y, "train")
    origin = (start.model, start.metadata) if start else None
    settings, before = fitted(Options(**options), x, y, origin)
    if warning := image_warning(data.images):
        warnings.warn(warning, stacklevel=2)
    network, metadata = run(
        data.images,
        data.labels,
        settings,
        source(data),
        start=start.model if start else None,
        path=Path(weights) if weights is not None else None,
        resume=resume,
        additions=additions,
        callback=callback or (lambda _: None),
    )
    if warning := training_warning(metadata.history, x, y, settings, before):
        warnings.warn(warning, stacklevel=2)
    return Network(network, metadata)


# help(train) lists the fields of Options in place of **options
*_own, _ = inspect.signature(train).parameters.values()
_fields = inspect.signature(Options).parameters.values()
_more = [each.replace(kind=each.KEYWORD_ONLY) for each in _fields if each.name != "start"]
vars(train)["__signature__"] = inspect.Signature(_own + _more, return_annotation=Network)


def train_start(
    folder: StrPath | None,
    mirrors: Sequence[str],
    sha256: Mapping[str, str],
    start: model.Perceptron | None,
    options: Options,
) -> tuple[Array, Sequence[EpochReport]]:
    """Train one start of a search (model/search.py) on any machine, with data from load_data.

    Returns the weights (P,) and the history. Raises DataError if the SHA-256 of the data differs,
    TrainingError as train does.
    """
    data = load_data("train", folder, mirrors)
    for name, digest in sha256.items():
        if data.sha256[name] != digest:
            raise DataError(
                f"{platform.node()}: expected training {name} of SHA-256 {digest}; found "
                f"{data.sha256[name]}: use the same data set everywhere"
            )
    arrays = data.images, data.labels
    network, metadata = run(*arrays, options, source(data), start=start, additions=additions)
    return network.parameters, metadata.history


def additions(
    options: Options, images: Array, labels: Array
) -> tuple[Augment | None, tuple[Array, Array] | None]:
    """Return the distortions for training and the additional images and labels, None if unused:
    drawn digits, and images without a digit."""
    strength = replace(warp.STANDARD.scaled(options.strength), widen=options.widen)
    warps = partial(warp.warps, strength=strength, groups=options.warps)
    augment = warps if options.augment else None
    if not options.drawn + options.nondigits:
        return augment, None
    rng = streams(options.seed)[2]
    digits, their_labels = drawn.draw(options.drawn, rng)
    rows, _ = split(len(images), options)
    none = nondigits.draw(options.nondigits, images[rows], labels[rows], rng)
    more_labels = np.append(their_labels, np.full(len(none), model.NONE, np.uint8))
    return augment, (np.concatenate([digits, none]), more_labels)


def source(data: mnist.Dataset) -> TrainingSet:
    """Return what a weights file records about its training images."""
    return TrainingSet(data.sha256, data.published, data.drawn, data.name)
