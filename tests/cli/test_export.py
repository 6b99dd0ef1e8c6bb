"""mnistnet export, and predict --save-images, which prepares what an exported network reads."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import png, run

from mnistnet.data import mnist
from mnistnet.image.digit import read_picture


def test_the_accuracy_is_measured_on_the_data_and_nothing_is_downloaded(tiny: Path) -> None:
    result = run("export", "digit.json", "--data", tiny)
    assert (result.stdout, result.stderr, result.exit_code) == (
        "digit.json\n",
        "bundled weights\n",
        0,
    )
    facts = json.loads(Path("digit.json").read_bytes())
    assert facts["accuracy"] == "100.00 % on 50 test images, not MNIST's own"
    assert run("export", "--kind", "c", "--int8", "digit", "--data", tiny).exit_code == 0
    assert b"accuracy  100.00 %, as int8 100.00 % on 50 test" in Path("digit").read_bytes()
    assert "the accuracy was not measured: " in run("export", "digit.h").stderr
    assert b"accuracy  not measured" in Path("digit.h").read_bytes()


@pytest.mark.parametrize("words", ["digit.txt", "digit.h --input float", "digit.json --int8"])
def test_what_cannot_be_written_is_wrong_usage(words: str) -> None:
    assert run("export", *words.split()).exit_code == 2


def test_save_images_writes_what_the_network_saw_and_replaces_nothing(tiny: Path) -> None:
    Path("my 7.png").write_bytes(png(7))
    for _ in range(2):
        run("predict", "my 7.png", "test:3", "--data", tiny, "--save-images", "seen")
    names = sorted(path.name for path in Path("seen").iterdir())
    stems = ("my_7_png-1", "my_7_png-2", "test_3-1", "test_3-2")
    assert names == sorted(stem + end for stem in stems for end in (".raw", ".png"))
    seen = {"my_7_png": read_picture(Path("my 7.png")).digits[0].image}
    seen["test_3"] = mnist.load(tiny, "test").images[3]
    for stem, image in seen.items():
        assert Path(f"seen/{stem}-2.raw").read_bytes() == image.tobytes()
        assert np.array_equal(np.asarray(Image.open(f"seen/{stem}-1.png")).ravel(), image)
