"""Import matplotlib whatever the variable MPLBACKEND says.

The figures do not use pyplot, so they need no backend. But matplotlib cannot be imported while the
variable names one that is not installed, such as that of a notebook which runs mnistnet in another
environment.
"""

import os
import sys
from contextlib import suppress

if "matplotlib" not in sys.modules:
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = backend  # for a script that also uses pyplot
