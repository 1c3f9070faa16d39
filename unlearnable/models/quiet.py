"""Loading through transformers without what it prints: only the command line speaks to the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars, and without the remarks of transformers and of the hub, which tells of every retry."""
    from huggingface_hub.utils import logging as hub
    from transformers.utils import logging

    verbosity, bars, remarks = logging.get_verbosity(), logging.is_progress_bar_enabled(), hub.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    hub.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        hub.set_verbosity(remarks)
        if bars:
            logging.enable_progress_bar()
