"""Images that cannot be learned from, and trainings that learned nothing, are reported."""

import numpy as np
import pytest

from mnistnet.image.drawn import draw
from mnistnet.model.diagnosis import doubts, verdict
from mnistnet.model.metadata import Report

DRAWN, LABELS = draw(200, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (255 - DRAWN, "look inverted"),
        (255 - DRAWN // 4, "look inverted"),
        (DRAWN // 128, "levels of 0 and 1 only"),
        (np.zeros_like(DRAWN), "look alike"),
        (np.tile(DRAWN[3], (50, 1)), "look alike"),
    ],
)
def test_unusual_images_are_named(images: np.ndarray, words: str) -> None:
    (sentence,) = doubts(images)
    assert words in sentence


@pytest.mark.parametrize("images", [DRAWN, DRAWN // 3, DRAWN[:1]])
def test_light_strokes_on_a_dark_ground_are_as_they_should_be(images: np.ndarray) -> None:
    assert doubts(images) == []


def report(train: float, validation: float | None) -> Report:
    return Report(1, 2.3, train, None if validation is None else 2.3, validation, 0.2, 1.0)


def test_no_better_than_the_most_frequent_label_is_nothing_learned() -> None:
    labels = np.repeat([0, 1], [700, 300])
    said = verdict([report(0.9, 0.72)], labels, 200, 0.2, [])
    assert said is not None
    assert said.startswith(
        "the network learned nothing: 72.0 % right, and always answering the most frequent label "
        "gives 70.0 %;"
    )
    assert verdict([report(0.9, 0.82)], labels, 200, 0.2, []) is None


@pytest.mark.parametrize(
    ("rate", "found", "cause"),
    [
        (50, [], "the learning rate, 50, is probably too high"),
        (0.2, ["the images look inverted"], "the images look inverted"),
        (0.2, [], "do the labels fit the images"),
    ],
)
def test_the_likely_cause_is_named(rate: float, found: list[str], cause: str) -> None:
    said = verdict([report(0.1, 0.1)], LABELS, 150, rate, found)
    assert said is not None
    assert cause in said


def test_few_held_out_images_do_not_decide() -> None:
    """Two right of ten say little; 150 of 190 trained on do."""
    assert verdict([report(0.8, 0.2)], LABELS, 10, 0.2, []) is None
    assert verdict([report(0.8, None)], LABELS, 0, 0.2, []) is None
    assert verdict([report(0.11, None)], LABELS, 0, 0.2, []) is not None
    assert verdict([report(1.0, 1.0)], np.zeros(200, int), 150, 0.2, []) is None  # nothing to learn
