"""Any picture of a digit becomes the image that MNIST would have of it; any other is an error."""

import io
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter
from program import make_pipe

from mnistnet.data import mnist
from mnistnet.errors import PictureError
from mnistnet.image import decode
from mnistnet.image.digit import Picture, find_digits, read_picture
from mnistnet.image.ink import find_ink

SEVEN = [(90, 60), (200, 60), (130, 240)]  # in a picture of 300 x 300


def seven(
    ink: Any = "black", paper: Any = "white", mode: str = "RGB", width: int = 24, side: int = 300
) -> Image.Image:
    picture = Image.new(mode, (side, side), paper)
    points = [(x * side / 300, y * side / 300) for x, y in SEVEN]
    ImageDraw.Draw(picture).line(points, fill=ink, width=width, joint="curve")
    return picture


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> io.BytesIO:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    stream.seek(0)
    return stream


class Read(NamedTuple):
    """A picture with one digit, as read."""

    image: np.ndarray
    box: tuple[int, int, int, int]
    inverted: bool
    as_is: bool


def only(picture: Picture) -> Read:
    (digit,) = picture.digits
    return Read(digit.image, digit.box, picture.inverted, picture.as_is)


def read(picture: Image.Image, form: str = "PNG", **options: Any) -> Read:
    return only(read_picture(saved(picture, form, **options)))


def barycentre(image: np.ndarray) -> np.ndarray:
    square = image.reshape(28, 28).astype(float)
    return (np.indices((28, 28)) + 0.5).reshape(2, -1) @ square.ravel() / square.sum()


def assert_is_the_seven(result: Read, tolerance: float = 4) -> None:
    """The mean difference per pixel from the plain seven, out of 255, is below the tolerance if
    rounding may shift the image by a pixel."""
    expected = read(seven()).image.astype(int).reshape(28, 28)
    image = result.image.reshape(28, 28)
    moved = (np.roll(image, by, (0, 1)) for by in np.ndindex(3, 3))
    differences = [np.abs(np.roll(one, (-1, -1), (0, 1)) - expected).mean() for one in moved]
    assert min(differences) < tolerance


def test_the_image_is_normalised_as_mnists_are() -> None:
    result = read(seven())
    assert (result.image.dtype, result.image.shape) == (np.uint8, (784,))
    lit = np.argwhere(result.image.reshape(28, 28))
    assert np.ptp(lit, axis=0).tolist() == [19, 11]  # the longer side is 20 pixels
    assert barycentre(result.image) == pytest.approx([14.5, 14.5], abs=0.51)
    assert result.image.max() == 255
    assert (result.inverted, result.as_is) == (True, False)
    left, top, right, bottom = result.box
    assert (left, top, right, bottom) == pytest.approx((90, 48, 212, 245), abs=2)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("inverted", [False, True])
def test_ink_becomes_light_on_dark_in_every_format(form: str, inverted: bool) -> None:
    result = read(seven("black", "white") if inverted else seven("white", "black"), form)
    assert result.inverted == inverted
    assert_is_the_seven(result)


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
    result = read(canvas)
    assert_is_the_seven(result)
    assert result.box[0] > 400


@pytest.mark.parametrize("inverted", [False, True])
def test_grey_of_16_and_32_bits_keeps_its_levels(inverted: bool) -> None:
    levels = np.asarray(seven("black", "white", "L"), np.float64) / 255
    levels = 1 - levels if inverted else levels
    for array in ((levels * 51_400).astype(np.uint16), levels.astype(np.float32)):
        result = read(Image.fromarray(array), "TIFF")
        assert result.inverted != inverted
        assert_is_the_seven(result)


def with_lines_at_the_frame() -> Image.Image:
    picture = seven()
    ImageDraw.Draw(picture).line([(0, 290), (299, 285)], fill="black", width=6)
    ImageDraw.Draw(picture).rectangle([292, 0, 299, 299], fill="#606060")
    return picture


def tiny_in_a_corner() -> Image.Image:
    picture = Image.new("RGB", (1500, 1100), "white")
    picture.paste(seven(side=150, width=12), (1300, 30))
    return picture


def blurred() -> Image.Image:
    return seven().filter(ImageFilter.GaussianBlur(3))


def on_paper_with_dark_squares() -> Image.Image:
    picture = seven("#101010", "#f4f4f4")
    for at in range(15, 300, 42):
        ImageDraw.Draw(picture).line([(0, at), (299, at)], fill="#6e6e6e", width=2)
        ImageDraw.Draw(picture).line([(at, 0), (at, 299)], fill="#6e6e6e", width=2)
    return picture


def within_a_white_border() -> Image.Image:
    picture = Image.new("RGB", (400, 400), "white")
    picture.paste(seven("#303030", "#b4b0a8"), (50, 50))
    return picture


def on_a_dark_desk() -> Image.Image:
    picture = Image.new("RGB", (400, 400), "#201810")
    picture.paste(seven("#303030", "#d8d4cc"), (50, 50))
    return picture


def above_a_short_line() -> Image.Image:
    picture = seven(side=240).crop((0, -40, 300, 300))
    ImageDraw.Draw(picture).rectangle([0, 0, 299, 40], fill="white")
    ImageDraw.Draw(picture).rectangle([240, 0, 299, 339], fill="white")
    ImageDraw.Draw(picture).line([(20, 330), (280, 330)], fill="black", width=6)
    return picture


def at_the_frame() -> Image.Image:
    return seven().crop((60, 48, 230, 246))


KINDS: list[Callable[[], Image.Image]] = [
    with_lines_at_the_frame,
    tiny_in_a_corner,
    blurred,
    on_paper_with_dark_squares,
    within_a_white_border,
    on_a_dark_desk,
    above_a_short_line,
    at_the_frame,
]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_everything_but_the_digit_is_ignored(make: Callable[[], Image.Image]) -> None:
    """Other changes are in tests/changes.py."""
    assert_is_the_seven(read(make(), "JPEG", quality=90), tolerance=9)


@pytest.mark.parametrize("quarters", range(4))
def test_a_bar_along_one_side_of_a_crop_is_no_border(quarters: int) -> None:
    """A 7 cropped to its ink: its bar is as wide as the picture, and its stem touches the bar."""
    canvas = Image.new("L", (100, 200))
    ImageDraw.Draw(canvas).rectangle([0, 0, 100, 20], 255)
    ImageDraw.Draw(canvas).polygon([(75, 0), (100, 0), (25, 200), (0, 200)], 255)
    turned = np.rot90(np.asarray(canvas), quarters)
    found = find_ink(turned[..., None].astype(np.float32))
    assert found.corner == (0, 0)
    assert found.amount.shape == turned.shape


def test_strokes_thicker_than_any_in_mnist_are_thinned() -> None:
    lit = [(read(seven(width=width, side=300)).image > 127).sum() for width in (40, 75)]
    assert lit[1] < 1.45 * lit[0]  # 1.57 times without


def test_thin_strokes_are_thickened() -> None:
    for side, width in ((300, 1), (1200, 1), (2600, 2)):
        lit = (read(seven(width=width, side=side)).image > 127).sum()
        assert 40 < lit < 60  # 30 without thickening, and those not fully


@pytest.mark.parametrize("exif", [b"garbage", b"II*\0\x08\0\0\0\xff\xff", b""])
def test_damaged_exif_is_ignored(exif: bytes) -> None:
    assert_is_the_seven(read(seven(), "PNG", exif=exif))


@pytest.mark.parametrize("top", [1, 15, 16])
def test_few_grey_levels_are_stretched(top: int) -> None:
    levels = np.asarray(seven("white", "black", "L")).astype(int)
    assert_is_the_seven(read(Image.fromarray((levels * top // 255).astype(np.uint8))))


def test_infinite_and_undefined_levels_are_tolerated() -> None:
    levels = np.asarray(seven("black", "white", "L"), np.float32) / 255
    levels[5, 5], levels[6, 6], levels[7, 7], levels[150, 150] = np.nan, np.inf, 1e9, -np.inf
    assert_is_the_seven(read(Image.fromarray(levels), "TIFF"))


@pytest.mark.parametrize(
    ("size", "factor"), [((1000, 100), 1), ((320, 320), 1), ((321, 320), 2), ((60, 9000), 3)]
)
def test_a_long_strip_keeps_its_resolution(size: tuple[int, int], factor: int) -> None:
    """A row of twelve digits would be 15 pixels high if its longer side were 320."""
    stream = io.BytesIO()
    Image.new("L", size, 255).save(stream, "PNG")
    stream.seek(0)
    decoded = decode.read_pixels(stream)
    assert decoded.factor == pytest.approx(factor, abs=0.01)
    assert decoded.pixels.shape[:2] == tuple(-(-side // factor) for side in reversed(size))


def test_the_box_in_a_huge_photograph_is_in_its_own_pixels() -> None:
    result = read(seven(side=6000, width=480), "JPEG")
    assert_is_the_seven(result)
    assert result.box == pytest.approx((1800, 970, 4240, 4890), abs=40)


def test_an_image_normalised_as_mnists_is_unchanged() -> None:
    image = read(seven()).image
    for mode in ("L", "RGB", "RGBA"):
        result = read(Image.fromarray(image.reshape(28, 28)).convert(mode))
        assert result.image.tolist() == image.tolist()
        assert (result.inverted, result.as_is) == (False, True)
    off_centre = np.roll(image.reshape(28, 28), 3, axis=1)
    assert not read(Image.fromarray(off_centre)).as_is


def test_mnists_images_are_unchanged(real_mnist: Path) -> None:
    images = mnist.load(real_mnist, "test").images[:2000]
    results = [only(find_digits(i.reshape(28, 28, 1).astype(np.float32))) for i in images]
    assert np.mean([result.as_is for result in results]) > 0.99
    for image, result in zip(images, results, strict=True):
        if result.as_is:
            assert np.array_equal(result.image, image)


def test_the_format_is_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "digit.txt"
    path.write_bytes(saved(seven()).getvalue())
    assert_is_the_seven(only(read_picture(path)))


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (200, 200), "white"),
        Image.new("L", (1, 1), 7),
        Image.new("L", (3000, 2), 255),
        Image.new("RGBA", (50, 50), "#12345600"),
        Image.linear_gradient("L"),
    ],
    ids=["blank", "one pixel", "strip", "transparent", "gradient"],
)
def test_a_blank_picture_is_an_error(picture: Image.Image) -> None:
    with pytest.raises(PictureError, match="^found no digit: "):
        read(picture)


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.randoms())
def test_any_pixels_give_an_image_or_an_error(h: int, w: int, colours: int, random: Any) -> None:
    rng = np.random.default_rng(random.getrandbits(32))
    pixels = rng.integers(0, 256, (h, w, colours)) * (rng.random((h, w, 1)) < random.random())
    try:
        result = find_digits(pixels.astype(np.float32))
    except PictureError:
        return
    for digit in result.digits:
        assert (digit.image.dtype, digit.image.shape) == (np.uint8, (784,))
        assert digit.image.max() > 0
        left, top, right, bottom = digit.box
        assert 0 <= left < right <= w
        assert 0 <= top < bottom <= h
    assert result.digits


def huge(side: int) -> bytes:
    """Return a PNG that declares side x side pixels but has only one."""
    content = bytearray(saved(Image.new("L", (1, 1))).getvalue())
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


BAD = {
    "empty": (b"", "^expected a picture: PNG, .* or PPM; found an empty file$"),
    "text": (b"seven", "^expected a picture: PNG, .* or PPM; found another format$"),
    "truncated": (saved(seven(), "JPEG").getvalue()[:-200], "^cannot read it: .*truncated"),
    "a program": (
        saved(seven(), "EPS").getvalue(),
        "^expected pixels; found PostScript: export it as PNG$",
    ),
    "large": (huge(8001), "^expected at most 64 megapixels; found 8001 x 8001$"),
    "very large": (huge(100_000), "^expected at most 64 megapixels; found 100000 x 100000$"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_decoded_is_an_error(tmp_path: Path, kind: str) -> None:
    content, message = BAD[kind]
    (tmp_path / "digit.png").write_bytes(content)
    with pytest.raises(PictureError, match=message):
        read_picture(tmp_path / "digit.png")


def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="^cannot read it: No such file or directory$"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="^expected a picture or a folder of pictures; found a"):
        read_picture(tmp_path)


def test_a_pipe_is_read_to_its_end_or_refused_if_it_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    make_pipe(pipe)
    content = saved(seven("black", "white")).getvalue()

    def read_pipe(*pieces: bytes) -> Read:
        def write() -> None:
            with suppress(BrokenPipeError), pipe.open("wb", buffering=0) as stream:
                for piece in pieces:
                    stream.write(piece)

        with ThreadPoolExecutor() as pool:
            pool.submit(write)
            return only(read_picture(pipe))

    assert_is_the_seven(read_pipe(content[:50], content[50:]))
    monkeypatch.setattr(decode, "MAX_BYTES", 5_000_000)
    with pytest.raises(PictureError) as caught:
        read_pipe(*[bytes(1_000_000)] * 100)
    assert str(caught.value) == "expected at most 5 megabytes"
