"""The weights that ship are as good as the README says, on MNIST and on pictures of its digits."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from mnistnet.data import mnist
from mnistnet.image.digit import read_picture
from mnistnet.model import weights
from mnistnet.report.evaluation import evaluate

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def network() -> weights.Network:
    return weights.load(weights.PRETRAINED)[0]


def test_they_are_small_and_say_what_they_were_trained_on() -> None:
    assert weights.PRETRAINED.stat().st_size < 3_000_000
    meta = weights.load_all(weights.PRETRAINED).meta
    assert meta["data"]["published"]
    hashes = [file.sha256 for file in mnist.FILES[:2]]
    assert list(meta["data"]["sha256"].values()) == hashes


def test_they_reach_on_the_test_images_what_the_readme_says(
    network: weights.Network, real_mnist: Path
) -> None:
    said = re.search(r"they reach\s+(\d\d\.\d\d) %\s+on\s+the\s+test\s+images", README.read_text())
    assert said
    data = mnist.load(real_mnist, "test")
    accuracy = evaluate(network, data.images, data.labels, np.arange(10_000)).accuracy
    # another BLAS may round otherwise, and turn an answer that hung in the balance
    assert accuracy == pytest.approx(float(said[1]) / 100, abs=1.5e-4)


def enlarged(digit: Image.Image) -> Image.Image:
    return digit.resize((280, 280), Image.Resampling.BICUBIC)


def moved(digit: Image.Image) -> Image.Image:
    canvas = Image.new("L", (700, 500))
    canvas.paste(enlarged(digit), (390, 30))
    return canvas


def with_alpha(digit: Image.Image) -> Image.Image:
    drawing = Image.new("RGBA", (280, 280), "#204080")
    drawing.putalpha(enlarged(digit))
    return drawing


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (enlarged, "PNG"),
        (moved, "PNG"),
        (lambda digit: ImageOps.invert(moved(digit)), "JPEG"),
        (with_alpha, "PNG"),
    ],
    ids=["enlarged", "moved", "inverted JPEG", "alpha"],
)
def test_pictures_of_mnists_digits_cost_at_most_0_3_points(
    network: weights.Network,
    real_mnist: Path,
    make: Callable[[Image.Image], Image.Image],
    form: str,
) -> None:
    """On the 1,000 test images from 4,500 on, half of them by high school students."""
    data = mnist.load(real_mnist, "test")
    images, labels = data.images[4500:5500], data.labels[4500:5500]
    seen = []
    for image in images:
        stream = io.BytesIO()
        make(Image.fromarray(image.reshape(28, 28))).save(stream, form, compress_level=0)
        seen.append(read_picture(stream).digits[0].image)
    as_is, as_pictures = (
        (network.image_scores(some).argmax(axis=1) == labels).mean()
        for some in (images, np.array(seen))
    )
    assert as_pictures >= as_is - 0.003
