"""The exceptions that the library raises for anything a user can cause.

Messages say what was expected, what was found and what to do. The command line prints them as
`Error: ...` and exits with code 1.
"""


class MnistnetError(Exception):
    """Base class of all errors below."""


class DownloadError(MnistnetError):
    """A file could not be downloaded from any mirror."""


class DataError(MnistnetError):
    """A data set is missing, malformed or unsuitable."""


class TrainingError(MnistnetError):
    """The options do not fit the data, or the training diverged."""


class WeightsError(MnistnetError):
    """A weights file is missing, damaged or of another kind."""


class ExpressionError(MnistnetError):
    """An expression is malformed, or has no finite value or derivative at the given point."""


class PictureError(MnistnetError):
    """A picture cannot be read or is blank."""


def reason(error: BaseException) -> str:
    """Describe another library's exception in one line: the operating system's message, else the
    first line of its own, else its type."""
    text = getattr(error, "strerror", None) or str(error)
    return str(text).partition("\n")[0] or type(error).__name__
