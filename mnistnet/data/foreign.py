"""Recognise and read data sets that other programs write. Nothing is unpickled."""

import gzip
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import idx, mnist, table
from mnistnet.data.folders import read_pictures, visible
from mnistnet.data.levels import to_bytes
from mnistnet.data.named import pair, stored
from mnistnet.data.parts import DIGITS, SPLITS, Advance, Part, Tell, listed, read_name, stem
from mnistnet.errors import DataError, MnistnetError, reason
from mnistnet.image.decode import is_picture

KINDS = (
    "an .npz with x_train and y_train, .npy or IDX files, a .csv, or a folder with one of these or "
    "with folders 0 to 9 of pictures"
)
ARRAYS = (".npz", ".npy")
CSV = (".csv", ".tsv")
TEXT = (*CSV, ".txt", ".dat", ".data")
LOOKED_AT = 20  # files in each folder that may be a data set
TORCH = "PyTorch's pickle, which may run programs when it is loaded"
PICKLE = "a pickle, which may run programs when it is loaded"
REFUSED = (  # the end of the name or the first bytes of a file, what it is, and how to load it
    (r"\.(pt|pth)$", rb"", TORCH, "torch.load({!r}, weights_only=True)"),
    (r"\.(pkl|pickle|joblib)$", rb"\x80[\2-\5]", PICKLE, "pickle.load(open({!r}, 'rb'))"),
    (r"\.mat$", rb"MATLAB", "a MATLAB file", "scipy.io.loadmat({!r})"),
    (r"\.(h5|hdf5|hdf)$", rb"\x89HDF", "an HDF5 file", "h5py.File({!r})"),
    (r"\.parquet$", rb"PAR1", "a Parquet file", "pandas.read_parquet({!r})"),
    (r"\.arff$", rb"(?i)@relation", "an ARFF file", "scipy.io.arff.loadarff({!r})[0]"),
    (r"\.(xlsx?|ods)$", rb"", "a spreadsheet", ""),
    (r"\.(zip|tar|tgz|7z|rar)$", rb"", "an archive", ""),
)


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
        kind, folder, paths = _recognise(source, tell, alone)
        if kind == "arrays":
            yield from pair(source, stored(paths, folder), tell)
        elif kind == "csv":
            yield from _read_tables(source, folder, paths, advance)
        else:
            yield from read_pictures(folder, labels, tell, advance)
    except MnistnetError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds for damaged files
        raise DataError(f"cannot read {source}: {reason(error)}") from error


def read_images(source: Path, tell: Tell) -> Array:
    """Return the images of a data set, uint8 (n, 784), with or without labels; of several splits,
    those of the test set."""
    parts = read(source, DIGITS, tell, alone=True)
    best = next(parts)  # read raises if there is none
    splits = [best.split]
    for part in parts:
        splits.append(part.split)
        best = part if part.split == "test" else best
    if len(splits) > 1:
        tell(f"{source} has {' and '.join(splits)} images; these are the {best.split} images", 0)
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
    files = [path] if path.is_file() else _files(path)[1] if path.is_dir() else []
    return path.suffix.lower() in CSV or any(map(kind_of, files))


def is_gallery(folder: Path) -> bool:
    """Check for a folder of pictures, at any depth, and of nothing else that is read."""
    return folder.is_dir() and not is_set(folder) and any(map(is_picture, visible(folder)))


def kind_of(path: Path) -> str:
    """Return 'arrays' or 'csv', or '' for a file that is neither."""
    name = path.name.lower().removesuffix(".gz")
    start = _start(path)
    types, sizes = bytes(idx.TYPES), b"\1\2\3\4"
    is_idx = len(start) > 3 and start[:2] == b"\0\0" and start[2] in types and start[3] in sizes
    is_text = name.endswith(TEXT)
    if name.endswith(ARRAYS) or is_idx or ("idx" in name and not is_text):
        return "arrays"
    columns = len(table.read_form(path).headings) if is_text else 0
    return "csv" if PIXELS <= columns <= PIXELS + table.BESIDE else ""


def _start(path: Path) -> bytes:
    """Return the first bytes of a file, of the content if it is compressed."""
    with suppress(OSError, EOFError, zlib.error), path.open("rb") as file:
        is_gzip = file.peek(2)[:2] == b"\x1f\x8b"
        return gzip.GzipFile(fileobj=file).read(9) if is_gzip else file.read(9)
    return b""


def _recognise(source: Path, tell: Tell, alone: bool) -> tuple[str, Path, list[Path]]:
    """Return the kind of the data set, the folder that it is in, and its files; tell which files
    are left out."""
    if source.is_file():
        folder, files = source.parent, [source] if alone else _family(source)
    elif source.is_dir():
        folder, files = _files(source)
    else:
        raise DataError(f"there is no file or folder {source}; expected {KINDS}")
    found = {kind: [path for path in files if kind_of(path) == kind] for kind in ("arrays", "csv")}
    kinds = [kind for kind, paths in found.items() if paths]
    if not kinds and source.is_file() and source.suffix.lower() in CSV:
        return "csv", folder, files  # which says what is wrong
    if not kinds and source.is_dir() and any(map(is_picture, visible(folder))):
        return "pictures", folder, []
    if not kinds:
        for path in files or [source]:
            _refuse(path)
    if len(kinds) != 1:
        shown = listed(path.name for path in files) or "no files"
        many = " of more than one kind: name the one to read" if kinds else ""
        raise DataError(f"{source}: expected {KINDS}; found {shown}{many}")
    paths = list({(p.parent, stem(p)): p for p in sorted(found[kinds[0]], reverse=True)}.values())
    if source.is_dir():
        used = {*found[kinds[0]]}
        left = [path.relative_to(source) for path in visible(source) if path not in used]
        if left:
            tell(f"skipped {len(left)} other files in {source}: {listed(left)}", len(left))
    return kinds[0], folder, sorted(paths)


def _refuse(path: Path) -> None:
    """Raise DataError, with the way on, if a file is of a kind that is known but not read."""
    start = _start(path)
    for ending, content, what, load in REFUSED:
        name = path.name.lower().removesuffix(".gz")
        if re.search(ending, name) or (content and re.match(content, start)):
            remedy = "save it as CSV" if what == "a spreadsheet" else "unpack it first"
            if load:
                convert = "numpy.savez('set.npz', images=..., labels=...)"
                remedy = f"to convert it, in Python: d = {load.format(str(path))}; {convert}"
                if path.suffix == ".gz":
                    remedy = remedy.replace("(open(", "(gzip.open(")
            raise DataError(f"{path}: found {what}; {remedy}")


def _family(path: Path) -> list[Path]:
    """List the files of arrays whose names differ from this one's only in the split and the
    content; or this file alone, if it is of another kind."""
    if kind_of(path) != "arrays" or path.suffix.lower() == ".npz":
        return [path]
    common = read_name(stem(path)).others
    others = [each for each in sorted(path.parent.iterdir()) if each.is_file()]
    others = [each for each in others if read_name(stem(each)).others == common]
    is_npy = path.suffix.lower() == ".npy"
    return [e for e in others if kind_of(e) and (e.suffix.lower() == ".npy") == is_npy]


def _files(folder: Path) -> tuple[Path, list[Path]]:
    """Return the folder that has the data set, and its files; none if there is no data set."""
    folder = mnist.locate(folder)
    inside = [path for path in sorted(folder.iterdir()) if path.name[0] != "."]
    files = [path for path in inside if path.is_file()]
    if any(map(kind_of, files)):
        return folder, files
    found = {path: _sets_in(path) for path in inside if path.is_dir()}
    found = {path: sets for path, sets in found.items() if sets}
    if found and all(
        read_name(path.name).split or path / path.name in sets for path, sets in found.items()
    ):  # train/ and test/, or each file in a folder of its name, as Kaggle has them
        return folder, [path for sets in found.values() for path in sets]
    if len(found) > 1:
        shown = listed(path.name for path in found)
        raise DataError(f"{folder}: expected one data set; found {shown}: name one of these")
    if found or (len(inside) == 1 and inside[0].is_dir()):
        inner = _files([*found, *inside][0])
        return inner if any(map(kind_of, inner[1])) else (folder, files)
    return folder, files


def _sets_in(folder: Path) -> list[Path]:
    """List the files of data sets in a folder, unless the first files are something else."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    if not any(map(kind_of, files[:LOOKED_AT])):
        return []
    return [path for path in files if kind_of(path)]


def _read_tables(
    source: Path, folder: Path, paths: Sequence[Path], advance: Advance
) -> Iterator[Part]:
    """Read the table of each split."""
    found: dict[str, Path] = {}
    for path in paths:
        split = read_name(path.relative_to(folder).as_posix()).split or "train"
        if found.setdefault(split, path) != path:
            both = f"{found[split].name} and {path.name}; name one file of the set to read"
            raise DataError(f"{source}: expected one data set; found {both}")
    for split in sorted(found, key=SPLITS.index):
        path = found[split]
        pixels, labels, lines = table.read_table(path, advance)
        fault = f"{path}: expected a column of labels beside the pixels; found none"
        place = partial(_line, path, lines)
        yield Part(split, pixels, labels, place, fault)
        del pixels, labels


def _line(path: Path, lines: Sequence[int], image: int) -> str:
    return f"{path}, line {lines[image]}"
