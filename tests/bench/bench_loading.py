"""Loading MNIST from the cache, and downloading it from a local folder."""

import shutil
import tempfile
from pathlib import Path

from table import Table, seconds

from mnistnet import load_data
from mnistnet.data import download, idx, mnist

RUNS = 7


def main() -> None:
    cache = download.cache_folder()
    load_data("train")
    with tempfile.TemporaryDirectory() as name:
        mirror, target = Path(name, "mirror"), Path(name, "target")
        mirror.mkdir()
        for file in mnist.FILES:
            idx.write_idx(mirror / f"{file.name}.gz", idx.read_idx(cache / file.name))

        def cold() -> None:
            download.download(target, [str(mirror)], lambda _: None, lambda *_: None)
            shutil.rmtree(target)

        table = Table("loading", "ms")
        for title, function in {
            "load all four cached files": lambda: [mnist.load(cache, s) for s in ("train", "test")],
            "the same, verified by SHA-256": lambda: download.check(cache),
            "download from a local folder, verified": cold,
        }.items():
            function()
            table.add(title, [1000 * seconds(function) for _ in range(RUNS)])


if __name__ == "__main__":
    main()
