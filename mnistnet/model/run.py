"""A training whose result is a file: saved after every epoch, so that it can be resumed.

A checkpoint is a weights file (weights.py) that also has what only training needs: the velocity,
and in its metadata the state of the random numbers. It is written after every epoch beside the
weights file, and removed when that is written. Resuming gives, byte for byte, the weights that the
training would have given in one go: with the same versions of mnistnet and NumPy, on the same kind
of processor.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from mnistnet.arrays import Array
from mnistnet.atomic import check_writable
from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.model import training, weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.training import Augment

FORMAT = 2  # of a checkpoint; those of mnistnet 0.1.0 do not say


class Run:
    """A training that writes its network to a weights file; a context manager.

        with Run(path, options, source) as run:
            for report in run.train(images, labels): ...

    path     the weights file
    options  of the training; source what the images are
    state    where it stands: its network, and a report for each epoch so far
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
        """Begin, at the weights of start if given, or resume from the checkpoint if there is one;
        notify gets notes for the user.

        Raises MnistnetError if the file cannot be written at the end, TrainingError if the
        checkpoint is of another training, WeightsError if it is damaged or no checkpoint, or if
        the file at path holds anything else than weights.
        """
        self.path, self.options, self.source = path, options, source
        self.checkpoint = beside(check_writable(path))
        check_writable(self.checkpoint)
        weights.check_replaceable(path)
        weights.check_replaceable(self.checkpoint, is_checkpoint=True)
        self.state = training.begin(options, start)
        self.saved = 0  # epochs whose checkpoint is on the disk
        if resume and self.checkpoint.exists():
            self._resume()
        elif resume and self._is_finished():
            notify(
                f"the training of {path} is finished; to train it further: "
                f"mnistnet train --from {path}"
            )
        elif resume:
            notify(f"there is no checkpoint {self.checkpoint}: beginning with epoch 1")
        elif self.checkpoint.exists():
            notify(
                f"{self.checkpoint}, of an interrupted training, is replaced after epoch 1; to "
                "continue that training, press Ctrl-C now and add --resume"
            )

    @property
    def metadata(self) -> Metadata:
        """How the network was made so far."""
        return Metadata(self.options, self.source, tuple(self.state.history))

    def train(
        self,
        images: Array,
        labels: Array,
        augment: Augment | None = None,
        extra: tuple[Array, Array] | None = None,
    ) -> Iterator[Report]:
        """As training.train: yields the report of each epoch, once its checkpoint is saved. After
        the last one, writes the weights file and removes the checkpoint."""
        if len(self.state.history) == self.options.epochs and not self.saved:
            return  # finished before
        for report in training.train(self.state, images, labels, self.options, augment, extra):
            self._save_checkpoint()
            yield report
        weights.save(self.path, self.state.network, self.metadata)
        self.checkpoint.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, stop: BaseException | None, trace: Any) -> None:
        """After an error or an interruption, keep the checkpoint of the last whole epoch and say
        how to continue; after a divergence remove it, since resuming would end there again."""
        if isinstance(stop, TrainingError) and self.saved:
            self.checkpoint.unlink(missing_ok=True)
        elif isinstance(stop, KeyboardInterrupt | MnistnetError) and self.saved:
            where = (
                f"after epoch {self.saved} of {self.options.epochs}; "
                "to continue, run the same command with --resume"
            )
            stop.args = (" ".join([*map(str, stop.args), where]),)

    def _save_checkpoint(self) -> None:
        rng = self.state.rng.bit_generator.state
        more = {"checkpoint": FORMAT, "rng": rng}
        velocity = self.state.velocity
        weights.save(
            self.checkpoint, self.state.network, self.metadata, velocity, like=self.path, **more
        )
        self.saved = len(self.state.history)

    def _is_finished(self) -> bool:
        """Whether the weights file is the result of this very training, which is then the state."""
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
        """Bring the state to where the checkpoint stands."""
        found = weights.load_all(self.checkpoint)
        if found.velocity is None or found.meta.get("checkpoint") != FORMAT:
            raise WeightsError(
                f"{self.checkpoint}: expected a checkpoint of this version of mnistnet; found "
                "other weights; leave out --resume to begin anew"
            )
        mend = "give the same to continue it, or leave out --resume to begin anew"
        check_same(found.metadata, self.metadata, self.checkpoint, mend)
        try:
            self.state.rng.bit_generator.state = found.meta["rng"]
        except Exception as error:  # NumPy raises half a dozen kinds for what is no state of it
            raise WeightsError(
                f"{self.checkpoint}: expected the state of the random numbers; found another; "
                "leave out --resume to begin anew"
            ) from error
        self.state.network.parameters[:] = found.network.parameters
        self.state.velocity[:] = found.velocity
        self.state.history[:] = found.metadata.history
        self.saved = len(self.state.history)


def beside(path: Path) -> Path:
    """Where the checkpoint of the training that writes this weights file is kept."""
    return path.with_name(f"{path.name}.checkpoint")


def check_same(begun: Metadata, wanted: Metadata, path: Path, mend: str) -> None:
    """Raise TrainingError, naming an option and both its values, if the training in the file at
    path is another one than is wanted; mend says what to do."""
    begun_with = _identity(begun)
    for name, value in _identity(wanted).items():
        if begun_with.get(name) != value:
            raise TrainingError(
                f"the training in {path} was begun with {name} {begun_with.get(name)}, not "
                f"{value}; {mend}"
            )


def _identity(metadata: Metadata) -> dict[str, Any]:
    """What makes two trainings the same, under the names that their user knows."""
    options = {
        f"--{name.replace('_', '-')}": value for name, value in vars(metadata.options).items()
    }
    options["--from"] = options.pop("--start") or "random weights"
    options["--hidden"] = ", ".join(map(str, metadata.options.hidden))
    hashes = metadata.data.sha256.items()
    return options | {f"training {name} of SHA-256": digest for name, digest in hashes}
