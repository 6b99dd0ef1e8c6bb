"""Pictures are read from many threads at a time, as in a service."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.request import urlopen

import numpy as np
from program import png
from test_docs import python_blocks

import mnistnet


def test_eight_threads_give_the_answers_of_one() -> None:
    """And leave Python's warning filters as they were. One of them starts processes."""
    network, before = mnistnet.load_network(), warnings.filters[:]
    pictures = [png(digit) for digit in (0, 1, 7)] * 8
    expected = [mnistnet.predict(picture, network) for picture in pictures]
    images = np.array([mnistnet.predict(picture).images[0] for picture in pictures])
    start = threading.Barrier(8)

    def work(number: int) -> list[Any]:
        start.wait()
        again = mnistnet.load_network()
        many = mnistnet.predict_many(pictures * 5, network, workers=2) if number == 0 else ()
        answers = [mnistnet.predict(picture, again) for picture in pictures]
        assert list(many) == expected * 5 * (number == 0)
        return [answers, network.probabilities(images).tolist()]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(8)))
    assert found == [[expected, network.probabilities(images).tolist()]] * 8
    assert warnings.filters == before


def test_the_service_in_the_documentation_answers() -> None:
    (code,) = [block for block in python_blocks("docs/python.md") if "HTTPServer" in block]
    names: dict[str, Any] = {"__name__": "service"}
    exec(code, names)
    names["Service"].log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), names["Service"]) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            replies = [urlopen(url, data=body).read() for body in (png(7), b"no picture")]
        finally:
            server.shutdown()
            thread.join()
    assert b'"digit": 7' in replies[0]
    assert b'"error": "the picture: expected a picture' in replies[1]
