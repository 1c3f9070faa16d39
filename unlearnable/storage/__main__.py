"""`python -m unlearnable.storage`: a worker."""

from __future__ import annotations

from contextlib import suppress

from unlearnable.storage.pool import main

if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError):
        main()
