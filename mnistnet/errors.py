"""What can go wrong between a user and a result.

The library raises these; cli turns each into one line, `Error: ...`, and exit code 1. The
message names the thing, what was expected, what was found and what to do.
"""


class MnistnetError(Exception):
    """Anything a user can cause or mend; the kinds below say where."""


class DownloadError(MnistnetError):
    """No mirror gave the file."""


class DataError(MnistnetError):
    """A data file is missing, malformed, or not what a digit network can use."""


class TrainingError(MnistnetError):
    """The options do not fit the data, or the training diverged."""


class WeightsError(MnistnetError):
    """A weights file is missing, damaged, or not one of ours."""


class ExpressionError(MnistnetError):
    """An expression cannot be read, or has no value or no derivative at the point given."""


class PictureError(MnistnetError):
    """A picture cannot be read, or there is nothing in it to read."""


def reason(error: BaseException) -> str:
    """Why another library failed, in one line: the operating system's words where it has any, else
    the first line of its own, else the error's name."""
    words = getattr(error, "strerror", None) or str(error)
    return str(words).partition("\n")[0] or type(error).__name__
