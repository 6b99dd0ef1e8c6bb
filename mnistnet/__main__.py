"""Entry point of `mnistnet` and `python -m mnistnet`."""

import signal
import sys
from typing import Any, NoReturn


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even while modules are imported."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from mnistnet.cli import main as command

        command()
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        sys.exit(130)


def _interrupt(*_: Any) -> NoReturn:
    """Interrupt once; pressing Ctrl-C again must not disturb the cleanup."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
