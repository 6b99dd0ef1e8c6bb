"""mnistnet: a small neural network that recognises handwritten digits, in plain NumPy.

    import mnistnet

    mnistnet.predict("digit.png").digit

The public names are defined in api.py, trainer.py and errors.py, and loaded on first use.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"
__all__ = [
    "Answer",
    "MnistnetError",
    "Network",
    "PictureError",
    "load_data",
    "load_network",
    "predict",
    "predict_many",
    "train",
]

if TYPE_CHECKING:
    from mnistnet.api import Network, load_network, predict, predict_many
    from mnistnet.errors import MnistnetError, PictureError
    from mnistnet.model.answer import Answer
    from mnistnet.trainer import load_data, train


def __getattr__(name: str) -> Any:
    if name in __all__:
        from mnistnet import api, errors, trainer

        return getattr(next(each for each in (errors, api, trainer) if hasattr(each, name)), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
