"""Every supported file format, colour mode and orientation gives the same upright digit."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changes import saved
from PIL import Image
from program import make_pipe, run
from seven import assert_is_the_seven, read, seven

from mnistnet.errors import PictureError
from mnistnet.image import decode
from mnistnet.image.digit import read_picture

SHIPS = "bundled weights\n"


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "JPEG", "WEBP", "AVIF", "PPM"])
@pytest.mark.parametrize("inverted", [False, True])
def test_ink_becomes_light_on_dark_in_every_format(form: str, inverted: bool) -> None:
    picture = read(seven("black", "white") if inverted else seven("white", "black"), form)
    assert picture.inverted == inverted
    assert_is_the_seven(picture)


@pytest.mark.parametrize(
    ("mode", "ink", "paper"),
    [
        ("1", 0, 1),
        ("L", 255, 0),
        ("L", 120, 150),  # 30 of 255 apart
        ("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)),
        ("RGB", "red", "blue"),
        ("RGB", "yellow", "white"),
        ("RGB", (200, 60, 60), (60, 128, 60)),  # equally light
        ("LA", (0, 255), (0, 0)),
        ("RGBA", "black", "#00000000"),
        ("RGBA", "white", "#ffffff00"),
        ("RGBA", (250, 240, 0, 255), "#00000000"),
        ("RGBA", "black", "white"),
        ("RGBA", (241, 241, 241, 255), "white"),  # pale
    ],
)
def test_any_ink_on_any_paper_is_read(mode: str, ink: Any, paper: Any) -> None:
    assert_is_the_seven(read(seven(ink, paper, mode), "TIFF"))


def test_palettes_are_read_with_and_without_transparency() -> None:
    assert_is_the_seven(read(seven("navy", "pink").quantize(4)))
    assert_is_the_seven(read(seven("black", "#00000000", "RGBA"), "GIF"))


def test_a_patch_on_a_transparent_canvas_has_its_own_background() -> None:
    canvas = Image.new("RGBA", (700, 500), "#00000000")
    canvas.paste(seven("darkred", "orange"), (350, 150))
    canvas.putpixel((3, 4), (0, 0, 0, 255))
    picture = read(canvas)
    assert_is_the_seven(picture)
    assert picture.digits[0].box[0] > 400


@pytest.mark.parametrize("inverted", [False, True])
def test_grey_of_16_and_32_bits_keeps_its_levels(inverted: bool) -> None:
    levels = np.asarray(seven("black", "white", "L"), np.float64) / 255
    levels = 1 - levels if inverted else levels
    for array in ((levels * 51_400).astype(np.uint16), levels.astype(np.float32)):
        picture = read(Image.fromarray(array), "TIFF")
        assert picture.inverted != inverted
        assert_is_the_seven(picture)


@pytest.mark.parametrize(("top", "mode"), [(1, "L"), (1, "RGB"), (15, "L"), (16, "L")])
def test_few_grey_levels_are_stretched(top: int, mode: str) -> None:
    levels = np.asarray(seven("white", "black", mode)).astype(int)
    picture = read(Image.fromarray((levels * top // 255).astype(np.uint8)))
    assert_is_the_seven(picture)
    assert picture.digits[0].flaws == ()  # not even "low contrast"


def test_infinite_and_undefined_levels_are_tolerated() -> None:
    levels = np.asarray(seven("black", "white", "L"), np.float32) / 255
    levels[5, 5], levels[6, 6], levels[7, 7], levels[150, 150] = np.nan, np.inf, 1e9, -np.inf
    assert_is_the_seven(read(Image.fromarray(levels), "TIFF"))
    with pytest.raises(PictureError, match="^found no digit: no pixel has a finite value$"):
        read(Image.fromarray(np.full((9, 9), np.nan, np.float32)), "TIFF")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_exif_orientation_is_applied(form: str, orientation: int) -> None:
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    turns[8] = Image.Transpose.ROTATE_270
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = seven().transpose(turns[orientation]) if orientation > 1 else seven()
    assert_is_the_seven(read(turned, form, exif=exif.tobytes()))


@pytest.mark.parametrize("exif", [b"garbage", b"II*\0\x08\0\0\0\xff\xff", b""])
def test_damaged_exif_is_ignored(exif: bytes) -> None:
    assert_is_the_seven(read(seven(), "PNG", exif=exif))


def test_large_tags_of_other_programs_are_tolerated() -> None:
    assert_is_the_seven(read(seven(), "TIFF", tiffinfo={37724: bytes(3_000_000)}))


@pytest.mark.parametrize(
    ("size", "factor"), [((1000, 100), 1), ((320, 320), 1), ((321, 320), 2), ((60, 9000), 3)]
)
def test_a_long_strip_keeps_its_resolution(size: tuple[int, int], factor: int) -> None:
    """A row of twelve digits would be 15 pixels high if its longer side were 320."""
    decoded = decode.read_pixels(saved(Image.new("L", size, 255)))
    assert decoded.factor == pytest.approx(factor, abs=0.01)
    assert decoded.pixels.shape[:2] == tuple(-(-side // factor) for side in reversed(size))


def test_the_box_in_a_huge_photograph_is_in_its_own_pixels() -> None:
    picture = read(seven(side=6000, width=480), "JPEG")
    assert_is_the_seven(picture)
    assert picture.digits[0].box == pytest.approx((1800, 970, 4240, 4890), abs=40)


def test_only_the_first_of_several_frames_is_read_with_a_note() -> None:
    for form in ("GIF", "TIFF", "WEBP", "PNG"):
        seven().save("frames", form, save_all=True, append_images=[Image.new("RGB", (300, 300))])
        result = run("predict", "frames")
        assert result.stdout.split()[1] == "7"
        note = "frames: it has several pictures; only the first was read\n"
        assert result.stderr == SHIPS + note


def test_a_folder_stands_for_its_pictures_which_their_content_tells() -> None:
    inner = Path("pictures", "inner")
    inner.mkdir(parents=True)
    for name, form in (("b.png", "PNG"), ("a.txt", "JPEG"), ("inner/d.png", "PNG")):
        seven().save(inner.parent / name, form)
    Path("pictures", "c.png").write_text("no picture")
    result = run("predict", "pictures")
    words = [line.split()[:2] for line in result.stdout.splitlines()]
    assert words == [[str(inner.parent / name), "7"] for name in ("a.txt", "b.png")]
    assert result.exit_code == 0


def test_heic_is_read_or_the_error_names_the_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(seven()).save("seven.heic")
    assert_is_the_seven(read_picture(Path("seven.heic")))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match="^reading HEIC needs pillow_heif: .* as JPEG$"):
        read_picture(Path("seven.heic"))


def test_a_pipe_is_read_to_its_end_or_refused_if_it_is_slow_or_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipe = Path("pipe")
    make_pipe(pipe)
    content = saved(seven()).getvalue()

    def write(*pieces: bytes) -> None:
        with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as stream:
            for piece in pieces:
                stream.write(piece)

    with ThreadPoolExecutor() as pool:
        pool.submit(write, content[:50], content[50:])
        assert_is_the_seven(read_picture(pipe))
    monkeypatch.setattr(decode, "MAX_BYTES", 5_000_000)
    with ThreadPoolExecutor() as pool, pytest.raises(PictureError) as caught:
        pool.submit(write, *[bytes(1_000_000)] * 100)
        read_picture(pipe)
    assert str(caught.value) == "expected at most 5 megabytes"
    monkeypatch.setattr(decode, "PIPE_TIMEOUT", 0.01)
    with pytest.raises(PictureError, match="^no data came through the pipe in 0.01 seconds$"):
        read_picture(pipe)
