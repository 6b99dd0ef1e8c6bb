"""Recognise and read data sets that other programs write. Nothing is unpickled."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import idx, table
from mnistnet.data.folders import read_drawings, read_pictures, visible
from mnistnet.data.levels import to_bytes
from mnistnet.data.named import pair
from mnistnet.data.parts import DIGITS, Advance, Part, Tell, listed, read_name, stem
from mnistnet.errors import DataError, MnistnetError, reason
from mnistnet.image.decode import is_picture

KINDS = (
    "an .npz with x_train and y_train, .npy or IDX files, a .csv, or a folder with one of these, "
    "with folders 0 to 9 of pictures, or with drawings of the page"
)
MAX_BYTES = 600_000_000  # of the arrays in all files: converting them takes as much again
TABLES = (".csv", ".tsv")
TEXT = (*TABLES, ".txt")
REFUSED = (".pt", ".pkl", ".pickle", ".mat", ".h5", ".hdf5", ".parquet", ".arff")


def read(
    source: Path,
    labels: Collection[str],
    tell: Tell,
    advance: Advance = lambda *_: None,
    alone: bool = False,
) -> Iterator[Part]:
    """Read the data set in a file or folder, one part at a time; labels are those that names of
    folders and pictures may be. Unless alone, other files that belong to a file are read as well.
    Raises DataError if there is no data set."""
    try:
        paths = [source] if alone and source.is_file() else _files(source)
        if source.is_dir() and not paths and is_gallery(source):
            yield from read_pictures(source, labels, tell, advance)
            return
        if not paths:
            drawings = [path for path in visible(source) if path.suffix == ".json"]
            yield from read_drawings(drawings or _refuse(source), tell)
            return
        if source.is_dir() and (left := [path for path in visible(source) if path not in paths]):
            inside = listed(path.relative_to(source) for path in left)
            tell(f"skipped {len(left)} other files in {source}: {inside}", len(left))
        yield from _read_arrays(source, paths, tell, advance)
    except MnistnetError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds for damaged files
        raise DataError(f"cannot read {source}: {reason(error)}") from error


def read_images(source: Path, tell: Tell) -> Array:
    """Return the images of a data set, uint8 (n, 784), with or without labels; of several splits,
    those of the test set."""
    parts = {part.split: part for part in read(source, DIGITS, tell, alone=True)}
    best = parts.get("test") or next(iter(parts.values()))
    if len(parts) > 1:
        tell(f"{source} has {' and '.join(parts)} images; these are the {best.split} images", 0)
    images, note = to_bytes(best)
    if note:
        tell(f"{source}: {note}", 0)
    return transposed(images) if is_transposed(source) else images


def is_transposed(source: Path) -> bool:
    """Check by file names for EMNIST, whose images are stored column by column."""
    names = [path.name for path in source.glob("*")] or [source.name]
    return any(name.lower().startswith("emnist-") for name in names)


def transposed(images: Array) -> Array:
    """Swap rows and columns of images (n, 784)."""
    return images.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(-1, PIXELS)


def is_set(path: Path) -> bool:
    """Check for a file or folder of arrays or tables of images."""
    return path.exists() and bool(_files(path))


def is_gallery(folder: Path) -> bool:
    """Check for a folder of pictures, at any depth, and of nothing else that is read."""
    return folder.is_dir() and not _files(folder) and any(map(is_picture, visible(folder)))


def _is_array(path: Path) -> bool:
    """Check for .npz, .npy and IDX by the name or the first bytes."""
    name = path.name.lower()
    if name.endswith((".npz", ".npy")) or ("idx" in name and not name.endswith(TEXT)):
        return True
    with suppress(OSError, EOFError, zlib.error), path.open("rb") as file:
        content: Any = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == b"\x1f\x8b" else file
        start = content.read(4)
        return len(start) == 4 and start[:2] == b"\0\0" and start[2] in idx.TYPES
    return False


def _is_table(path: Path) -> bool:
    """Check for text with as many columns as images have pixels, and a few more."""
    if not path.name.lower().removesuffix(".gz").endswith(TEXT):
        return False
    return 0 <= len(table.read_first(path)[1]) - PIXELS <= table.BESIDE


def _files(source: Path) -> list[Path]:
    """List the files of the data set in a folder, or of the one that a file belongs to: IDX and
    .npy files whose names differ from its own only in the split and the content."""
    if source.is_dir():
        found = [path for path in visible(source) if _is_array(path) or _is_table(path)]
        return [path for path in found if path.parent == source] or found
    if not source.is_file() or not _is_array(source) or source.suffix.lower() == ".npz":
        is_set = source.is_file() and (_is_array(source) or _is_table(source))
        return [source] if is_set or source.suffix.lower() in TABLES else []
    common = read_name(stem(source)).others
    alike = [path for path in sorted(source.parent.iterdir()) if path.suffix == source.suffix]
    return [path for path in alike if path.is_file() and read_name(stem(path)).others == common]


def _refuse(source: Path) -> NoReturn:
    """Raise DataError for a file or folder without a data set, with the way on if there is one."""
    files = visible(source) if source.is_dir() else [source] if source.is_file() else []
    for path in files:
        if path.name.lower().removesuffix(".gz").endswith(REFUSED):
            how = "load it in Python, then numpy.savez('set.npz', images=..., labels=...)"
            raise DataError(f"{path}: expected {KINDS}; to convert it: {how}")
    found = listed(path.name for path in files) or "no files"
    found = found if source.exists() else "no file or folder of this name"
    raise DataError(f"{source}: expected {KINDS}; found {found}")


def _read_arrays(source: Path, paths: list[Path], tell: Tell, advance: Advance) -> Iterator[Part]:
    """Read the arrays in files, by names from those of the folders, files and arrays."""
    folder = source if source.is_dir() else source.parent
    arrays: dict[str, Array] = {}
    places: dict[str, Callable[[int], str]] = {}
    unique = {(path.parent, stem(path)): path for path in reversed(paths)}  # not also in gzip
    for path in reversed(unique.values()):
        name = (path.relative_to(folder).parent / stem(path)).as_posix()
        before = sum(array.nbytes for array in arrays.values())
        if not _is_table(path):
            _check(path, path.stat().st_size + before)
        if path.suffix.lower() == ".npz":
            arrays |= _read_npz(path, f"{name}/" if len(unique) > 1 else "", tell, before)
        elif path.suffix.lower() == ".npy":
            arrays[name] = np.load(path, allow_pickle=False)
        elif _is_table(path) or path.suffix.lower() in TABLES:
            images, labels, lines = table.read_table(path, advance)
            _check(path, images.nbytes + before)
            arrays[f"{name}/images"] = images
            arrays |= {} if labels is None else {f"{name}/labels": labels}
            places[f"{name}/images"] = partial(
                lambda path, lines, image: f"{path}, line {lines[image]}", path, lines
            )
        else:
            arrays[name] = idx.read_idx(path, MAX_BYTES - before)
    yield from pair(source, arrays, places, tell)


def _read_npz(path: Path, prefix: str, tell: Tell, before: int) -> dict[str, Array]:
    """Read all arrays but those that need pickle, after this number of bytes of others."""
    _check(path, before + sum(member.file_size for member in zipfile.ZipFile(path).infolist()))
    arrays = {}
    with np.load(path, allow_pickle=False) as archive:
        if len({*archive.files}) < len(archive.files):  # readers would differ in which they take
            raise DataError(f"{path}: expected arrays of different names; found equal ones")
        for key in archive.files:
            name = prefix.removesuffix("/") if prefix and len(archive.files) == 1 else prefix + key
            try:
                arrays[name] = np.asarray(archive[key])
            except ValueError:
                tell(f"{key} left out, which would need pickle", 0)
    return arrays


def _check(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        fault = f"expected at most {MAX_BYTES:,} bytes in all, found {size:,}"
        raise DataError(f"{path}: {fault}; save the images as uint8, or fewer of them")
