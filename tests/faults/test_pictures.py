"""Hostile pictures get one answer or one error, in bounded memory and time; others are refused with
advice."""

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from changes import saved
from PIL import Image, ImageDraw
from program import COMMAND, posix_only, program

from mnistnet.errors import PictureError
from mnistnet.image import decode
from mnistnet.image.digit import read_picture


def digit(side: int = 28, mode: str = "L") -> Image.Image:
    """A 1, dark on light."""
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line([(side // 2, side // 6), (side // 2, side * 5 // 6)], 0, side // 9)
    return picture.convert(mode)


def as_bytes(picture: Image.Image, form: str, **options: object) -> bytes:
    return saved(picture, form, **options).getvalue()


# ---- hostile files


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def tiff(*more: tuple[int, int, int, int], body: bytes = b"", side: int = 28) -> bytes:
    """An uncompressed TIFF with pixels from body, and more tags: number, type, count, value."""
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(277, 3, 1, 1), *more]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + body


def bmp(side: int, runs: bytes) -> bytes:
    """A BMP with run-length encoded pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + bytes(1024) + runs


def progressive(scans: int) -> bytes:
    content = as_bytes(Image.new("L", (4000, 4000), 128), "JPEG", progressive=True)
    first, end = content.index(b"\xff\xda"), len(content) - 2
    return content[:end] + content[first:end] * scans + content[end:]


def with_exif(size: int, part: int) -> bytes:
    """A JPEG whose EXIF, in segments of these parts, has one tag of this size in bytes."""
    exif = b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHII", 0x11A, 4, size // 4 - 50, 50)
    exif += struct.pack("<HHII", 0x128, 4, 100, 50) + bytes(size)
    content = as_bytes(digit(), "JPEG")
    segments = []
    for start in range(0, len(exif), part):
        data = b"Exif\0\0" + exif[start : start + part]
        segments.append(b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data)
    return content[:2] + b"".join(segments) + content[20:]


def avif_of(side: int) -> bytes:
    """An AVIF of side x side pixels that claims 28 x 28."""
    content = bytearray(as_bytes(Image.new("RGB", (side, side), 9), "AVIF", speed=10))
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", 28, 28)
    return bytes(content)


def huge_png(side: int) -> bytes:
    """A PNG that declares side x side pixels but has only one."""
    content = bytearray(as_bytes(Image.new("L", (1, 1)), "PNG"))
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


PNG = as_bytes(digit(), "PNG")
GIF = as_bytes(digit(), "GIF")
FRAME = GIF.index(b",")
TILES = [(322, 4, 1, 40_000), (323, 4, 1, 40_000), (324, 4, 1, 9), (325, 4, 1, 9)]
PIECES = "expected at most 300,000 blocks of data; found more"
SLOW = r"expected at most 250,000 pixels in a \w+ of this encoding; save it as PNG"
SIZE = "expected at most 64 megapixels; found"
ANSWER = ""  # no error
BLANK = "found no digit: .*"
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG chunks": (lambda: PNG[:33] + chunk(b"abCd", b"") * 400_000 + PNG[33:], PIECES),
    "PNG without end": (lambda: PNG[:33] + chunk(b"IDAT", b"") * 400_000 + PNG[33:], PIECES),
    "PNG text": (
        lambda: PNG[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10**6))) * 900 + PNG[33:],
        "cannot read it: .*",
    ),
    "PNG size": (lambda: huge_png(100_000), f"{SIZE} 100000 x 100000"),
    "JPEG segments": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 400_000, PIECES),
    "JPEG scans": (lambda: progressive(12), r"expected at most 16 scans in a JPEG .* found \d+"),
    "JPEG EXIF": (lambda: with_exif(20_000_000, 65_000), ANSWER),
    "JPEG EXIFs": (lambda: with_exif(40_000_000, 600), ANSWER),
    "GIF comments": (
        lambda: GIF[:FRAME] + b"!\xfe" + b"\1a" * 400_000 + b"\0" + GIF[FRAME:],
        PIECES,
    ),
    "GIF screen": (
        lambda: GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:],
        f"{SIZE} 65535 x 65535",
    ),
    "BMP runs": (lambda: bmp(8000, b"\1\0" * 400_000), SLOW),
    "BMP deltas": (lambda: bmp(500, b"\0\2\0\0" * 1_900_000), f"{PIECES}|{BLANK}"),
    "PPM comment": (lambda: b"P5\n#" + b"x" * 400_000 + b"\n28 28 255\n" + bytes(784), PIECES),
    "PPM depth": (lambda: b"P6\n2000 2000 100\n" + bytes(12_000_000), SLOW),
    "PPM text": (
        lambda: b"P3\n500 500 255\n" + b"#\n" * 3_900_000,
        "expected pixels; found a PPM written as text: save it as PNG",
    ),
    "TIFF strips": (
        lambda: tiff((273, 4, 2_000_000, 0), (279, 4, 2_000_000, 0), body=bytes(8_000_000)),
        "expected at most 200,000 strips; found 2,000,000",
    ),
    "TIFF tags": (
        lambda: tiff(
            *[(tag, 4, 9_000_000, 10) for tag in range(40_000, 50_000)],
            (273, 4, 1, 120_200),
            (279, 4, 1, 784),
            body=bytes(40_000_000),
        ),
        f"{BLANK}|expected each block of data once; found some many times",
    ),
    "TIFF tile": (lambda: tiff(*TILES, body=bytes(999)), "cannot read it: .*"),
    "WebP canvas": (
        lambda: b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(99),
        "expected at most 64 megapixels.*|cannot read it: .*",
    ),
    "AVIF inside": (lambda: avif_of(5000), f"{BLANK}|cannot read it: .*|{SIZE} .*"),
    "too many bytes": (
        lambda: as_bytes(digit(mode="RGB"), "WEBP") + bytes(64_000_000),
        "expected at most 64 megabytes of WebP",
    ),
    "sparse": (lambda: PNG, "expected at most 200 megabytes"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only: needs a limit of address space")
def test_all_hostile_pictures_together_cost_bounded_time_and_memory() -> None:
    """2 GiB of address space and 20 seconds of processor time."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    for name, (make, _) in HOSTILE.items():
        Path(name).write_bytes(make())
    os.truncate("sparse", 3 << 30)
    command = [*COMMAND, "predict", *HOSTILE]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    answers = [name for name, (_, message) in HOSTILE.items() if message == ANSWER]
    assert [line.rsplit("  1 ")[0].strip() for line in done.stdout.splitlines()] == answers
    errors = {name: message for name, (_, message) in HOSTILE.items() if message != ANSWER}
    note, *lines = done.stderr.splitlines()
    assert note == "bundled weights"
    for line, (name, message) in zip(lines, errors.items(), strict=True):
        assert re.fullmatch(f"Error: {name}: ({message})", line), line


@posix_only("the program in place of Ghostscript is a shell script")
def test_postscript_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "gs"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    Path("digit.png").write_bytes(as_bytes(digit(mode="RGB"), "EPS"))
    assert program("predict", "digit.png").exit_code == 1
    assert not (tmp_path / "ran").exists()


# ---- files that are no supported picture


def array_file() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((28, 28)))
    return stream.getvalue()


EXPECTED = "expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM; found "
REFUSED = {
    "empty": (b"", f"{EXPECTED}an empty file"),
    "text": (b"seven", f"{EXPECTED}another format"),
    "truncated": (as_bytes(digit(300), "JPEG")[:-200], "cannot read it: .*truncated.*"),
    "EPS": (as_bytes(digit(), "EPS"), "expected pixels; found PostScript: export it as PNG"),
    "SVG": (b"<svg xmlns='...'/>", "expected pixels; found an SVG drawing: export it as PNG"),
    "XML": (b"<?xml version='1.0'?><svg/>", "expected pixels; found an SVG drawing: export .*"),
    "PDF": (b"%PDF-1.7\n", "expected pixels; found a PDF document: export the page as PNG.*"),
    "HTML": (b"<!doctype html>", "expected pixels; found a web page: save the picture itself.*"),
    "data URL": (b"data:image/png;base64,iVBO", "expected pixels; found a data URL: decode .*"),
    "array": (array_file(), "expected pixels; found a NumPy array: save it as a picture with .*"),
} | {
    form: (as_bytes(digit(256, "RGB"), form), f"{EXPECTED}another format")
    for form in ("ICNS", "ICO", "TGA", "PCX", "SGI", "DDS", "JPEG2000")
}


@pytest.mark.parametrize("kind", REFUSED)
def test_another_file_is_refused_with_advice(kind: str) -> None:
    content, message = REFUSED[kind]
    with pytest.raises(PictureError) as caught:
        read_picture(io.BytesIO(content))
    assert re.fullmatch(message, str(caught.value)), caught.value


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.png", "cannot read it: No such file or directory"),
        (".", "expected a picture or a folder of pictures; found a folder without pictures"),
        ("https://example.org/7.png", "expected a file; found a URL: save the picture to a file"),
        ("data:image/png;base64," + 9000 * "A", "expected a file; found a URL: save the picture"),
    ],
)
def test_a_path_to_no_file_is_refused_with_advice(name: str, message: str) -> None:
    with pytest.raises(PictureError) as caught:
        read_picture(Path(name))
    assert str(caught.value).startswith(message)


def test_lack_of_memory_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decode, "open_picture", no_memory)
    with pytest.raises(PictureError, match="^not enough memory to decode it$"):
        read_picture(io.BytesIO(PNG))
