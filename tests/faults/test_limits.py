"""Every command reads hostile files within 2 GB of memory and 20 seconds of processor time, and
prints at most 1 MB. Pictures are in test_pictures.py."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from program import COMMAND

from mnistnet.model.metadata import Metadata, TrainingSet
from mnistnet.model.options import Options

NETWORKS = {  # layers, and more metadata
    "wide.npz": ((784, 7700, 7700, 10), {}),
    "deep.npz": ((784, *[1] * 2000, 10), {}),
    "members.npz": ((784, 10), {"members": [0] * 3_000_000}),
}
SETS = ("set.npz", "set.csv.gz", "idx")
INFO = "info, info --json, page, export a.h, export a.json, eval, predict test:0 --explain"
READERS = {f"{each} --weights": NETWORKS for each in f"{INFO}, plot units, gradcheck".split(", ")}
READERS |= {f"{each} --epochs 1 --from": NETWORKS for each in ("train", "search --starts 1")}
READERS |= dict.fromkeys(("import --out a", "predict", "eval --data"), SETS)
FAST = {("info", name) for name in NETWORKS} | {("import", name) for name in SETS[:2]}
FAST |= {("predict", "wide.npz"), ("gradcheck", "wide.npz"), ("eval", "idx")}
CASES = [
    pytest.param(each, name, marks=[] if (each.split()[0], name) in FAST else pytest.mark.soak)
    for each, names in READERS.items()
    for name in names
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of at most 4 MB that unpack to much: networks, metadata, labels, lines, images."""
    folder = tmp_path_factory.mktemp("hostile")
    meta = {"format": 1, **Metadata(Options(), TrainingSet()).as_json()}
    for name, (layers, more) in NETWORKS.items():
        shapes = zip(layers[1:], layers, strict=False)
        arrays = {f"W{n}": np.zeros(shape, np.float16) for n, shape in enumerate(shapes, 1)}
        np.savez_compressed(folder / name, meta=np.array(json.dumps(meta | more)), **arrays)
    labels = np.zeros((10, 20_000_000), np.uint8)
    np.savez_compressed(folder / "set.npz", x=np.zeros((10, 28, 28), np.uint8), y=labels)
    (folder / "set.csv.gz").write_bytes(gzip.compress(b"0," * 784 + b"0" + b"\n" * 10**7) * 40)
    (folder / "idx").mkdir()
    content = gzip.compress(bytes.fromhex("00000803004c4b400000001c0000001c"))  # 5 million images
    content += gzip.compress(bytes(10**7)) * 392
    (folder / "idx" / "t10k-images-idx3-ubyte.gz").write_bytes(content)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only: measures the memory of a process")
@pytest.mark.parametrize(("command", "name"), CASES)
def test_every_command_stays_within_the_limits(
    command: str, name: str, hostile: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tiny))
    with tempfile.TemporaryFile() as output:
        words = [*COMMAND, *command.split(), str(hostile / name)]
        process = subprocess.Popen(words, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert used.ru_maxrss < 2e6  # kB
        assert used.ru_utime + used.ru_stime < 20
        assert output.seek(0, os.SEEK_END) < 1e6
        output.seek(0)
        assert process.returncode == (b"\nError: " in b"\n" + output.read())
