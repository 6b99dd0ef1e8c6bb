"""Train a network, optionally into a weights file with a checkpoint after every epoch.

A checkpoint is a weights file (weights.py) that also contains the velocity and, in its metadata,
the state of the random generator. It is written next to the weights file and removed when that is
written. A resumed training gives the same bytes as an uninterrupted one, with the same versions of
mnistnet and NumPy on the same kind of processor.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.files import check_writable
from mnistnet.model import training, weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.state import State, begin

FORMAT = 2  # of a checkpoint; those of mnistnet 0.1.0 have no number

# Takes the options and the images and labels; returns the distortions and the additional images and
# labels for training.train.
Additions = Callable[
    [Options, Array, Array], tuple[training.Augment | None, tuple[Array, Array] | None]
]


def no_additions(*_: Any) -> tuple[None, None]:
    """Return neither distortions nor additional images."""
    return None, None


def ignore(_: Any) -> None:
    """Do nothing."""


def run(
    images: Array,
    labels: Array,
    options: Options,
    source: Source,
    *,
    start: Network | None = None,
    path: Path | None = None,
    resume: bool = False,
    additions: Additions = no_additions,
    notify: Callable[[str], None] = ignore,
    callback: Callable[[Report], object] = ignore,
) -> tuple[Network, Metadata]:
    """Train on images (n, 784) uint8 and labels (n,); return the network and its metadata.

    The training begins with the weights of start, if given. With path, a checkpoint is saved after
    each epoch, before callback receives its report; at the end the weights file is written and the
    checkpoint removed. With resume, a training continues from its checkpoint, if there is one.
    notify receives messages for the user.

    Raises TrainingError if the options do not fit the data, the training diverges or the checkpoint
    belongs to another run, MnistnetError if path cannot be written, and WeightsError if the
    checkpoint is damaged or the file at path is not a weights file.
    """
    options = options.completed(len(images))
    state = begin(options, start)
    checkpoint = None
    if path:
        checkpoint = checkpoint_path(check_writable(path))
        check_writable(checkpoint)
        weights.check_replaceable(path)
        weights.check_replaceable(checkpoint, is_checkpoint=True)
        if resume and _restore(state, Metadata(options, source), path, checkpoint, notify):
            return state.network, Metadata(options, source, tuple(state.history))
        if checkpoint.exists() and not resume:
            notify(
                f"{checkpoint}, from an interrupted run, will be replaced after epoch 1; "
                "to continue that run instead, press Ctrl-C now and add --resume"
            )
    saved = len(state.history)  # epochs in the checkpoint
    try:
        augment, extra = additions(options, images, labels)
        for report in training.train(state, images, labels, options, augment, extra):
            if path and checkpoint:
                _save_checkpoint(
                    checkpoint, state, Metadata(options, source, tuple(state.history)), like=path
                )
                saved = report.epoch
            callback(report)
        metadata = Metadata(options, source, tuple(state.history))
        if path and checkpoint:
            weights.save(path, state.network, metadata)
            checkpoint.unlink(missing_ok=True)
    except (KeyboardInterrupt, MnistnetError) as stop:
        if checkpoint and saved:
            _advise(stop, checkpoint, saved, options.epochs)
        raise
    return state.network, metadata


def _save_checkpoint(checkpoint: Path, state: State, metadata: Metadata, like: Path) -> None:
    more = {"checkpoint": FORMAT, "rng": state.rng.bit_generator.state}
    weights.save(checkpoint, state.network, metadata, state.velocity, like, **more)


def _advise(stop: BaseException, checkpoint: Path, saved: int, epochs: int) -> None:
    """Add how to continue to the message of an error or Ctrl-C. After a divergence, remove the
    checkpoint instead: resuming would diverge again."""
    if isinstance(stop, TrainingError):
        checkpoint.unlink(missing_ok=True)
        return
    where = f"after epoch {saved} of {epochs}; to continue, run the same command with --resume"
    stop.args = (" ".join([*map(str, stop.args), where]),)


def _restore(
    state: State, wanted: Metadata, path: Path, checkpoint: Path, notify: Callable[[str], None]
) -> bool:
    """Load the checkpoint into the state, if there is one; or, if the run that is wanted has
    finished before, its weights file, and return True."""
    if not checkpoint.exists():
        finished = _load_finished(path, wanted)
        if finished is None:
            notify(f"there is no checkpoint {checkpoint}: starting at epoch 1")
            return False
        notify(
            f"the training run of {path} is finished; to train it further, use: "
            f"mnistnet train --from {path}"
        )
        network, metadata = finished
        state.network.parameters[:] = network.parameters
        state.history[:] = metadata.history
        return True
    found = weights.load_all(checkpoint)
    if found.velocity is None or found.meta.get("checkpoint") != FORMAT:
        raise WeightsError(
            f"{checkpoint}: expected a checkpoint of this version of mnistnet; found other "
            "weights; omit --resume to start over"
        )
    advice = "use the same value to continue it, or omit --resume to start over"
    check_same(found.metadata, wanted, checkpoint, advice)
    try:
        state.rng.bit_generator.state = found.meta["rng"]
    except Exception as error:  # NumPy raises several kinds for an invalid state
        raise WeightsError(
            f"{checkpoint}: expected the state of the random generator; found an invalid one; "
            "omit --resume to start over"
        ) from error
    state.network.parameters[:] = found.network.parameters
    state.velocity[:] = found.velocity
    state.history[:] = found.metadata.history
    return False


def _load_finished(path: Path, wanted: Metadata) -> tuple[Network, Metadata] | None:
    """Load this run from its weights file, if it has finished."""
    if not path.exists() or not path.stat().st_size:
        return None
    network, found = weights.load(path)
    is_same = _identity(found) == _identity(wanted)
    return (network, found) if is_same and len(found.history) == found.options.epochs else None


def checkpoint_path(path: Path) -> Path:
    """Return the path of the checkpoint that belongs to a weights file."""
    return path.with_name(f"{path.name}.checkpoint")


def check_same(found: Metadata, expected: Metadata, path: Path, advice: str) -> None:
    """Raise TrainingError, with both values, if the run in the file at path has other options
    or data than expected; advice says what to do."""
    used = _identity(found)
    for name, (label, value) in _identity(expected).items():
        if used.get(name) != (label, value):
            other = used.get(name, (label, None))[1]
            raise TrainingError(
                f"the training run in {path} was started with {label}{other}, not {value}; {advice}"
            )


def _identity(metadata: Metadata) -> dict[str, tuple[str, Any]]:
    """The options and data that identify a run, each as a user knows it: a label and a value."""
    found: dict[str, tuple[str, Any]] = {}
    for name, value in vars(metadata.options).items():
        flag = name.replace("_", "-")
        is_switch = isinstance(value, bool)
        found[name] = (
            ("", f"--{'' if value else 'no-'}{flag}") if is_switch else (f"--{flag} ", value)
        )
    found["start"] = "--from ", metadata.options.start or "random weights"
    found["hidden"] = "--hidden ", ", ".join(map(str, metadata.options.hidden))
    for name, digest in metadata.data.sha256.items():
        found[name] = f"training {name} of SHA-256 ", digest
    return found
