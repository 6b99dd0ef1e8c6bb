"""The time of an epoch by hidden units, batch size, number of images and BLAS threads."""

import os
import subprocess
import sys

import numpy as np
from bench_busy import epochs as timed
from table import Table

from mnistnet import load_data as load
from mnistnet.data.mnist import Dataset


def epochs(hidden: int = 72, batch: int = 100, images: int = 60_000) -> list[float]:
    """Seconds of three epochs after a warm-up, over MNIST repeated or cut to this many images."""
    data = load("train")
    copies = -(-images // len(data.images))
    pixels = np.tile(data.images, (copies, 1))[:images] if copies > 1 else data.images[:images]
    part = Dataset(pixels, np.tile(data.labels, copies)[:images], "train")
    return timed(
        part, augment=False, count=3, hidden=(hidden,), batch_size=batch, learning_rate=0.01
    )


def main() -> None:
    if sys.argv[1:] == ["one"]:
        print(*epochs())
        return
    table = Table("an epoch by hidden units (batch 100, 60,000 images)", "s")
    for hidden in (72, 300, 800, 2000):
        table.add(f"{hidden} units", epochs(hidden=hidden))
    table = Table("an epoch by batch size (72 units, 60,000 images)", "s")
    for batch in (10, 30, 100, 300, 1000):
        table.add(f"batch {batch}", epochs(batch=batch))
    table = Table("an epoch by images (72 units, batch 100)", "s")
    for images in (6_000, 60_000, 600_000):
        figures = epochs(images=images)
        median = sorted(figures)[1]
        table.add(f"{images:,} images", figures, f"{median / images * 1e6:.2f} us an image")
    table = Table("an epoch by BLAS threads (72 units, batch 100, 60,000 images)", "s")
    for threads in range(1, (os.cpu_count() or 1) + 1):
        env = os.environ | {"OPENBLAS_NUM_THREADS": str(threads)}
        command = [sys.executable, __file__, "one"]
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
        table.add(f"{threads} threads", [float(word) for word in done.stdout.split()])


if __name__ == "__main__":
    main()
