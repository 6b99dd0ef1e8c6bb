"""Any picture becomes 28 x 28, light on dark; what is not a picture is an error."""

import io
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistnet.data.picture import read_picture
from mnistnet.errors import PictureError


def drawing(ink: str, paper: str, mode: str = "RGB") -> Image.Image:
    """A 140 x 140 picture with a block of ink in the middle."""
    picture = Image.new(mode, (140, 140), paper)
    ImageDraw.Draw(picture).rectangle((50, 30, 89, 109), fill=ink)
    return picture


def saved(picture: Image.Image, form: str = "PNG") -> io.BytesIO:
    stream = io.BytesIO()
    picture.save(stream, form)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("inverted", [False, True])
def test_ink_is_light_on_dark_whatever_the_polarity_and_the_format(
    form: str, inverted: bool
) -> None:
    picture = drawing("black", "white") if inverted else drawing("white", "black")
    result = read_picture(saved(picture, form))
    assert result.inverted == inverted
    image = result.image.reshape(28, 28).astype(int)
    assert image[8:20, 11:17].min() > 240
    outside = [image[:5], image[23:], image[:, :9], image[:, 19:]]
    assert max(part.max() for part in outside) < 15


@pytest.mark.parametrize("inverted", [False, True])
def test_grey_of_16_and_32_bits_keeps_its_levels(inverted: bool) -> None:
    levels = np.zeros((28, 28))
    levels[4:24, 10:18], levels[8:12, 10:18] = 1, 0.5
    expected = np.round(levels * 255)
    if inverted:
        levels = 1 - levels
    for array in ((levels * 51_400).astype(np.uint16), levels.astype(np.float32)):
        result = read_picture(saved(Image.fromarray(array), "TIFF"))
        assert result.inverted == inverted
        assert np.abs(result.image.reshape(28, 28) - expected).max() <= 1


def test_polarity_is_told_from_the_border_even_where_ink_is_most_of_the_picture() -> None:
    picture = Image.new("L", (140, 140), "white")
    ImageDraw.Draw(picture).rectangle((10, 10, 129, 129), fill="black")
    assert read_picture(saved(picture)).inverted


def test_fine_detail_is_averaged_not_picked() -> None:
    lines = np.zeros((280, 280), np.uint8)
    lines[100:180:2, 100:180] = 255
    image = read_picture(saved(Image.fromarray(lines))).image.reshape(28, 28)
    assert image[12:16, 12:16] == pytest.approx(127.5, abs=10)


def test_an_image_of_mnists_own_size_is_unchanged() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = np.random.default_rng(0).integers(0, 256, (20, 20))
    result = read_picture(saved(Image.fromarray(image)))
    assert result.image.tolist() == image.reshape(-1).tolist()
    assert not result.inverted


def test_transparent_parts_are_paper() -> None:
    result = read_picture(saved(drawing("black", "#00000000", "RGBA")))
    assert result.inverted
    image = result.image.reshape(28, 28)
    assert image[14, 14] == 255
    assert image[0, 0] == 0


def test_a_file_is_read_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "digit.txt"
    path.write_bytes(saved(drawing("black", "white")).getvalue())
    assert read_picture(path).inverted


def huge(side: int) -> bytes:
    """A PNG that declares side x side pixels, and has hardly any."""
    content = bytearray(saved(Image.new("L", (1, 1))).getvalue())
    content[16:24] = side.to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


BAD = {
    "empty": (b"", "expected a picture in a format that Pillow reads"),
    "text": (b"seven", "expected a picture in a format that Pillow reads"),
    "truncated": (saved(drawing("black", "white"), "JPEG").getvalue()[:-200], "truncated"),
    "too large": (huge(10_000), "cannot read it: Image size"),
    "far too large": (huge(100_000), "cannot read it: Image size"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, kind: str) -> None:
    content, words = BAD[kind]
    (tmp_path / "digit.png").write_bytes(content)
    with pytest.raises(PictureError, match=words):
        read_picture(tmp_path / "digit.png")


def test_what_is_not_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="^cannot read it: No such file or directory$"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="^cannot read it: Is a directory$"):
        read_picture(tmp_path)
    assert os.listdir(tmp_path) == []
