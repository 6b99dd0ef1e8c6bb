"""Any picture of a digit becomes the image that MNIST would have of it; any other is an error."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from seven import assert_is_the_seven, read, seven

from mnistnet.data import mnist
from mnistnet.errors import PictureError
from mnistnet.image.digit import find_digits
from mnistnet.image.ink import find_ink


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


def test_a_bar_along_one_side_of_a_crop_is_no_border() -> None:
    """A 7 cropped to its ink: its bar is as wide as the picture, and its stem touches the bar."""
    canvas = Image.new("L", (100, 200))
    ImageDraw.Draw(canvas).rectangle([0, 0, 100, 20], 255)
    ImageDraw.Draw(canvas).polygon([(75, 0), (100, 0), (25, 200), (0, 200)], 255)
    for quarters in range(4):
        turned = np.rot90(np.asarray(canvas), quarters)
        found = find_ink(turned[..., None].astype(np.float32))
        assert (found.corner, found.amount.shape) == ((0, 0), turned.shape)


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
