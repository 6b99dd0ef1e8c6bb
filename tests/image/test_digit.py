"""Any picture of a digit, in every supported file format, colour mode and orientation, becomes the
image that MNIST would have of it; any other is an error."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from changes import saved
from PIL import Image, ImageDraw
from program import make_pipe, run

from mnistnet.data import mnist
from mnistnet.errors import PictureError
from mnistnet.image import decode
from mnistnet.image.digit import Picture, find_digits, read_picture

POINTS = [(90, 60), (200, 60), (130, 240)]  # in a picture of 300 x 300


def seven(
    ink: Any = "black", paper: Any = "white", mode: str = "RGB", width: int = 24, side: int = 300
) -> Image.Image:
    picture = Image.new(mode, (side, side), paper)
    points = [(x * side / 300, y * side / 300) for x, y in POINTS]
    ImageDraw.Draw(picture).line(points, fill=ink, width=width, joint="curve")
    return picture


def read(picture: Image.Image, form: str = "PNG", **options: Any) -> Picture:
    return read_picture(saved(picture, form, **options).getvalue())


def assert_is_the_seven(picture: Picture, tolerance: float = 4) -> None:
    """The mean difference per pixel from the plain seven, out of 255, is below the tolerance if
    rounding may shift the image by a pixel."""
    (digit,), (plain,) = picture.digits, read(seven()).digits
    image, expected = (each.image.astype(int).reshape(28, 28) for each in (digit, plain))
    moved = (np.roll(image, (down - 1, right - 1), (0, 1)) for down, right in np.ndindex(3, 3))
    assert min(np.abs(one - expected).mean() for one in moved) < tolerance


def lit(picture: Image.Image) -> int:
    """The number of pixels of the image that are mostly ink."""
    return int((read(picture).digits[0].image > 127).sum())


def test_the_image_is_normalised_as_mnists_are() -> None:
    picture = read(seven())
    (digit,) = picture.digits
    assert (digit.image.dtype, digit.image.shape) == (np.uint8, (784,))
    places = np.argwhere(digit.image.reshape(28, 28))
    assert np.ptp(places, axis=0).tolist() == [19, 11]  # the longer side is 20 pixels
    barycentre = (np.indices((28, 28)) + 0.5).reshape(2, -1) @ digit.image / digit.image.sum()
    assert barycentre == pytest.approx([14.5, 14.5], abs=0.51)
    assert digit.image.max() == 255
    assert digit.box == pytest.approx((90, 48, 212, 245), abs=2)
    assert digit.flaws == ()
    assert (picture.inverted, picture.as_is) == (True, False)


def within_a_border(colour: str) -> Image.Image:
    picture = Image.new("RGB", (400, 400), colour)
    picture.paste(seven("#303030", "#b4b0a8"), (50, 50))
    return picture


def test_everything_but_the_digit_is_ignored() -> None:
    """Other changes are in tests/changes.py."""
    lines = seven()
    ImageDraw.Draw(lines).line([(0, 290), (299, 285)], fill="black", width=6)
    ImageDraw.Draw(lines).rectangle([292, 0, 299, 299], fill="#606060")
    for picture in (lines, within_a_border("white"), within_a_border("#201810")):
        assert_is_the_seven(read(picture, "JPEG", quality=90), tolerance=9)


def test_strokes_have_the_thickness_of_mnists() -> None:
    assert lit(seven(width=75)) < 1.45 * lit(seven(width=40))  # 1.57 times without thinning
    for side, width in ((300, 1), (1200, 1), (2600, 2)):
        assert 40 < lit(seven(width=width, side=side)) < 60  # 30 without thickening


def test_an_image_normalised_as_mnists_is_unchanged() -> None:
    image = read(seven()).digits[0].image.reshape(28, 28)
    for mode in ("L", "RGB", "RGBA"):
        picture = read(Image.fromarray(image).convert(mode))
        assert np.array_equal(picture.digits[0].image, image.ravel())
        assert (picture.inverted, picture.as_is) == (False, True)
    assert not read(Image.fromarray(np.roll(image, 3, axis=1))).as_is


def test_mnists_images_are_unchanged(real_mnist: Path) -> None:
    images = mnist.load(real_mnist, "test").images[:1000]
    pictures = [find_digits(i.reshape(28, 28, 1).astype(np.float32)) for i in images]
    assert np.mean([picture.as_is for picture in pictures]) > 0.99


def test_a_blank_picture_is_an_error() -> None:
    plain = [("RGB", (200, 200), "white"), ("L", (1, 1), 7), ("L", (3000, 2), 255)]
    plain += [("RGBA", (50, 50), "#12345600")]
    for picture in (*(Image.new(*each) for each in plain), Image.linear_gradient("L")):
        with pytest.raises(PictureError, match="^found no digit: "):
            read(picture)


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
