"""Read folders of pictures. The label of a picture is told by a table beside the pictures, the name
of a folder, or the name of its file; the split by the name of a folder or of the table."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mnistnet.data.parts import SPLITS, Advance, Part, Tell, listed, read_name
from mnistnet.data.table import names_labels, read_form, read_lines
from mnistnet.errors import DataError, PictureError
from mnistnet.image.digit import read_picture

TABLES = (".csv", ".tsv", ".txt")
HIDDEN = re.compile(r"/(\.|__MACOSX/|Thumbs\.db$|desktop\.ini$)")
NUMBER = re.compile(r"(?:(?:digit|class|label|num|number)[\W_]*)?(\d)(?:\.0*)?(?:[\W_]\D*)?", re.I)
SHARE = 0.9  # of the files, at least, must have a label in the same place of their names
DEEPEST = 4  # folders in which labels are looked for


def visible(folder: Path) -> list[Path]:
    """List all files in a folder and in those below it, but for hidden ones and the system's."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in found if not HIDDEN.search(f"/{path.relative_to(folder).as_posix()}")]


def read_pictures(
    folder: Path, labels: Collection[str], tell: Tell, advance: Advance
) -> Iterator[Part]:
    """Read the digit in each picture, prepared as for predict. tell receives what cannot be read or
    has no label. Raises DataError if there are no labels, or it is not clear which they are."""
    chosen = label_pictures(folder, labels, tell)
    for split in SPLITS:
        images, names, paths = [], [], []
        for path, label, _ in (each for each in chosen if each[2] == split):
            try:
                digits = read_picture(path).digits
                if len(digits) > 1:
                    raise PictureError(f"expected one digit; found {len(digits)}")
                images.append(digits[0].image)
                names.append(label)
                paths.append(path)
            except PictureError as error:
                tell(f"skipped {path}: {error}", 1)
            advance(1, len(chosen))
        if images:
            yield Part(split, np.array(images), np.array(names), [*map(str, paths)].__getitem__)


def label_pictures(
    folder: Path, labels: Collection[str], tell: Tell
) -> list[tuple[Path, str, str]]:
    """Find the label and the split of each picture in the folder and those below it."""
    files = visible(folder)
    tables = [path for path in files if path.suffix.lower() in TABLES]
    inside, splits = {}, {}  # of each picture: the folders that tell no split, and the split
    for path in (path for path in files if path not in tables):
        parts = path.relative_to(folder).parts[:-1]
        inside[path] = [part for part in parts if not read_name(part).split]
        splits[path] = next(filter(None, (read_name(part).split for part in parts)), "")
    found: dict[Path, str] = {}
    for table in tables:
        split = read_name(table.stem).split
        own = [path for path, other in splits.items() if not split or other in ("", split)]
        named = _by_table(table, own, labels)
        found |= named
        splits |= {path: splits[path] or split for path in named}
        if not named:
            tell(f"skipped {table}: it has no labels of pictures", 1)
    found = found or _by_names(folder, inside, labels, tell)
    if not found:
        raise DataError(
            f"{folder}: expected pictures in folders 0 to 9, with names as 3_17.png, or with a CSV "
            f"of names and labels; found {listed(path.name for path in files) or 'none'}"
        )
    left: dict[Path, list[str]] = {}
    for path in inside.keys() - found:
        left.setdefault(path.parent, []).append(path.name)
    for parent, names in sorted(left.items()):
        shown = listed(sorted(names))
        tell(f"skipped {len(names)} files without a label in {parent}: {shown}", len(names))
    return [(path, found[path], splits[path] or "train") for path in sorted(found)]


def _by_table(table: Path, pictures: Sequence[Path], labels: Collection[str]) -> dict[Path, str]:
    """Return the label of each picture that a table names by its path, name or stem."""
    named: dict[str, set[Path]] = {}
    for path in pictures:
        inside = path.relative_to(table.parent) if path.is_relative_to(table.parent) else path
        for name in {inside.as_posix(), path.name, path.stem}:
            named.setdefault(name, set()).add(path)
    form = read_form(table)
    rows = [form.split(line) for _, line in read_lines(table)]
    width = len(form.headings)
    rows = [row for row in rows if len(row) == width]
    matches = [sum(len(named.get(row[column], ())) == 1 for row in rows) for column in range(width)]
    if width < 2 or not max(matches):
        return {}
    key = matches.index(max(matches))

    def rating(column: int) -> tuple[bool, int]:
        known = sum(bool(_known(row[column], labels)) for row in rows)
        return names_labels(form.headings[column]), known

    column = max((k for k in range(width) if k != key), key=rating)
    is_named, known = rating(column)
    if not is_named and (rows[0][key] not in named or 2 * known < len(rows)):
        return {}  # a table about something else
    return {
        next(iter(named[row[key]])): _known(row[column], labels) or row[column]
        for row in rows
        if len(named.get(row[key], ())) == 1
    }


def _by_names(
    folder: Path, places: Mapping[Path, Sequence[str]], labels: Collection[str], tell: Tell
) -> dict[Path, str]:
    """Return the labels told by the folders at one level, else by the names of the files, else the
    names of the innermost folders."""
    levels = [
        {path: parts[k] for path, parts in places.items() if -len(parts) <= k < len(parts)}
        for k in (-1, *range(DEEPEST))
    ]
    for find in (_exactly, _known):
        found = [{path: find(part, labels) for path, part in level.items()} for level in levels]
        known = [{path: label for path, label in level.items() if label} for level in found]
        sizes = [(len(level), len(set(level.values()))) for level in known]
        best = known[sizes.index(max(sizes))]
        rivals = [level for level, size in zip(known, sizes, strict=True) if size == max(sizes)]
        if any(level != best for level in rivals) and len(best) > 1:
            fault = "found them at two levels; name the others differently, such as w0 and w1"
            raise DataError(f"{folder}: expected folders of labels at one level; {fault}")
        if best and 2 * len(best) >= len(levels[0]):
            return best
    for k in (0, -1, 1, -2):
        best = {}
        for path in places:
            words = re.findall(r"\d+|[^\W\d_]+", path.stem.lower())
            words = [word for word in words if word.isdigit() or word in labels]
            if -len(words) <= k < len(words) and words[k] in labels:
                best[path] = words[k]
        if best and len(best) >= SHARE * len(places):
            path, label = next(iter(best.items()))
            tell(f"the names of the files were read as labels: {path.name} is a {label}", 0)
            return best
    return levels[0]


def _exactly(text: str, labels: Collection[str]) -> str:
    """Return the text if it is a label, also in capitals; else ''."""
    return next((each for each in (text, text.lower()) if each in labels), "")


def _known(text: str, labels: Collection[str]) -> str:
    """Return the label in a text such as digit_3, 3.0 or '3 three'; else ''."""
    number = NUMBER.fullmatch(text)
    return _exactly(text, labels) or (_exactly(number[1], labels) if number else "")
