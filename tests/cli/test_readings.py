"""mnistnet predict with several pictures and processes."""

from pathlib import Path
from typing import Any

import pytest
import tasks
from PIL import Image, ImageDraw
from program import run

from mnistnet.cli import pictures as reading
from mnistnet.cli import predict


@pytest.fixture
def pictures() -> Path:
    """A folder with eleven pictures of a 1 or 7, and an invalid one."""
    folder = Path("pictures")
    folder.mkdir()
    for number in range(12):
        picture = Image.new("L", (60, 80), 255)
        end = [(16, 16), (44, 16), (26, 66)] if number % 3 else [(30, 12), (30, 68)]
        ImageDraw.Draw(picture).line(end, 0, 6)
        picture.save(folder / f"{number:02}.png")
    (folder / "05.png").write_bytes(b"not a picture")
    return folder


def test_several_processes_print_the_same_as_one(tiny: Path, pictures: Path) -> None:
    names = (pictures / "05.png", "test:3", pictures, "test:0-3", "test:999", "none.png", "train:2")
    for form in ((), ("--json",), ("--show",)):
        one = run("predict", *names, "--data", tiny, *form)
        two = run("predict", *names, "--data", tiny, *form, "--workers", 2)
        assert (one.stdout, one.stderr, one.exit_code) == (two.stdout, two.stderr, two.exit_code)
        assert two.exit_code == 1
        assert two.stdout.count("\n") >= 14


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interruption_reports_the_number_of_answers(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(predict, "BATCH", 4)
    original = predict._print

    def interrupted(batch: Any, *words: Any) -> None:
        if "pictures/09.png" in dict(batch):
            raise KeyboardInterrupt
        original(batch, *words)

    monkeypatch.setattr(predict, "_print", interrupted)
    result = run("predict", pictures, "--workers", workers)
    assert result.exit_code == 130
    assert result.stderr.endswith("Interrupted after 8 pictures\n")
    assert len(result.stdout.splitlines()) == 8


def test_a_killed_process_is_an_error(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "read_file", tasks.killed)
    result = run("predict", pictures, "--workers", 2)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.endswith("Error: a process that read pictures was killed; run it again\n")
