"""Coverage-guided fuzzing of what reads files from anywhere: `make soak`, which gets atheris.

    python tests/fuzz.py KIND [options of libFuzzer]

Runs a test of faults/test_anything.py (KIND: idx, weights, picture and others), whose choices
libFuzzer makes, in ten seconds and two gigabytes for each example. An input that breaks it is kept
in the current folder; `python tests/fuzz.py KIND FILE` runs it again.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mnistnet", "numpy.lib", "zipfile", "PIL"]):
    from faults.test_anything import ANYTHING, attempts


def main() -> None:
    kind, *options = sys.argv[1:]
    limits = ("-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={Path.cwd()}/")
    test = attempts(*ANYTHING[kind]).hypothesis.fuzz_one_input
    atheris.Setup([sys.argv[0], *limits, *options], test)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
