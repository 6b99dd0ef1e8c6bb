"""Hostile and unusual pictures get one answer or one error, in bounded memory and time."""

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
from PIL import Image, ImageDraw
from program import COMMAND, make_pipe, posix_only, program, run

from mnistnet.errors import PictureError
from mnistnet.image import decode
from mnistnet.image.digit import read_picture

NAME = "digit.png"
SHIPS = "bundled weights\n"


def digit(side: int = 28, mode: str = "L") -> Image.Image:
    """A 1, dark on light."""
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line([(side // 2, side // 6), (side // 2, side * 5 // 6)], 0, side // 9)
    return picture.convert(mode)


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


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


def bounded(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process limited to 2 GiB and 20 seconds of CPU."""
    if sys.platform != "linux":
        pytest.skip("Linux only: needs a limit of the address space")

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    command = [*COMMAND, *map(str, words)]
    return subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)


# ---- programs inside pictures


def iptc(inner: bytes) -> bytes:
    """An IPTC file, whose content Pillow would open with any of its readers."""

    def field(record: int, dataset: int, value: bytes) -> bytes:
        return bytes([0x1C, record, dataset]) + struct.pack(">H", len(value)) + value

    head = field(3, 60, b"\1\0") + field(3, 20, b"\0\x1c") + field(3, 30, b"\0\x1c")
    return head + field(3, 120, b"\0\5") + field(8, 10, inner) + bytes(5)


@posix_only("the program in place of Ghostscript is a shell script")
@pytest.mark.parametrize("wrap", [bytes, iptc, lambda inner: iptc(iptc(inner))])
def test_postscript_is_never_run_however_it_is_wrapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[bytes], bytes]
) -> None:
    tool = tmp_path / "bin" / "gs"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    Path(NAME).write_bytes(wrap(saved(digit(mode="RGB"), "EPS")))
    done = program("predict", NAME)
    assert done.stderr.startswith(f"{SHIPS}Error: {NAME}: expected ")
    assert (done.stdout, done.exit_code) == ("", 1)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("form", ["ICNS", "ICO", "TGA", "PCX", "SGI", "DDS", "JPEG2000", "PDF"])
def test_rare_formats_are_refused(form: str) -> None:
    Path(NAME).write_bytes(saved(digit(256, "RGB"), form))
    result = run("predict", NAME)
    assert result.stderr.startswith(f"{SHIPS}Error: {NAME}: expected ")
    assert result.exit_code == 1


# ---- files of misleading size


def bmp(side: int, runs: bytes) -> bytes:
    """A BMP with run-length encoded pixels."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + bytes(1024) + runs


def progressive(scans: int) -> bytes:
    content = saved(Image.new("L", (4000, 4000), 128), "JPEG", progressive=True)
    first, end = content.index(b"\xff\xda"), len(content) - 2
    return content[:end] + content[first:end] * scans + content[end:]


def with_exif(size: int) -> bytes:
    """A JPEG whose EXIF, in many segments, has one tag of this size in bytes."""
    exif = b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHII", 0x11A, 4, size // 4 - 50, 50)
    exif += struct.pack("<HHII", 0x128, 4, 100, 50) + bytes(size)
    content = saved(digit(), "JPEG")
    segments = []
    for start in range(0, len(exif), 65_000):
        part = b"Exif\0\0" + exif[start : start + 65_000]
        segments.append(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part)
    return content[:2] + b"".join(segments) + content[20:]


def avif_of(side: int) -> bytes:
    """An AVIF of side x side pixels that claims 28 x 28."""
    content = bytearray(saved(Image.new("RGB", (side, side), 9), "AVIF", speed=10))
    place = content.index(b"ispe") + 8
    content[place : place + 8] = struct.pack(">II", 28, 28)
    return bytes(content)


PNG = saved(digit(), "PNG")
GIF = saved(digit(), "GIF")
FRAME = GIF.index(b",")
TILES = [(322, 4, 1, 40_000), (323, 4, 1, 40_000), (324, 4, 1, 9), (325, 4, 1, 9)]
PIECES = "expected at most 300,000 blocks of data; found more"
SLOW = r"expected at most 250,000 pixels in a \w+ of this encoding; save it as PNG"
ANSWER = ""  # no error
BLANK = "found no digit: .*"
HARMFUL: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG chunks": (lambda: PNG[:33] + chunk(b"abCd", b"") * 400_000 + PNG[33:], PIECES),
    "PNG without end": (lambda: PNG[:33] + chunk(b"IDAT", b"") * 400_000 + PNG[33:], PIECES),
    "PNG text": (
        lambda: PNG[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(10**6))) * 900 + PNG[33:],
        "cannot read it: .*",
    ),
    "JPEG segments": (lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 400_000, PIECES),
    "JPEG scans": (lambda: progressive(12), r"expected at most 16 scans in a JPEG .* found \d+"),
    "JPEG EXIF": (lambda: with_exif(20_000_000), ANSWER),
    "GIF comments": (
        lambda: GIF[:FRAME] + b"!\xfe" + b"\1a" * 400_000 + b"\0" + GIF[FRAME:],
        PIECES,
    ),
    "GIF screen": (
        lambda: GIF[:6] + b"\xff\xff\xff\xff" + GIF[10:],
        "expected at most 64 megapixels; found 65535 x 65535",
    ),
    "BMP runs": (lambda: bmp(8000, b"\1\0" * 400_000), SLOW),
    "BMP deltas": (lambda: bmp(500, b"\0\2\0\0" * 1_900_000), rf"{PIECES}|{BLANK}"),
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
    "TIFF tile": (
        lambda: tiff(*TILES, body=bytes(999)),
        "cannot read it: .*",
    ),
    "WebP canvas": (
        lambda: b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(99),
        "(expected at most 64 megapixels|cannot read it: ).*",
    ),
    "AVIF inside": (lambda: avif_of(5000), rf"{BLANK}|cannot read it: .*|expected at most 64 .*"),
    "too many bytes": (
        lambda: saved(digit(mode="RGB"), "WEBP") + bytes(64_000_000),
        "expected at most 64 megabytes of WebP",
    ),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_hostile_picture_costs_bounded_time_and_memory(kind: str) -> None:
    make, message = HARMFUL[kind]
    Path(NAME).write_bytes(make())
    done = bounded("predict", NAME)
    if message == ANSWER:
        assert (done.stderr, done.returncode) == (SHIPS, 0)
        return
    start = f"{SHIPS}Error: {NAME}: "
    assert done.stderr.startswith(start)
    assert re.fullmatch(rf"({message})\n", done.stderr.removeprefix(start)), done.stderr
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.parametrize("form", ["WEBP", "AVIF", "PNG", "PPM"])
def test_a_sparse_file_of_gigabytes_is_refused(form: str) -> None:
    Path(NAME).write_bytes(saved(digit(mode="RGB"), form))
    os.truncate(NAME, 3 << 30)
    done = bounded("predict", NAME)
    assert done.stderr == f"{SHIPS}Error: {NAME}: expected at most 200 megabytes\n"


def test_lack_of_memory_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decode, "open_picture", no_memory)
    with pytest.raises(PictureError, match="^not enough memory to decode it$"):
        read_picture(io.BytesIO(PNG))


def test_a_pipe_without_a_writer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "PIPE_TIMEOUT", 0.01)
    make_pipe(Path("pipe"))
    with pytest.raises(PictureError, match="^no data came through the pipe in 0.01 seconds$"):
        read_picture(Path("pipe"))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_exif_orientation_is_applied(form: str, orientation: int) -> None:
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    turns[8] = Image.Transpose.ROTATE_270
    seven = Image.new("RGB", (90, 90), "white")
    ImageDraw.Draw(seven).line([(20, 15), (65, 15), (40, 75)], "black", 8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = seven.transpose(turns[orientation]) if orientation > 1 else seven
    upright = read_picture(io.BytesIO(saved(seven, "PNG"))).digits[0].image
    image = read_picture(io.BytesIO(saved(turned, form, exif=exif.tobytes()))).digits[0].image
    assert np.abs(image.astype(int) - upright).mean() < 12


# ---- unusual inputs


def test_a_folder_stands_for_its_pictures_by_name() -> None:
    folder = Path("pictures")
    folder.mkdir()
    for name in ("b.png", "a.jpg", "c.gif"):
        digit(90).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / "inner").mkdir()
    digit(90).save(folder / "inner" / "d.png")
    result = run("predict", folder)
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == [str(folder / name) for name in ("a.jpg", "b.png", "c.gif")]
    assert result.exit_code == 0


def test_only_the_first_of_several_frames_is_read_with_a_note() -> None:
    for form in ("GIF", "TIFF", "WEBP", "PNG"):
        digit(90).save("frames", form, save_all=True, append_images=[Image.new("L", (90, 90), 9)])
        result = run("predict", "frames")
        assert result.stdout.split()[1] == "1"
        note = "frames: it has several pictures; only the first was read\n"
        assert result.stderr == SHIPS + note


def test_levels_of_0_and_1_are_stretched() -> None:
    levels = (np.asarray(digit(60)) < 128).astype(np.uint8)
    Image.fromarray(levels).save(NAME)
    assert run("predict", NAME).stdout.split()[1] == "1"
    Image.fromarray(np.stack([levels] * 3, axis=-1)).save(NAME)
    assert run("predict", NAME).stdout.split()[1] == "1"


def test_pale_ink_on_an_opaque_background_with_alpha_is_read() -> None:
    for alpha in (255, 200):
        picture = Image.new("RGBA", (90, 90), (255, 255, 255, alpha))
        ImageDraw.Draw(picture).line([(45, 15), (45, 75)], (215, 215, 215, alpha), 9)
        picture.save(NAME)
        assert run("predict", NAME).stdout.split()[1] == "1"


ADVICE = {
    b"<?xml version='1.0'?><svg/>": "found an SVG drawing: export it as PNG",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>": "found an SVG drawing: export it as PNG",
    b"%PDF-1.7\n": "found a PDF document: export the page as PNG",
    b"<!doctype html><html>": "found a web page: save the picture itself",
    b"data:image/png;base64,iVBO": "found a data URL: decode it to a file",
}


@pytest.mark.parametrize("content", ADVICE)
def test_the_error_for_another_format_gives_advice(content: bytes) -> None:
    Path(NAME).write_bytes(content)
    assert ADVICE[content] in run("predict", NAME).stderr


def test_an_array_and_urls_get_advice() -> None:
    np.save("digit.npy", np.zeros((28, 28)))
    assert "found a NumPy array: save it as a picture" in run("predict", "digit.npy").stderr
    for name in ("https://example.org/digit.png", "data:image/png;base64," + 9000 * "A"):
        message = "expected a file; found a URL: save the picture to a file first"
        assert run("predict", name).stderr == f"{SHIPS}Error: {name}: {message}\n"


def test_heic_is_read_or_the_error_names_the_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(digit(200, "RGB")).save("one.heic")
    assert run("predict", "one.heic").stdout.split()[1] == "1"
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    error = run("predict", "one.heic").stderr
    assert "reading HEIC needs pillow_heif" in error
    assert "or export the picture as JPEG" in error
