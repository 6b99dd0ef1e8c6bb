"""Results come in order, and few are waiting."""

from concurrent.futures import Future

from mnistnet.processes import in_order


def done(item: int) -> "Future[int]":
    future: Future[int] = Future()
    future.set_result(item)
    return future


def test_results_come_in_order_and_no_more_is_begun_than_asked_for() -> None:
    begun = []

    def begin(item: int) -> "Future[int]":
        begun.append(item)
        return done(item)

    results = in_order(map(begin, range(10)), 3)
    assert next(results) == 0
    assert begun == [0, 1, 2]
    assert next(results) == 1
    assert begun == [0, 1, 2, 3]
    assert list(results) == list(range(2, 10))
    assert list(in_order(map(done, range(2)), 3)) == [0, 1]
