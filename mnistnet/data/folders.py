"""Read folders of pictures, and of the page's drawings. The label of a picture is told by a table
beside the pictures, by the name of a folder or of its file; the split by the name of a folder."""

import base64
import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.data.parts import DIGITS, SPLITS, Advance, Part, Tell, listed, read_name
from mnistnet.data.table import read_first, read_lines
from mnistnet.errors import DataError, PictureError, reason
from mnistnet.image.digit import read_picture

TABLES = (".csv", ".tsv")
SHARE = 0.9  # of the files, at least, must have a label in the same place of their names
NUMBER = re.compile(r"(?:digit|class|label|number)[\W_]*(\d)", re.IGNORECASE)
DEEPEST = 4  # folders in which labels are looked for
MAX_DRAWINGS = 5_000_000  # bytes of a file
FEWEST = 6  # files of drawings, of which one is for testing


def visible(folder: Path) -> list[Path]:
    """List all files in a folder and in those below it, but for hidden ones."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in found if not re.search(r"(^|/)(\.|__MACOSX/)", _inside(path, folder))]


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def read_pictures(
    folder: Path, labels: Collection[str], tell: Tell, advance: Advance
) -> Iterator[Part]:
    """Read the digit in each picture, prepared as for predict. tell receives what cannot be read or
    has no label. Raises DataError if there are no labels, or it is not clear which they are."""
    chosen = _label(folder, labels, tell)
    for split in SPLITS:
        images, paths = [], []
        for path in (path for path in chosen if (_split(folder, path) or "train") == split):
            try:
                digits = read_picture(path).digits
                if len(digits) > 1:
                    raise PictureError(f"expected one digit; found {len(digits)}")
                images.append(digits[0].image)
                paths.append(path)
            except PictureError as error:
                tell(f"skipped {path}: {error}", 1)
            advance(1, len(chosen))
        if images:
            names = np.array([chosen[path] for path in paths])
            yield Part(split, np.array(images), names, [*map(str, paths)].__getitem__)


def _split(folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).parts[:-1]
    return next(filter(None, (read_name(part).split for part in parts)), "")


def _label(folder: Path, labels: Collection[str], tell: Tell) -> dict[Path, str]:
    """Return the label of each picture in the folder and those below it."""
    files = visible(folder)
    tables = [path for path in files if path.suffix.lower() in TABLES]
    pictures = [path for path in files if path not in tables]
    found = (
        _by_tables(folder, tables, pictures, labels)
        or _by_folders(folder, pictures, labels)
        or _by_names(pictures, labels, tell)
    )
    if not found:
        shown = listed(path.name for path in pictures) or "none"
        raise DataError(
            f"{folder}: expected pictures in folders 0 to 9 or named by --labels, with names as "
            f"3_17.png, or with a CSV of names and labels; found {shown}"
        )
    left = [_inside(path, folder) for path in files if path not in (*found, *tables)]
    if left:
        tell(f"skipped {len(left)} files without a label in {folder}: {listed(left)}", len(left))
    return found


def _by_tables(
    folder: Path, tables: Sequence[Path], pictures: Sequence[Path], labels: Collection[str]
) -> dict[Path, str]:
    """Return the labels in tables whose lines name a picture, by its path, name or stem."""
    named = {path.stem: path for path in pictures} | {path.name: path for path in pictures}
    named |= {_inside(path, folder): path for path in pictures}
    found = {}
    for table in tables:
        delimiter, headings = read_first(table)
        columns = [k for k, heading in enumerate(headings) if read_name(heading).is_labels]
        for _, line in read_lines(table):
            row = [cell.strip(' "') for cell in line.split(delimiter)]
            key = next((cell for cell in row if cell in named), "")
            others = [row[k] for k in columns if k < len(row)] or [c for c in row if c != key]
            if key and (known := [cell for cell in others if cell in labels]):
                found[named[key]] = known[-1]
    return found


def _by_folders(folder: Path, pictures: Sequence[Path], labels: Collection[str]) -> dict[Path, str]:
    """Return the labels told by the folders of one level, that with the most different ones."""
    levels = []
    for k in (-1, *range(DEEPEST)):
        level: dict[Path, str] = {}
        for path in pictures:
            parts = [p for p in path.relative_to(folder).parts[:-1] if not read_name(p).split]
            text = parts[k] if -len(parts) <= k < len(parts) else ""
            number = NUMBER.fullmatch(text)
            label = number[1] if number else text
            level |= {path: label} if label in labels else {}
        levels.append(level)
    sizes = [len(set(level.values())) for level in levels]
    best = levels[sizes.index(max(sizes))]
    rivals = [level for level, size in zip(levels, sizes, strict=True) if size == max(sizes)]
    if max(sizes) > 1 and any(level != best for level in rivals):
        fault = "found them at two levels; name the others differently, such as w0 and w1"
        raise DataError(f"{folder}: expected folders of labels at one level; {fault}")
    return best


def _by_names(pictures: Sequence[Path], labels: Collection[str], tell: Tell) -> dict[Path, str]:
    """Return the labels that are first or last in the names of most files."""
    words = {path: re.findall(r"\d+|[^\W\d_]+", path.stem) for path in pictures}
    for k in (0, -1):
        found = {path: text[k] for path, text in words.items() if text and text[k] in labels}
        if found and len(found) >= SHARE * len(pictures):
            path, label = next(iter(found.items()))
            tell(f"the names of the files were read as labels: {path.name} is a {label}", 0)
            return found
    return {}


def read_drawings(paths: Sequence[Path], tell: Tell) -> Iterator[Part]:
    """Read files of drawings, one for each writer; every sixth is for testing, if there are so
    many. tell receives what cannot be read."""
    found = []
    for path in paths:
        try:
            found.append((path, *_drawings(path)))
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            tell(f"skipped {path}: expected drawings saved by the page; found {reason(error)}", 1)
    if len(found) < FEWEST:
        tell(f"fewer than {FEWEST} files: writers are not kept apart for testing", 0)
    for n, (path, images, labels) in enumerate(found, start=1):
        places = [f"{path}, drawing {row}" for row in range(len(labels))]
        yield Part("train" if n % FEWEST else "test", images, labels, places.__getitem__)


def _drawings(path: Path) -> tuple[Array, Array]:
    """Return the images (n, 784) and labels (n,) of a file, which is untrusted."""
    with path.open("rb") as file:
        content = json.loads(file.read(MAX_DRAWINGS))  # a longer file is no complete JSON
    pixels = [base64.b64decode(row["image"], validate=True) for row in content["drawings"]]
    labels = [DIGITS[str(row["label"])] for row in content["drawings"]]
    if (content["mnistnet"], content["version"], {*map(len, pixels)}) != ("drawings", 1, {PIXELS}):
        raise ValueError(f"another version, or images without {PIXELS} bytes")
    return np.frombuffer(b"".join(pixels), np.uint8).reshape(-1, PIXELS), np.array(labels)
