"""The public API that loads data and trains."""

import inspect
import os
import platform
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from mnistnet.api import Network, as_network
from mnistnet.arguments import StrPath, as_path, shown, wrong
from mnistnet.arrays import Array
from mnistnet.data import download, mnist
from mnistnet.errors import DataError
from mnistnet.image import drawn, nondigits, warp
from mnistnet.model import network as model
from mnistnet.model.diagnosis import image_warning, training_warning
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.options import Options
from mnistnet.model.run import fitted, run
from mnistnet.model.state import split, streams
from mnistnet.model.training import Augment


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
    messages for the user; advance the numbers of bytes just received and in all. The arrays are
    read-only; to change one, make a copy: data.images.copy().

    Raises DataError if the data are missing or malformed, DownloadError if no mirror works,
    MnistnetError for an argument of another kind.
    """
    if not isinstance(split, str) or split not in ("train", "test"):
        raise DataError(f"expected the split 'train' or 'test'; found {shown(split)}")
    if folder is None:
        folder = os.environ.get("MNISTNET_DATA") or download.cache_folder()
    is_list = isinstance(mirrors, Sequence) and not isinstance(mirrors, str)
    if not is_list or not all(isinstance(each, str | os.PathLike) for each in mirrors):
        raise wrong(mirrors, "mirrors", "a list of URLs or folders")
    for name, function in (("notify", notify), ("advance", advance)):
        if not callable(function):
            raise wrong(function, name, "a function")
    known = download.with_known([*map(os.fspath, mirrors)])
    return download.obtain(as_path(folder, "folder"), split, known, notify, advance)


def train(
    images: Array,
    labels: Array,
    *,
    start: Network | None = None,
    weights: StrPath | None = None,
    resume: bool = False,
    callback: Callable[[EpochReport], object]
    | Callable[[EpochReport, Network], object]
    | None = None,
    **options: Any,
) -> Network:
    """Train a network on images, uint8 (n, 784) or (n, 28, 28), and labels (n,) of 0 to 9.

    The other keywords are the options of `mnistnet train`; hidden may also be a number. start is a
    network to start from. callback receives an EpochReport after each epoch and, if it needs two
    arguments, the Network so far; if it returns True, the training stops, and that network is
    returned. With weights, the path of a weights file, a checkpoint is saved beside it after each
    epoch, and the file is written at the end; with resume, a training that was stopped, by Ctrl-C,
    an error or the callback, continues from its checkpoint. The same arguments give the same
    network.

    Warns if the images look wrong, nothing was learned, the loss rose or start was more accurate.

    Raises DataError for images or labels of another dtype, shape or range, TrainingError if an
    option has a wrong type or is out of range, hidden differs from the layers of start, or the
    training diverges, MnistnetError for another argument of another kind or if weights cannot be
    written, and whatever callback raises.
    """
    x, y = mnist.checked_images(images), mnist.checked_labels(labels, len(images))
    data = mnist.Dataset(x, y, "train")
    origin = None
    if start is not None:
        as_network(start, "start")
        origin = start.model, start.metadata
        options.setdefault("hidden", ())
    if not isinstance(resume, bool):
        raise wrong(resume, "resume", "True or False")
    path = None if weights is None else as_path(weights, "weights")
    call: Any = (lambda _: None) if callback is None else callback
    count = _parameters(call)
    settings, before = fitted(Options(**options), x, y, origin)

    def tell(report: EpochReport, so_far: model.Perceptron, metadata: Metadata) -> bool:
        if count == 1:
            return bool(np.array_equal(call(report), True))  # NumPy's True as well
        copy = model.Perceptron.of(so_far.layers, so_far.parameters)
        return bool(np.array_equal(call(report, Network(copy, metadata)), True))

    if warning := image_warning(data.images):
        warnings.warn(warning, stacklevel=2)
    network, metadata = run(
        data.images,
        data.labels,
        settings,
        source(data),
        start=start.model if start else None,
        path=path,
        resume=resume,
        additions=additions,
        callback=tell,
    )
    if warning := training_warning(metadata.history, x, y, settings, before):
        warnings.warn(warning, stacklevel=2)
    return Network(network, metadata)


def _parameters(callback: Any) -> int:
    """Return how many arguments the callback is given: 1, or 2 if it cannot be called with 1."""
    with suppress(ValueError):  # of some built-in functions
        for count in (1, 2):
            with suppress(TypeError):  # it takes another number of arguments, or is no function
                inspect.signature(callback).bind(*range(count))
                return count
        raise wrong(callback, "callback", "a function of a report, or of a report and a network,")
    return 1


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
