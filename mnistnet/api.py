"""What `import mnistnet` offers: read pictures, load data and weights, train.

This is the one library module that combines data, image and model. The commands use it too.
"""

import os
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import download, mnist
from mnistnet.data.checked import checked_images, checked_labels
from mnistnet.data.mnist import Dataset
from mnistnet.errors import DataError, PictureError
from mnistnet.image import warp
from mnistnet.model import network as model
from mnistnet.model import training
from mnistnet.model import weights as weights_file
from mnistnet.model.answer import Answer, answer
from mnistnet.model.diagnosis import doubts, verdict
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.options import Options, fit
from mnistnet.model.training import Augment

if TYPE_CHECKING:
    from mnistnet.image.digit import Picture  # which loads Pillow

StrPath = str | os.PathLike[str]

__all__ = ["Answer", "Network", "load_data", "load_network", "predict", "train"]


@dataclass(frozen=True)
class Network:
    """A trained network.

    model     its layers, and its weights: matrices[0] is M, (72, 784), matrices[1] is W, (10, 72)
    metadata  how it was made: options, data and the history of its training
    """

    model: model.Network
    metadata: Metadata

    def predict(self, images: Array) -> Array:
        """The digit in each image: uint8 (n, 784) or (n, 28, 28), 0 = background, 255 = ink,
        normalised as MNIST's are -> (n,) of 0 to 9. Raises DataError for anything else."""
        digits: Array = self.scores(images).argmax(axis=1)
        return digits

    def probabilities(self, images: Array) -> Array:
        """The probability of each digit, 0 to 9, in each image, as for predict -> (n, 10)."""
        return np.exp(model.log_probabilities(self.scores(images)))

    def scores(self, images: Array) -> Array:
        """f of the formulas for each image, as for predict -> (n, 10)."""
        return self.model.image_scores(checked_images(images))

    def save(self, path: StrPath) -> None:
        """Write the weights file (.npz) atomically. Raises WeightsError if there is another kind of
        file at path, MnistnetError if it cannot be written."""
        weights_file.check_replaceable(Path(path))
        weights_file.save(Path(path), self.model, self.metadata)


def predict(picture: StrPath | BinaryIO, network: Network | None = None) -> Answer:
    """Read the digit or the number in a picture: a file's path or a binary stream, of any format,
    size and colours; by this network, else by the bundled weights. Raises PictureError, naming the
    file, if it cannot be read or is blank."""
    from mnistnet.image.digit import read_picture  # which loads Pillow

    network = network or load_network()
    try:
        if isinstance(picture, str | os.PathLike):
            found = read_picture(Path(picture))
        else:
            found = read_picture(picture)
    except PictureError as error:
        name = os.fspath(picture) if isinstance(picture, str | os.PathLike) else "the stream"
        raise PictureError(f"{name}: {error}") from error
    return answers(network, [found])[0]


def answers(network: Network, pictures: Sequence["Picture"]) -> list[Answer]:
    """What the network reads in each picture, all of their digits together."""
    if not pictures:
        return []
    digits = [digit for picture in pictures for digit in picture.digits]
    scores = network.scores(np.array([digit.image for digit in digits]))
    ends = np.cumsum([len(picture.digits) for picture in pictures])
    return [
        answer(
            own,
            [digit.box for digit in picture.digits],
            [digit.flaws for digit in picture.digits],
            picture.inverted,
        )
        for own, picture in zip(np.split(scores, ends[:-1]), pictures, strict=True)
    ]


def load_network(path: StrPath | None = None) -> Network:
    """The network in a weights file, else the bundled one. Raises WeightsError, naming the file,
    for anything that is not a whole weights file of mnistnet."""
    return Network(*weights_file.load(weights_file.PRETRAINED if path is None else Path(path)))


def load_data(
    split: str = "train",
    folder: StrPath | None = None,
    mirrors: Sequence[str] = (),
    notify: Callable[[str], None] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Dataset:
    """The 'train' or the 'test' images, uint8 (n, 784), and labels, uint8 (n,).

    They are read from the folder, else from the one that MNISTNET_DATA names, else from the cache
    (~/.cache/mnistnet), to which MNIST is downloaded on first use: from mirrors, then those of
    MNISTNET_MIRROR (addresses or folders, one per line), then the known ones. notify, if given,
    gets sentences for the user, advance the bytes just received and all that are wanted. Raises
    DataError for a folder or a file that is no such data, DownloadError if no mirror helps.
    """
    if split not in ("train", "test"):
        raise DataError(f"expected the split 'train' or 'test'; found {split!r}")
    folder = folder or os.environ.get("MNISTNET_DATA") or download.cache_folder()
    lines = os.environ.get("MNISTNET_MIRROR", "").splitlines()
    known = [line for line in lines if line.strip()]
    return download.obtain(
        Path(folder).expanduser(),
        split,
        (*mirrors, *known, *mnist.MIRRORS),
        notify or _ignore,
        advance or _ignore,
    )


def train(
    images: Array,
    labels: Array,
    *,
    hidden: int | Sequence[int] = Options.hidden,
    epochs: int = Options.epochs,
    batch_size: int | None = None,
    learning_rate: float = Options.learning_rate,
    momentum: float = Options.momentum,
    weight_decay: float = Options.weight_decay,
    augment: bool = Options.augment,
    warps: int = Options.warps,
    widen: float = Options.widen,
    validation: int | None = None,
    drawn: int = Options.drawn,
    nondigits: int = Options.nondigits,
    seed: int = Options.seed,
    start: Network | None = None,
    callback: Callable[[Report], None] | None = None,
) -> Network:
    """Train a network on images, uint8 (n, 784) or (n, 28, 28), and labels (n,) of 0 to 9.

    The keywords are the options of `mnistnet train`; start is a network whose weights to start
    from, in place of random ones; callback gets a Report after each epoch. The same images,
    keywords and seed give the same network. Warns if the images look wrong, or if nothing was
    learned. Raises DataError for other images or labels, TrainingError if an option does not fit or
    the training diverges.
    """
    data = Dataset(checked_images(images), checked_labels(labels, len(images)), "train")
    layers = (hidden,) if isinstance(hidden, int) else tuple(hidden)
    if start is not None:
        layers = start.model.layers[1:-1]
    validation, batch_size = fit(len(data.labels), validation, batch_size)
    options = Options(
        layers,
        epochs,
        batch_size,
        learning_rate,
        momentum,
        weight_decay,
        augment,
        warps,
        widen,
        validation,
        drawn,
        nondigits,
        start.model.sha256 if start else "",
        seed,
    )
    options.check()
    found = doubts(data.images)
    for sentence in found:
        warnings.warn(sentence, stacklevel=2)
    state = training.begin(options, start.model if start else None)
    changes, extra = additions(options, data.images, data.labels)
    for report in training.train(state, data.images, data.labels, options, changes, extra):
        if callback:
            callback(report)
    learned = verdict(state.history, data.labels, options.validation, learning_rate, found)
    if learned:
        warnings.warn(learned, stacklevel=2)
    metadata = Metadata(options, source(data), tuple(state.history))
    return Network(state.network, metadata)


def train_start(
    folder: StrPath | None,
    mirrors: Sequence[str],
    sha256: Mapping[str, str],
    start: model.Network | None,
    options: Options,
) -> tuple[Array, list[Report]]:
    """One start of a search (model/search.py), on any machine: load the training set as load_data
    does, and train with these options; the weights (P,) and the history.

    Raises DataError if the data there do not have this SHA-256, else as train.
    """
    data = load_data("train", folder, mirrors)
    for name, digest in sha256.items():
        if data.sha256[name] != digest:
            raise DataError(
                f"{platform.node()}: expected training {name} of SHA-256 {digest}; found "
                f"{data.sha256[name]}: use the same data set everywhere"
            )
    state = training.begin(options, start)
    augment, extra = additions(options, data.images, data.labels)
    for _ in training.train(state, data.images, data.labels, options, augment, extra):
        pass
    return state.network.parameters, state.history


def additions(
    options: Options, images: Array, labels: Array
) -> tuple[Augment | None, tuple[Array, Array] | None]:
    """What these options add to the images (n, 784) and labels (n,) of a training: distortions, and
    drawn digits and images of no digit with their labels."""
    rng = training.streams(options.seed)[2]
    extra = []
    if options.drawn:
        from mnistnet.image.drawn import draw  # which loads Pillow

        extra.append(draw(options.drawn, rng))
    if options.nondigits:
        from mnistnet.image import nondigits

        rows, _ = training.split(len(images), options.validation)
        none = nondigits.draw(options.nondigits, images[rows], labels[rows], rng)
        extra.append((none, np.full(len(none), model.NONE, np.uint8)))
    together = tuple(map(np.concatenate, zip(*extra, strict=True)))
    strength = warp.Strength(widen=options.widen)
    augment = partial(warp.warps, strength=strength, groups=options.warps)
    return augment if options.augment else None, (together[0], together[1]) if extra else None


def source(data: Dataset) -> Source:
    """What a weights file records of the images it was trained on."""
    return Source(data.sha256, data.published, data.drawn, data.name)


def _ignore(*_: object) -> None:
    """What nobody wants to know."""
