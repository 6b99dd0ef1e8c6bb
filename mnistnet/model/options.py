"""The training options, each declared once: type, default, help and range.

The options of the command line, the keywords of mnistnet.train, their checks, the comparison of
--resume and the metadata of weights files all follow from the fields of Options. Does not import
NumPy, so that `mnistnet --help` starts quickly.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from mnistnet.arguments import shown
from mnistnet.errors import TrainingError

ALL = 55_000  # training images of MNIST, for which these four are right; docs/measurements.md
VALIDATION = 5000  # images held out; a sixth of a small set
BATCH_SIZE = 100  # images in a minibatch; half of a small set
EPOCHS, MOST_EPOCHS = 80, 500  # of a small set
LONGEST = 60_000  # epochs, whose figures fit into the metadata (weights.py)
LEARNING_RATE = 0.2
RETRAINING_EPOCHS, RETRAINING_STEPS = 15, 100  # at least, from weights that read the set
REPLAYED = 200  # drawn digits, and images without a digit, that keep what such weights learned
MOST = 1_000_000  # units or images; more is a typing error
Range = tuple[float, float, float | None]  # the least and the largest number, and one excluded


def _option(
    default: Any, text: str, low: float = 0, high: float = math.inf, excluded: float | None = None
) -> Any:
    """Declare an option: its default, its help and its range, low to high without excluded."""
    return field(default=default, metadata={"help": text, "range": (low, high, excluded)})


@dataclass(frozen=True)
class Options:
    """The options of a training run; with the images they determine the weights.

    NumPy's numbers become Python's. Raises TrainingError, naming the option, for a value of another
    type or out of range. Those with the default None depend on the images: see completed.
    """

    hidden: tuple[int, ...] = _option(
        (72,),
        "Units of each hidden layer, as in 300,100; may be repeated.  [default: 72]",
        1,
        MOST,
    )
    epochs: int = _option(
        None, "Passes over the images.  [default: 80; up to 500 for a small set]", 1, LONGEST
    )
    batch_size: int = _option(
        None, "Images per minibatch.  [default: 100, or half of a small set]", 1, MOST
    )
    learning_rate: float = _option(
        None,
        "Learning rate of the first step; it falls to zero.  [default: 0.2 or less]",
        excluded=0,
    )
    momentum: float = _option(
        0.9, "Fraction of the previous step that is carried over.", 0, 1, excluded=1
    )
    weight_decay: float = _option(
        5e-5, "L2 penalty: adds decay/2 * sum of squared weights to the loss.", 0, 1
    )
    augment: bool = _option(True, "Distort the images of each minibatch slightly and at random.")
    warps: int = _option(1, "Distortions per minibatch; several help wide networks.", 1, MOST)
    strength: float = _option(
        1.0, "Factor of the distortions; stronger ones help with unusual handwriting.", 0, 4
    )
    widen: float = _option(
        0.0, "Fraction of the distortions that also widen the digits, up to twofold.", 0, 1
    )
    drawn: int = _option(
        None, "Drawn digits to add to the images; they help with pictures.  [default: 0]", 0, MOST
    )
    nondigits: int = _option(
        None, "Drawn images of no digit to add, so that predict knows such.  [default: 0]", 0, MOST
    )
    validation: int = _option(
        None, "Training images held out for validation.  [default: 5000, or a sixth of a small set]"
    )
    limit: int | None = _option(
        None, "Train on this many of the images not held out, always the same.", 1, MOST
    )
    seed: int = _option(0, "Random seed; the same seed on the same machine gives the same weights.")
    start: str = ""  # SHA-256 of the weights to start from; empty for random weights

    def __post_init__(self) -> None:
        for option in DECLARED:
            value = getattr(self, option.name)
            if value is option.default is None:
                continue
            try:
                value = conform(option.name, option.type, value, option.metadata["range"])
            except ValueError as error:
                raise TrainingError(str(error)) from error
            object.__setattr__(self, option.name, value)

    def images(self, count: int) -> int:
        """Return how many of a set of count images are trained on; validation must be known."""
        return min(count - self.validation, self.limit or count)

    def completed(self, count: int, start: "Options | None" = None) -> "Options":
        """Return the options with a value for each None, for a set of count images.

        start is the options of a network to start from, if that reads the set: smaller and fewer
        steps, and images of the kinds that were added to its own training, keep what it knows.
        """
        known = self._known(validation=min(VALIDATION, count // 6))
        most = max(REPLAYED, known.images(count) // 5)
        drawn, nondigits = (start.drawn, start.nondigits) if start else (0, 0)
        known = known._known(drawn=min(drawn, most), nondigits=min(nondigits, most))
        seen = max(known.images(count) + known.drawn + known.nondigits, 1)
        steps = max(-(-seen // BATCH_SIZE), 2)  # of equal minibatches: a small one is noisy
        known = known._known(batch_size=-(-seen // steps))
        rate = LEARNING_RATE * min(known.batch_size / BATCH_SIZE, 1)
        root = math.sqrt(min(seen / ALL, 1))
        epochs = min(round(EPOCHS / root), MOST_EPOCHS)
        if start:
            epochs, rate = max(RETRAINING_EPOCHS, -(-RETRAINING_STEPS // steps)), rate * root / 3
        return known._known(epochs=epochs, learning_rate=float(f"{rate:.2g}"))

    def _known(self, **values: Any) -> "Options":
        """Return the options with these values for those that are None."""
        return replace(self, **{k: v for k, v in values.items() if getattr(self, k) is None})


DECLARED = [option for option in fields(Options) if option.metadata]
KINDS = {int: "a whole number", float: "a number", bool: "True or False"}


def conform(name: str, kind: Any, value: Any, limits: Range = (0, math.inf, None)) -> Any:
    """Return the value as this kind: int, float, bool, str, list or dict, a number or None, a tuple
    of int or a mapping of str. Raises ValueError, naming it, for any other value."""
    plain = value.item() if getattr(value, "ndim", None) == 0 else value  # NumPy's numbers
    if kind == tuple[int, ...]:
        is_one = isinstance(plain, str | bytes) or not isinstance(plain, Iterable)
        items = [plain] if is_one else plain
        return tuple(conform(name, int, item, limits) for item in items)
    if kind == Mapping[str, str]:
        items = conform(name, dict, value).items()
        return {key: conform(name, str, text) for key, text in items}
    if kind in (int | None, float | None):
        return None if value is None else conform(name, kind.__args__[0], value, limits)
    if kind is float and type(plain) is int and plain.bit_length() < 1024:
        plain = float(plain)
    is_right, span = type(plain) is kind, ""
    if kind in (int, float):
        low, high, excluded = limits
        is_right = is_right and low <= plain <= high and plain not in (excluded, math.inf)
        span = f" from {low:,}{'' if high == math.inf else f' to {high:,}'}"
        span += "" if excluded is None else f", but not {excluded}"
    if not is_right:
        expected = KINDS.get(kind, f"a {kind.__name__}")
        raise ValueError(f"expected {expected}{span} for {name}; found {shown(value)}")
    return plain
