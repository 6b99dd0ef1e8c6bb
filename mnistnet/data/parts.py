"""The parts of a data set that other programs wrote, and what the names of these tell."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mnistnet.arrays import CLASSES, Array

MAX_BYTES = 600_000_000  # of an array in its own type: converting it takes as much again
SPLITS = ("train", "validation", "test")
# The split in a name, with or without x, y or what is stored: X_train, trainX, testset.
SPLIT = re.compile(
    r"(?<![a-z])(?P<before>[xy]|e?mnist)?"
    r"(?:(?P<train>train(?:ing)?|trn|tr)|(?P<validation>val(?:id(?:ation)?)?|dev)"
    r"|(?P<test>test(?:ing)?|tst|te|eval(?:uation)?|t10k))"
    r"(?P<after>[xy]|images?|imgs?|data|labels?|targets?|sets?|samples?)?(?![a-z])"
)
WORDS = re.compile(r"idx[123]|[a-z]+")
DIGITS = {str(digit): digit for digit in range(CLASSES)}
NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
DIGITS |= {word: digit for digit, word in enumerate(NUMERALS)}
IMAGES = {"x", "image", "img", "pixel", "data", "feature", "input", "sample", "picture", "idx3"}
LABELS = {"y", "label", "lbl", "target", "class", "classe", "answer", "output", "idx1", "idx2"}
SHOWN = 6  # names in a message

Tell = Callable[[str, int], object]  # called with a sentence, and how many files are left out
Advance = Callable[[int, int], object]  # called with the images just read and the total or 0


class Part(NamedTuple):
    """The images of one split. Their values have any scale; labels may be names."""

    split: str  # one of SPLITS, as names tell
    images: Array  # (n, 784)
    labels: Array | None  # (n,), or None if there are none
    place: Callable[[int], str]  # where image i was, as people count
    fault: str = ""  # why there are no labels


class Name(NamedTuple):
    """What the name of an array, a file or a folder tells."""

    split: str  # '' if it tells none
    is_images: bool
    is_labels: bool
    others: frozenset[str]  # the words that tell neither


def read_name(name: str) -> Name:
    """Return what the words of a name tell, in any usual spelling."""
    spaced = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    found = SPLIT.search(spaced)
    split = next((key for key in SPLITS if found[key]), "") if found else ""
    rest = SPLIT.sub(lambda match: f"_{match['before'] or ''}_{match['after'] or ''}_", spaced)
    found_words = WORDS.findall(rest.replace(".idx", "-idx"))
    words = {word.removesuffix("s") if len(word) > 1 else word for word in found_words}
    is_labels = bool(words & LABELS)  # also image_labels
    others = frozenset(words - IMAGES - LABELS - {"ubyte", "int", "gz"})
    return Name(split, not is_labels and bool(words & IMAGES), is_labels, others)


def stem(path: Path) -> str:
    """Return the name of a file without .gz, .npz and .npy, and with a dash for the dot of IDX."""
    name = path.name.removesuffix(".gz").replace(".idx", "-idx")
    return re.sub(r"\.np[yz]$", "", name, flags=re.IGNORECASE)


def listed(names: Iterable[object]) -> str:
    """Join the first names for a message."""
    texts = list(map(str, names))
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
