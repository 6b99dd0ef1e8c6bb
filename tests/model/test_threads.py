"""prefetch keeps the order, passes on errors and ends; BLAS gets one thread in the block."""

import itertools
import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mnistnet.image.warp import warps
from mnistnet.model import training
from mnistnet.model.options import Options
from mnistnet.model.state import begin
from mnistnet.model.threads import VARIABLES, one_blas_thread, prefetch


def test_an_error_follows_the_items_before_it_and_closing_ends_the_thread() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    coming = prefetch(items(), 3)
    assert next(coming) == 1
    with pytest.raises(ValueError, match="no more"):
        next(coming)
    endless = prefetch(itertools.count(), 3)
    assert [next(endless), next(endless)] == [0, 1]
    endless.close()  # or this test would not end


def blas_threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


def test_blas_has_one_thread_until_the_last_of_overlapping_blocks_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thread enters first and leaves first, while the other is still in its block."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    entered, left = threading.Event(), threading.Event()
    seen = []

    def other() -> None:
        with one_blas_thread():
            entered.set()
            left.wait()
            seen.append(blas_threads())

    with threadpool_limits(2, "blas"):
        before = blas_threads()
        thread = threading.Thread(target=other)
        with one_blas_thread():
            assert blas_threads() == {1}
            thread.start()
            entered.wait()
        left.set()
        thread.join()
        assert seen == [{1}]
        assert blas_threads() == before
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        with one_blas_thread():
            assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
@pytest.mark.parametrize("hidden", [(8,), (300, 20)])
def test_the_weights_are_the_same_on_one_core_and_on_all(
    monkeypatch: pytest.MonkeyPatch, hidden: tuple[int, ...]
) -> None:
    """For a narrow network, and for one wide enough for two threads."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (230, 784), np.uint8), rng.integers(0, 10, 230)
    cores, results = os.sched_getaffinity(0), set()
    try:
        for some in (cores, {min(cores)}):
            os.sched_setaffinity(0, some)
            state = begin(Options(hidden=hidden, epochs=2, batch_size=19, validation=20))
            with threadpool_limits(len(some), "blas"):
                list(training.train(state, images, labels, warps))
            results.add(state.network.parameters.tobytes())
    finally:
        os.sched_setaffinity(0, cores)
    assert len(results) == 1
