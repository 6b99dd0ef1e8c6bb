"""Train a network, optionally into a weights file with a checkpoint after every epoch.

A checkpoint is a weights file (weights.py) that also contains the velocity and, in its metadata,
the state of the random generator. It is written next to the weights file and removed when that is
written. A resumed training gives the same bytes as an uninterrupted one, with the same versions of
mnistnet and NumPy, and the same kernel and threads of BLAS.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.files import check_writable
from mnistnet.model import training, weights
from mnistnet.model.answer import choose_limits
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron, are_valid
from mnistnet.model.options import Options
from mnistnet.model.state import State, begin, split

READ = 0.15  # of a sample, where chance is 0.1
FORMAT = 2  # of a checkpoint; those of mnistnet 0.1.0 have no number

Notify = Callable[[str], object]  # takes a message for the user
# Takes the options and the images and labels; returns the distortions and the additional images and
# labels for training.train.
Additions = Callable[
    [Options, Array, Array], tuple[training.Augment | None, tuple[Array, Array] | None]
]


def fitted(
    options: Options, images: Array, labels: Array, start: tuple[Perceptron, Metadata] | None
) -> tuple[Options, float | None]:
    """Return the options with the defaults for this set and the network to start from, and its
    validation accuracy, if any. A network that reads too little of the set, such as one of digits
    for a set of letters, is trained like random weights."""
    count = len(images)
    if not start:
        return options.completed(count), None
    network, learned = start[0], start[1].options.completed(count)
    hidden = network.layers[1:-1]
    if options.hidden not in ((), hidden):
        own, other = (",".join(map(str, layers)) for layers in (hidden, options.hidden))
        raise TrainingError(
            f"start: expected its own layers, --hidden {own}; found --hidden {other}"
        )
    options = replace(options, hidden=hidden, start=network.sha256)
    sample = np.arange(0, count, max(count // 1000, 1))
    share = training.validate(network, images, labels, sample)[1] or 0
    options = options.completed(count, learned if share >= READ else None)
    return options, training.validate(network, images, labels, split(count, options)[1])[1]


def run(
    images: Array,
    labels: Array,
    options: Options,
    source: TrainingSet,
    *,
    start: Perceptron | None = None,
    path: Path | None = None,
    resume: bool = False,
    additions: Additions = lambda *_: (None, None),
    notify: Notify = lambda _: None,
    callback: Callable[[EpochReport, Perceptron, Metadata], object] = lambda *_: None,
) -> tuple[Perceptron, Metadata]:
    """Train on images (n, 784) uint8 and labels (n,); return the network and its metadata.

    The training begins with the weights of start, if given. With path, a checkpoint is saved after
    each epoch, before callback receives its report and the network and metadata so far; at the end
    the weights file is written and the checkpoint removed. If callback returns True, the training
    ends; if it had more epochs, the checkpoint stays. With resume, a training continues from its
    checkpoint, if there is one.

    Raises TrainingError if the options do not fit the data, the training diverges or the checkpoint
    belongs to another run, MnistnetError if path cannot be written, and WeightsError if the
    checkpoint is damaged or the file at path is not a weights file.
    """
    options = options.completed(len(images))
    state = begin(options, start)

    def metadata() -> Metadata:
        return Metadata(options, source, tuple(state.history))

    checkpoint = None
    if path:
        checkpoint = _checked(path, None if resume else notify)
        if resume and _restore(state, metadata(), path, checkpoint, notify):
            return state.network, with_limits(metadata(), state.network, images, labels)
    saved = len(state.history)  # epochs in the checkpoint
    try:
        for report in training.train(state, images, labels, *additions(options, images, labels)):
            if checkpoint:
                more = {"checkpoint": FORMAT, "rng": state.rng.bit_generator.state}
                weights.save(checkpoint, state.network, metadata(), state.velocity, path, **more)
                saved = report.epoch
            if callback(report, state.network, metadata()):
                break
        result = with_limits(metadata(), state.network, images, labels)
        if path and checkpoint:
            weights.save(path, state.network, result)
            if len(state.history) == options.epochs:
                checkpoint.unlink(missing_ok=True)
    except (KeyboardInterrupt, MnistnetError) as stop:
        if checkpoint and saved and not are_valid(state.network.parameters):
            checkpoint.unlink(missing_ok=True)  # resuming would diverge again
        elif saved:
            advice = "to continue, run the same command with --resume"
            done = f"after epoch {saved} of {options.epochs}; {advice}"
            stop.args = (" ".join([*map(str, stop.args), done]),)
        raise
    return state.network, result


def with_limits(metadata: Metadata, network: Perceptron, images: Array, labels: Array) -> Metadata:
    """Return the metadata of a network with limits chosen on the images (n, 784) and labels (n,)
    that were held out from its training."""
    rows = split(len(images), metadata.options)[1]
    if not len(rows):
        return metadata
    limits = choose_limits(network.image_scores(images[rows]), labels[rows])
    return replace(metadata, limits=limits)


def _checked(path: Path, notify: Notify | None) -> Path:
    """Return the path of the checkpoint, if it and the weights file at path may be written; notify,
    if given, receives a warning if that loses one."""
    checkpoint = check_writable(check_writable(path).with_name(f"{path.name}.checkpoint"))
    weights.check_replaceable(path)
    weights.check_replaceable(checkpoint, is_checkpoint=True)
    if notify and checkpoint.exists():
        notify(
            f"{checkpoint}, from an interrupted run, will be replaced after epoch 1; "
            "to continue that run instead, press Ctrl-C now and add --resume"
        )
    return checkpoint


def _restore(state: State, wanted: Metadata, path: Path, checkpoint: Path, notify: Notify) -> bool:
    """Load the checkpoint into the state, if there is one; or, if the run that is wanted has
    finished before, its weights file, and return True."""
    is_finished = not checkpoint.exists()
    if not is_finished:
        found = weights.load_all(checkpoint)
        advice = "use the same value to continue it, or omit --resume to start over"
        check_same(found.metadata, wanted, checkpoint, advice)
        if (made := found.metadata.versions) != (now := wanted.versions):
            notify(f"Warning: {checkpoint} was made with {made}; weights may differ with {now}")
        try:
            if found.meta["checkpoint"] != FORMAT:
                raise ValueError
            state.rng.bit_generator.state = found.meta["rng"]
        except Exception as error:  # NumPy raises several kinds for an invalid state
            raise WeightsError(
                f"{checkpoint}: expected a checkpoint of this version of mnistnet; found another; "
                "omit --resume to start over"
            ) from error
        state.velocity[:] = found.velocity
    else:
        last = weights.load_all(path) if path.exists() and path.stat().st_size else None
        if not last or _identity(last.metadata) != _identity(wanted):
            notify(f"there is no checkpoint {checkpoint}: starting at epoch 1")
            return False
        found = last
        notify(
            f"the training run of {path} is finished; to train it further, use: "
            f"mnistnet train --from {path}"
        )
    state.network.parameters[:] = found.network.parameters
    state.history[:] = found.metadata.history
    return is_finished


def check_same(found: Metadata, expected: Metadata, path: Path, advice: str) -> None:
    """Raise TrainingError if the run in the file at path has other options or data than expected;
    advice says what to do."""
    for own, other in zip(_identity(found), _identity(expected), strict=True):
        if own != other:
            raise TrainingError(
                f"the training run in {path} was started with {own}, not {other}; {advice}"
            )


def _identity(metadata: Metadata) -> list[str]:
    """The options and data that identify a run, as a user knows them."""
    options = {**vars(metadata.options), "from": metadata.options.start or "random weights"}
    options["hidden"] = ",".join(map(str, metadata.options.hidden))
    del options["start"]
    known = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
    sha256 = metadata.data.sha256
    known += [f"training {name} of SHA-256 {sha256.get(name)}" for name in ("images", "labels")]
    return known
