"""Train a network into a weights file, with a checkpoint after every epoch.

A checkpoint is a weights file (weights.py) that also contains the velocity and, in its metadata,
the state of the random generator. It is written next to the weights file and removed when that is
written. A resumed training gives the same bytes as an uninterrupted one, with the same versions of
mnistnet and NumPy on the same kind of processor.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.files import check_writable
from mnistnet.model import training, weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.training import Augment

FORMAT = 2  # of a checkpoint; those of mnistnet 0.1.0 have no number


class Run:
    """A training that writes its network to a weights file; a context manager.

        with Run(path, options, source) as run:
            for report in run.train(images, labels): ...

    path     the weights file
    options  of the training run
    source   of the images
    state    the network so far, and a report for each finished epoch
    """

    def __init__(
        self,
        path: Path,
        options: Options,
        source: Source,
        *,
        start: Network | None = None,
        resume: bool = False,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begin with the weights of start, if given, or resume from the checkpoint, if it exists.

        notify receives messages for the user. Raises MnistnetError if path cannot be written,
        TrainingError if the checkpoint belongs to another run, and WeightsError if the
        checkpoint is damaged or the file at path is not a weights file.
        """
        self.path, self.options, self.source = path, options, source
        self.checkpoint = checkpoint_path(check_writable(path))
        check_writable(self.checkpoint)
        weights.check_replaceable(path)
        weights.check_replaceable(self.checkpoint, is_checkpoint=True)
        self.state = training.begin(options, start)
        self.saved = 0  # epochs in the checkpoint
        if resume and self.checkpoint.exists():
            self._resume()
        elif resume and self._is_finished():
            notify(
                f"the training run of {path} is finished; to train it further, use: "
                f"mnistnet train --from {path}"
            )
        elif resume:
            notify(f"there is no checkpoint {self.checkpoint}: starting at epoch 1")
        elif self.checkpoint.exists():
            notify(
                f"{self.checkpoint}, from an interrupted run, will be replaced after epoch 1; "
                "to continue that run instead, press Ctrl-C now and add --resume"
            )

    @property
    def metadata(self) -> Metadata:
        """The metadata of the network so far."""
        return Metadata(self.options, self.source, tuple(self.state.history))

    def train(
        self,
        images: Array,
        labels: Array,
        augment: Augment | None = None,
        extra: tuple[Array, Array] | None = None,
    ) -> Iterator[Report]:
        """Train as training.train does, and yield each report after its checkpoint is saved.

        After the last epoch, write the weights file and remove the checkpoint.
        """
        if len(self.state.history) == self.options.epochs and not self.saved:
            return  # finished earlier
        for report in training.train(self.state, images, labels, self.options, augment, extra):
            self._save_checkpoint()
            yield report
        weights.save(self.path, self.state.network, self.metadata)
        self.checkpoint.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, stop: BaseException | None, trace: Any) -> None:
        """After an error or Ctrl-C, keep the checkpoint and add how to continue to the message.

        After a divergence, remove it: resuming would diverge again.
        """
        if isinstance(stop, TrainingError) and self.saved:
            self.checkpoint.unlink(missing_ok=True)
        elif isinstance(stop, KeyboardInterrupt | MnistnetError) and self.saved:
            where = (
                f"after epoch {self.saved} of {self.options.epochs}; "
                "to continue, run the same command with --resume"
            )
            stop.args = (" ".join([*map(str, stop.args), where]),)

    def _save_checkpoint(self) -> None:
        state = self.state
        more = {"checkpoint": FORMAT, "rng": state.rng.bit_generator.state}
        weights.save(
            self.checkpoint, state.network, self.metadata, state.velocity, like=self.path, **more
        )
        self.saved = len(state.history)

    def _is_finished(self) -> bool:
        """Whether this run already wrote its weights file; if so, load it into the state."""
        if not self.path.exists() or not self.path.stat().st_size:
            return False
        network, found = weights.load(self.path)
        if (
            _identity(found) != _identity(self.metadata)
            or len(found.history) < found.options.epochs
        ):
            return False
        self.state.network.parameters[:] = network.parameters
        self.state.history[:] = found.history
        return True

    def _resume(self) -> None:
        """Load the checkpoint into the state."""
        found = weights.load_all(self.checkpoint)
        if found.velocity is None or found.meta.get("checkpoint") != FORMAT:
            raise WeightsError(
                f"{self.checkpoint}: expected a checkpoint of this version of mnistnet; found "
                "other weights; omit --resume to start over"
            )
        advice = "use the same value to continue it, or omit --resume to start over"
        check_same(found.metadata, self.metadata, self.checkpoint, advice)
        try:
            self.state.rng.bit_generator.state = found.meta["rng"]
        except Exception as error:  # NumPy raises several kinds for an invalid state
            raise WeightsError(
                f"{self.checkpoint}: expected the state of the random generator; found an invalid "
                "one; omit --resume to start over"
            ) from error
        self.state.network.parameters[:] = found.network.parameters
        self.state.velocity[:] = found.velocity
        self.state.history[:] = found.metadata.history
        self.saved = len(self.state.history)


def checkpoint_path(path: Path) -> Path:
    """Return the path of the checkpoint that belongs to a weights file."""
    return path.with_name(f"{path.name}.checkpoint")


def check_same(found: Metadata, expected: Metadata, path: Path, advice: str) -> None:
    """Raise TrainingError, with both values, if the run in the file at path has other options
    or data than expected; advice says what to do."""
    used = _identity(found)
    for name, value in _identity(expected).items():
        if used.get(name) != value:
            raise TrainingError(
                f"the training run in {path} was started with {name} {used.get(name)}, not "
                f"{value}; {advice}"
            )


def _identity(metadata: Metadata) -> dict[str, Any]:
    """The options and data that identify a run, under the names a user knows."""
    options = {
        f"--{name.replace('_', '-')}": value for name, value in vars(metadata.options).items()
    }
    options["--from"] = options.pop("--start") or "random weights"
    options["--hidden"] = ", ".join(map(str, metadata.options.hidden))
    hashes = metadata.data.sha256.items()
    return options | {f"training {name} of SHA-256": digest for name, digest in hashes}
