"""Entry point of `mnistnet` and `python -m mnistnet`."""

import signal
import sys
from typing import Any, NoReturn


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even while modules are imported."""

    def interrupt(*_: Any) -> NoReturn:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one must not disturb the cleanup
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, interrupt)
    try:
        from mnistnet.cli import main as command

        command()
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
