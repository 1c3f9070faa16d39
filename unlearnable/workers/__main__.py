"""`python -m unlearnable.workers`: a worker."""

from contextlib import suppress

from unlearnable.workers.child import main

if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main()
