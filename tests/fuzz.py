"""Coverage-guided fuzzing of what reads files from anywhere: `make soak`, which gets atheris.

    python tests/fuzz.py idx|weights|picture [options of libFuzzer]

Whatever is in a file, its reader gives something sound or the error that it promises, in ten
seconds and two gigabytes. An input that breaks this is kept in the current folder, and belongs
into the tests. Inputs begin as small files of each kind; weights are packed anew after each change,
or a wrong checksum would be all that was ever found.
"""

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["mnistnet", "numpy.lib", "zipfile", "PIL"]):
    import numpy as np
    from PIL import Image, ImageDraw
    from program import write_idx

    from mnistnet.data import idx
    from mnistnet.errors import DataError, PictureError, WeightsError
    from mnistnet.image import digit
    from mnistnet.model import weights
    from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
    from mnistnet.model.network import Perceptron
    from mnistnet.model.options import Options
    from mnistnet.report.text import info_text

    Image.init()  # which imports the writers of all formats

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM")
SEPARATOR = b"\0next\0"  # between the arrays of weights that are to be packed


def idx_seeds(folder: Path) -> Iterator[bytes]:
    """Files, raw and packed."""
    for dtype in idx.CODES:
        for name in ("raw", "packed.gz"):
            write_idx(folder / name, np.arange(6).astype(dtype).reshape(2, 3))
            yield (folder / name).read_bytes()


def try_idx(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    with suppress(DataError):
        array = idx.read_idx(path)
        assert not array.flags.writeable
        assert idx.sha256(array)


def weights_seeds(folder: Path) -> Iterator[bytes]:
    """The metadata and arrays of a network and of a checkpoint."""
    path = folder / "net.npz"
    network = Perceptron.random((784, 1, 10), np.random.default_rng(0))
    history = (EpochReport(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.0),)
    metadata = Metadata(Options(), TrainingSet({"images": "aa", "labels": "bb"}), history)
    for velocity in (None, network.parameters):
        weights.save(path, network, metadata, velocity)
        text = json.dumps(weights.load_all(path).meta)
        with zipfile.ZipFile(path) as archive:
            arrays = [archive.read(name) for name in archive.namelist()[1:]]
            yield SEPARATOR.join([text.encode(), *arrays])


def try_weights(data: bytes, path: Path) -> None:
    text, *arrays = data.split(SEPARATOR)
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open("meta.npy", "w") as stream:
            np.save(stream, np.array(text.decode(errors="replace")))
        for name, content in zip(("W1", "W2", "velocity"), arrays, strict=False):
            archive.writestr(f"{name}.npy", content)
    with suppress(WeightsError):
        network, metadata = weights.load(path)
        assert np.isfinite(network.scores(np.ones((1, 784), np.float32))).all()
        json.loads(json.dumps(metadata.as_json()))
        assert info_text(path, network.layers, metadata)


def picture_seeds(_: Path) -> Iterator[bytes]:
    """Pictures of each format and mode; with several frames; with another one in their metadata,
    after their end, or both."""
    for mode in ("L", "RGB", "P", "1", "RGBA", "I;16", "F"):
        image = Image.new(mode, (12, 12))
        ImageDraw.Draw(image).line((3, 2, 8, 9), 1, 2)
        for name in FORMATS:
            with suppress(Exception):  # what the format does not hold
                content = saved(image, name)
                yield content
                yield content + content
                yield saved(image, name, exif=b"Exif\0\0" + content, icc_profile=content)
                yield saved(image, name, save_all=True, append_images=[image.rotate(9)])


def saved(image: Image.Image, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def try_picture(data: bytes, _: Path) -> None:
    with suppress(PictureError):
        for found in digit.read_picture(data).digits:
            assert (found.image.dtype, found.image.shape) == (np.uint8, (784,))
            assert found.image.any()


READERS = {
    "idx": (idx_seeds, try_idx),
    "weights": (weights_seeds, try_weights),
    "picture": (picture_seeds, try_picture),
}


def main() -> None:
    name, *options = sys.argv[1:]
    seeds, attempt = READERS[name]
    with tempfile.TemporaryDirectory() as top:
        corpus, path = Path(top, "corpus"), Path(top, "file")
        corpus.mkdir()
        for number, seed in enumerate(seeds(Path(top))):
            (corpus / str(number)).write_bytes(seed)
        limits = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=20000")
        command = [sys.argv[0], *limits, *options, str(corpus)]
        atheris.Setup(command, lambda data: attempt(data, path))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
