"""Every supported file format, colour mode and orientation gives the same upright digit."""

import sys
from concurrent.futures import ThreadPoolExecutor
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

FORMS = ("PNG", "BMP", "GIF", "TIFF", "JPEG", "WEBP", "AVIF", "PPM")
INKS = [  # mode, ink, paper
    ("1", 0, 1),
    ("L", 255, 0),
    ("L", 120, 150),  # 30 of 255 apart
    ("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)),
    ("RGB", "red", "blue"),
    ("RGB", (200, 60, 60), (60, 128, 60)),  # equally light
    ("LA", (0, 255), (0, 0)),
    ("RGBA", "black", "#00000000"),
    ("RGBA", (250, 240, 0, 255), "#00000000"),
    ("RGBA", (241, 241, 241, 255), "white"),  # pale
]


def grey(dtype: Any, top: float, ink: str = "white", paper: str = "black") -> Image.Image:
    """The seven in levels from 0 to top."""
    levels = np.asarray(seven(ink, paper, "L")) / 255
    return Image.fromarray((levels * top).astype(dtype))


def on_a_transparent_canvas() -> Image.Image:
    canvas = Image.new("RGBA", (700, 500), "#00000000")
    canvas.paste(seven("darkred", "orange"), (350, 150))
    canvas.putpixel((3, 4), (0, 0, 0, 255))
    return canvas


PICTURES: dict[str, tuple[Image.Image, str]] = {
    **{form: (seven(), form) for form in FORMS},
    "light": (seven("white", "black"), "PNG"),
    **{f"{ink} on {paper}, {mode}": (seven(ink, paper, mode), "TIFF") for mode, ink, paper in INKS},
    "palette": (seven("navy", "pink").quantize(4), "PNG"),
    "transparent palette": (seven("black", "#00000000", "RGBA"), "GIF"),
    "patch on a transparent canvas": (on_a_transparent_canvas(), "PNG"),
    "light 16 bits": (grey(np.uint16, 51_400), "TIFF"),
    "16 bits": (grey(np.uint16, 51_400, "black", "white"), "TIFF"),
    "32 bits": (grey(np.float32, 1), "TIFF"),
    "levels 0 and 1": (grey(np.uint8, 1), "PNG"),
    "levels 0 to 16": (grey(np.uint8, 16), "PNG"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_the_digit_is_the_same_in_any_format_mode_and_colours(kind: str) -> None:
    picture = read(*PICTURES[kind])
    assert_is_the_seven(picture)
    if "levels" in kind:
        assert picture.digits[0].flaws == ()  # not even "low contrast"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_exif_orientation_is_applied(form: str) -> None:
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    for orientation, turn in (turns | {8: Image.Transpose.ROTATE_270}).items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        assert_is_the_seven(read(seven().transpose(turn), form, exif=exif.tobytes()))


def test_damaged_exif_and_a_large_tag_of_another_program_are_ignored() -> None:
    assert_is_the_seven(read(seven(), "PNG", exif=b"II*\0\x08\0\0\0\xff\xff"))
    assert_is_the_seven(read(seven(), "TIFF", tiffinfo={37724: bytes(3_000_000)}))


def test_a_long_strip_keeps_its_resolution() -> None:
    """A row of twelve digits would be 15 pixels high if its longer side were 320."""
    for size, factor in {(1000, 100): 1, (320, 320): 1, (321, 320): 2, (60, 9000): 3}.items():
        pixels, found, _ = decode.read_pixels(saved(Image.new("L", size, 255)).getvalue())
        assert found == pytest.approx(factor, abs=0.01)
        assert pixels.shape[:2] == tuple(-(-side // factor) for side in reversed(size))


def test_the_box_in_a_huge_photograph_is_in_its_own_pixels() -> None:
    picture = read(seven(side=6000, width=480), "JPEG")
    assert_is_the_seven(picture)
    assert picture.digits[0].box == pytest.approx((1800, 970, 4240, 4890), abs=40)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_small_digit_in_a_huge_photograph_is_read_from_its_own_pixels(
    form: str, orientation: int
) -> None:
    page, small = Image.new("L", (4000, 3000), 255), seven(side=120, width=10, mode="L")
    page.paste(small, (2500, 700))
    turns = {1: page, 6: page.transpose(Image.Transpose.ROTATE_90)}
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read(turns[orientation], form, exif=exif.tobytes())
    (digit,), (alone,) = picture.digits, read(small).digits
    assert np.abs(digit.image.astype(int) - alone.image).mean() < 3
    assert digit.box == pytest.approx((2536, 720, 2586, 798), abs=1)


def test_only_the_first_of_several_frames_is_read_with_a_note() -> None:
    seven().save("frames", "GIF", save_all=True, append_images=[Image.new("RGB", (300, 300))])
    result = run("predict", "frames")
    assert result.stdout.split()[1] == "7"
    assert result.stderr.endswith("\nframes: it has several pictures; only the first was read\n")


def test_a_folder_stands_for_its_pictures_which_their_content_tells() -> None:
    inner = Path("pictures", "inner")
    inner.mkdir(parents=True)
    for name, form in (("b.png", "PNG"), ("a.txt", "JPEG"), ("inner/d.png", "PNG")):
        seven().save(inner.parent / name, form)
    Path("pictures", "c.png").write_text("no picture")
    result = run("predict", "pictures")
    words = [line.split()[:2] for line in result.stdout.splitlines()]
    assert words == [[str(inner.parent / name), "7"] for name in ("a.txt", "b.png")]


def test_heic_is_read_or_the_error_names_the_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(seven()).save("seven.heic")
    assert_is_the_seven(read_picture(Path("seven.heic")))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match="^reading HEIC needs pillow_heif: .* as JPEG$"):
        read_picture(Path("seven.heic"))


def test_a_pipe_is_read_to_its_end() -> None:
    make_pipe(Path("pipe"))
    with ThreadPoolExecutor() as pool:
        pool.submit(Path("pipe").write_bytes, saved(seven()).getvalue())
        assert_is_the_seven(read_picture(Path("pipe")))
