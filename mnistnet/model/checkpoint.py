"""A training that was cut short goes on from here as if nothing had happened.

A checkpoint is a weights file (weights.py) that holds, besides, what only training needs: the
velocity, and in its metadata the state of the random numbers. It is written after every epoch
beside the weights file to be, and removed when that is written. Going on from it gives, byte for
byte, the weights that the training would have given in one go: with the same versions of mnistnet
and NumPy, on the same machine, with as many BLAS threads.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistnet.errors import TrainingError, WeightsError
from mnistnet.model import weights
from mnistnet.model.network import Network
from mnistnet.model.training import State


def beside(path: Path) -> Path:
    """Where the checkpoint of the training that writes this weights file is kept."""
    return path.with_name(f"{path.name}.checkpoint")


def save(path: Path, state: State, meta: Mapping[str, Any]) -> None:
    """Write where the training stands, all at once; meta is weights.metadata of it."""
    rng = state.rng.bit_generator.state
    weights.save(path, state.network, {**meta, "rng": rng}, velocity=state.velocity)


def load(path: Path, state: State, meta: Mapping[str, Any]) -> None:
    """Bring a state that is about to begin to where the checkpoint stands.

    Raises TrainingError where that is another training than the one of state and meta, naming both
    values; WeightsError where the file is damaged or something else.
    """
    network, found, velocity = weights.load_with_velocity(path)
    try:
        begun_with = _identity(network, found)
        history = weights.history(path, found)
        if velocity is None or len(history) != found["epochs"]:
            raise ValueError
        for name, value in _identity(state.network, meta).items():
            if begun_with[name] != value:
                raise TrainingError(
                    f"the training in {path} was begun with {name} {begun_with[name]}, not {value};"
                    " give the same to go on with it, or leave out --resume to begin anew"
                )
        # with another increment, which a seed determines, the generator may never come to an end
        if found["rng"]["state"]["inc"] != state.rng.bit_generator.state["state"]["inc"]:
            raise ValueError
        state.rng.bit_generator.state = found["rng"]
    except (
        AttributeError,
        KeyError,
        OverflowError,
        TypeError,
        ValueError,
        WeightsError,
    ) as error:
        raise WeightsError(
            f"{path}: expected the checkpoint of a training; found something else; "
            "leave out --resume to begin anew"
        ) from error
    state.network.parameters[:] = network.parameters
    state.velocity[:] = velocity
    state.history[:] = history


def _identity(network: Network, meta: Mapping[str, Any]) -> dict[str, Any]:
    """What makes two trainings the same, under the names that their user knows."""
    options = {f"--{name.replace('_', '-')}": value for name, value in meta["options"].items()}
    hidden = ", ".join(map(str, network.layers[1:-1]))
    data = {f"training {name} of SHA-256": sha for name, sha in meta["data"]["sha256"].items()}
    return {**options, **data, "--hidden": hidden, "--seed": meta["seed"]}
