"""Hostile pictures get one answer or one error, in bounded memory and time; others are refused."""

import os
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from changes import saved
from PIL import Image, ImageDraw
from program import COMMAND

from mnistnet.errors import PictureError
from mnistnet.image.digit import read_picture


def digit(side: int = 28, mode: str = "L") -> Image.Image:
    """A 1, dark on light."""
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line([(side // 2, side // 6), (side // 2, side * 5 // 6)], 0, side // 9)
    return picture.convert(mode)


def as_bytes(picture: Image.Image, form: str, **options: object) -> bytes:
    return saved(picture, form, **options).getvalue()


PNG, GIF, JPEG = (as_bytes(digit(), form) for form in ("PNG", "GIF", "JPEG"))


def with_chunks(*chunks: tuple[bytes, bytes], times: int = 1) -> bytes:
    """A PNG with more chunks: name and data."""
    made = b""
    for kind, data in chunks:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        made += struct.pack(">I", len(data)) + kind + data + crc
    return PNG[:33] + made * times + PNG[33:]


def huge_png(side: int) -> bytes:
    """A PNG that declares side x side pixels but has fewer."""
    content = bytearray(PNG)
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def with_exif(size: int, part: int) -> bytes:
    """A JPEG whose EXIF, in segments of these parts, has one tag of this size in bytes."""
    exif = b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHII", 0x11A, 4, size // 4 - 50, 50)
    exif += struct.pack("<HHII", 0x128, 4, 100, 50) + bytes(size)
    segments = []
    for start in range(0, len(exif), part):
        data = b"Exif\0\0" + exif[start : start + part]
        segments.append(b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data)
    return JPEG[:2] + b"".join(segments) + JPEG[20:]


def progressive(scans: int) -> bytes:
    content = as_bytes(Image.new("L", (4000, 4000), 128), "JPEG", progressive=True)
    first, end = content.index(b"\xff\xda"), len(content) - 2
    return content[:end] + content[first:end] * scans + content[end:]


def with_comment(blocks: bytes) -> bytes:
    """A GIF with a comment in these blocks."""
    frame = GIF.index(b",")
    return GIF[:frame] + b"!\xfe" + blocks + b"\0" + GIF[frame:]


def bmp(side: int, runs: bytes) -> bytes:
    """A BMP with run-length encoded pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + bytes(1024) + runs


def tiff(*more: tuple[int, int, int, int], body: bytes = b"", side: int = 28) -> bytes:
    """An uncompressed TIFF with pixels from body, and more tags: number, type, count, value."""
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(277, 3, 1, 1), *more]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4) + body


def avif_of(side: int) -> bytes:
    """An AVIF of side x side pixels that claims 28 x 28."""
    content = bytearray(as_bytes(Image.new("RGB", (side, side), 9), "AVIF", speed=10))
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", 28, 28)
    return bytes(content)


WEBP = b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(99)
BLOCKS = "expected fewer or smaller blocks of data: save it as PNG"
SIZE = "expected at most 64 megapixels, or fewer in a JPEG of many scans; found"
LISTS = "expected at most 200,000 strips; found"
BROKEN = "cannot read it: .*"
BLANK = "found no digit: .*"
ANSWER = ""  # no error
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG chunks": (lambda: with_chunks((b"abCd", b""), times=400_000), BLOCKS),
    "PNG text": (
        lambda: with_chunks((b"zTXt", b"k\0\0" + zlib.compress(bytes(10**6))), times=900),
        BROKEN,
    ),
    "PNG profiles": (
        lambda: with_chunks((b"iCCP", b"k\0\0" + zlib.compress(bytes(10**6))), times=900),
        "expected at most 100 colour profiles",
    ),
    "PNG EXIF": (
        lambda: with_chunks(
            (b"eXIf", tiff(*[(t, 7, 9_000_000, 8) for t in range(999, 9999)], body=bytes(10**7)))
        ),
        ANSWER,
    ),
    "PNG size": (lambda: huge_png(100_000), f"{SIZE} 100000 x 100000"),
    "JPEG segments": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 400_000, BLOCKS),
    "JPEG scans": (lambda: progressive(12), f"{SIZE} 4000 x 4000"),
    "JPEG EXIF": (lambda: with_exif(20_000_000, 65_000), ANSWER),
    "JPEG EXIFs": (lambda: with_exif(40_000_000, 600), ANSWER),
    "GIF comment": (lambda: with_comment((b"\xff" + bytes(255)) * 200_000), BLOCKS),
    "GIF screen": (lambda: GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:], f"{SIZE} 65535 x 65535"),
    "BMP runs": (lambda: bmp(8000, b"\1\0" * 400_000), BLOCKS),
    "PPM depth": (lambda: b"P6\n2000 2000 100\n" + bytes(12_000_000), BLOCKS),
    "TIFF strips": (
        lambda: tiff((273, 4, 2_000_000, 0), (279, 4, 2_000_000, 0), body=bytes(8_000_000)),
        f"{LISTS} 2,000,000",
    ),
    "TIFF list": (
        lambda: tiff((700, 4, 9_000_000, 8), (273, 4, 1, 300), body=bytes(36_000_000)),
        f"{LISTS} 9,000,000",
    ),
    "TIFF tags": (
        lambda: tiff(
            *[(tag, 7, 36_000_000, 10) for tag in range(40_000, 50_000)],
            (273, 4, 1, 130_000),
            (279, 4, 1, 784),
            body=bytes(40_000_000),
        ),
        f"{BLANK}|{BLOCKS}",
    ),
    "WebP canvas": (lambda: WEBP, f"{SIZE}.*|{BROKEN}"),
    "AVIF inside": (lambda: avif_of(5000), f"{BLANK}|{BROKEN}|{SIZE} .*"),
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


# ---- files that are no supported picture

OTHER = "another format: save it as PNG"
REFUSED = {
    "empty": (b"", "an empty file"),
    "SVG": (b"<svg xmlns='...'/>", OTHER),
    "text PPM": (b"P3\n1 1 255\n0 0 0\n", OTHER),
    # EPS would be read by running Ghostscript, and ICNS and ICO by any other reader
    **{form: (as_bytes(digit(256, "RGB"), form), OTHER) for form in ("EPS", "ICNS", "ICO", "TGA")},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_of_another_format_is_refused(kind: str) -> None:
    content, found = REFUSED[kind]
    expected = "expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM; found"
    with pytest.raises(PictureError, match=f"^{expected} {found}$"):
        read_picture(content)


@pytest.mark.parametrize("form", ["BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP", "AVIF", "PPM"])
def test_a_truncated_picture_is_an_error(form: str) -> None:
    content = as_bytes(digit(300), form)
    for kept in (0.5, 0.9):
        with pytest.raises(PictureError, match="^cannot read it: "):
            read_picture(content[: int(kept * len(content))])
