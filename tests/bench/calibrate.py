"""Calibrate a weights file on digits that it was not trained on, in place.

    python tests/bench/calibrate.py mnistnet/pretrained.npz

They are the held-out images of MNIST and as many drawn digits, since people's own digits are
harder than MNIST's. All scores are divided by one number, so that no answer changes.
The file is written in float16, which halves it. `make pretrained` runs this after the training.
"""

import sys
from pathlib import Path

import numpy as np

import mnistnet
from mnistnet.image.drawn import draw
from mnistnet.model import weights
from mnistnet.model.calibration import calibrate
from mnistnet.model.state import split

path = Path(sys.argv[1])
network, metadata = weights.load(path)
data = mnistnet.load_data("train")
rows = split(len(data.images), metadata.options)[1]
# the training draws with another generator, so that these are others
drawn, labels = draw(len(rows), np.random.default_rng(metadata.options.seed + 1))
images = np.concatenate([data.images[rows], drawn])
temperature = calibrate(network, images, np.concatenate([data.labels[rows], labels]))
weights.save(path, network, metadata, dtype=np.float16)
print(f"calibrated {path}: scores divided by {temperature:.3f}")
