"""The parts of a data set that other programs wrote, and what the names of these tell."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mnistnet.arrays import CLASSES, Array

SPLITS = ("train", "validation", "test")
# The split in a name, with or without x, y or what is stored: X_train, trainX, testset.
SPLIT = re.compile(
    r"(?<![a-z])(?P<before>[xy]|e?mnist)?"
    r"(?:(?P<train>train(?:ing)?|tr)|(?P<validation>val(?:id(?:ation)?)?|dev)"
    r"|(?P<test>test(?:ing)?|te|t10k))"
    r"(?P<after>[xy]|images?|imgs?|data|labels?|targets?|sets?)?(?![a-z])"
)
DIGITS = {str(digit): digit for digit in range(CLASSES)}
IMAGES = {"x", "image", "img", "pixel", "data", "feature", "input", "idx3"}
LABELS = {"y", "label", "target", "class", "idx1", "idx2"}
SHOWN = 6  # names in a message

Tell = Callable[[str, int], object]  # called with a sentence, and how many files are left out
Advance = Callable[[int, int], object]  # called with the images just read and the total or 0


class Part(NamedTuple):
    """The images of one split. Their values have any scale; labels may be names."""

    split: str  # one of SPLITS
    images: Array  # (n, 784)
    labels: Array | None  # (n,), or None if there are none
    place: Callable[[int], str]  # where image i was, as people count


class Name(NamedTuple):
    """What the name of an array, a file or a folder tells."""

    split: str  # '' if it tells none
    is_images: bool
    is_labels: bool
    others: frozenset[str]  # the words that tell neither


def read_name(name: str) -> Name:
    """Return what the words of a name tell, in any usual spelling; of a path, the last part tells
    whether it has images or labels."""
    spaced = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    found = SPLIT.search(spaced)
    split = next((key for key in SPLITS if found[key]), "") if found else ""
    rest = SPLIT.sub(lambda match: f"_{match['before'] or ''}_{match['after'] or ''}_", spaced)
    words, last = _words(rest), _words(rest.rpartition("/")[2])
    is_labels = bool(last & LABELS) or last == {"digit"}  # also image_labels
    others = frozenset(words - IMAGES - LABELS - {"ubyte", "int", "gz"})
    return Name(split, not is_labels and bool(last & IMAGES), is_labels, others)


def _words(text: str) -> set[str]:
    """Return the words of a text in the singular."""
    words = re.findall(r"idx[123]|[a-z]+", text)
    return {re.sub("(?<=[a-z])(?<!s)s$|(?<=ss)es$", "", word) for word in words}


def stem(path: Path) -> str:
    """Return the name of a file without its type, and with a dash for the dot of IDX."""
    name = path.name.removesuffix(".gz").replace(".idx", "-idx")
    return re.sub(r"\.(np[yz]|csv|tsv|txt)$", "", name, flags=re.IGNORECASE)


def listed(names: Iterable[object]) -> str:
    """Join the first names for a message."""
    texts = list(map(str, names))
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
