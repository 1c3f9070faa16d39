"""`unlearnable`, and `python -m unlearnable`."""

import signal


def main() -> None:
    """Run the program, which Ctrl-C ends silently as long as it is imported: nothing is done then."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from unlearnable.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
