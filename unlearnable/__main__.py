"""`unlearnable`, and `python -m unlearnable`."""

import atexit
import signal


def main() -> None:
    """Run the program, which Ctrl-C ends silently as long as it is imported: nothing is done then.

    Nor does one change how it ends, once it has done its work and no thread of it works any more.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from unlearnable.cli.app import main as run

    try:
        run()
    finally:
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
