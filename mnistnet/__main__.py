"""The program: `mnistnet`, or `python -m mnistnet`."""

import signal
import sys
from typing import Any, NoReturn


def main() -> None:
    """Run the command, and let Ctrl-C be clean from the first import to the last byte."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not in the background, say
        signal.signal(signal.SIGINT, _interrupt)
    try:
        from mnistnet.cli import main as command

        command()
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        sys.exit(130)
    except (ImportError, MemoryError, OSError) as error:  # click cannot be loaded
        print(f"Error: cannot start: {error or type(error).__name__}", file=sys.stderr)
        sys.exit(1)


def _interrupt(*_: Any) -> NoReturn:
    """Interrupt once: pressing it again is not to disturb the tidying up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
