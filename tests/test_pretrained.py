"""The bundled weights are as good as the README says, on MNIST and on pictures of its digits."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bench import unseen
from PIL import Image, ImageOps

from mnistnet.data import mnist
from mnistnet.image import drawn
from mnistnet.image.digit import read_picture
from mnistnet.model import weights
from mnistnet.model.network import log_probabilities
from mnistnet.report.evaluation import evaluate

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def network() -> weights.Network:
    return weights.load(weights.PRETRAINED)[0]


def test_the_file_is_small_and_records_its_training_images() -> None:
    assert weights.PRETRAINED.stat().st_size < 3_000_000
    meta = weights.load_all(weights.PRETRAINED).meta
    assert meta["data"]["published"]
    hashes = [file.sha256 for file in mnist.FILES[:2]]
    assert list(meta["data"]["sha256"].values()) == hashes


def test_the_accuracy_on_the_test_set_is_that_in_the_readme(
    network: weights.Network, real_mnist: Path
) -> None:
    stated = re.search(r"the bundled\s+weights (\d\d\.\d\d) %", README.read_text())
    assert stated
    data = mnist.load(real_mnist, "test")
    accuracy = evaluate(network, data.images, data.labels, np.arange(10_000)).accuracy
    # another BLAS may round differently, and change a close answer
    assert accuracy == pytest.approx(float(stated[1]) / 100, abs=1.5e-4)


def test_probabilities_are_calibrated(network: weights.Network, real_mnist: Path) -> None:
    data = mnist.load(real_mnist, "test")
    scores = network.image_scores(data.images)
    accuracy = (scores.argmax(axis=1) == data.labels).mean()
    assert np.exp(log_probabilities(scores)).max(axis=1).mean() == pytest.approx(accuracy, abs=0.01)


def test_scores_distinguish_digits_from_other_images(network: weights.Network) -> None:
    """For kinds of images and for digits that were not used for training."""
    rng = np.random.default_rng(11)
    digits, labels = drawn.draw(400, rng)
    scores = network.image_scores(digits)
    right = scores.max(axis=1)[scores.argmax(axis=1) == labels]
    kinds = unseen.draw(100, rng)
    for images in kinds.values():
        others = network.image_scores(images).max(axis=1)
        assert (right[:, None] > others).mean() > 0.96
        assert (others > np.quantile(right, 0.06)).mean() < 0.15
    everything = network.image_scores(np.concatenate(list(kinds.values()))).max(axis=1)
    assert (everything > np.quantile(right, 0.06)).mean() < 0.06


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
    """On test images 4,500 to 5,499, half of them by high-school students."""
    data = mnist.load(real_mnist, "test")
    images, labels = data.images[4500:5500], data.labels[4500:5500]
    seen = []
    for image in images:
        stream = io.BytesIO()
        make(Image.fromarray(image.reshape(28, 28))).save(stream, form, compress_level=0)
        stream.seek(0)
        seen.append(read_picture(stream).digits[0].image)
    as_is, as_pictures = (
        (network.image_scores(some).argmax(axis=1) == labels).mean()
        for some in (images, np.array(seen))
    )
    assert as_pictures >= as_is - 0.003
