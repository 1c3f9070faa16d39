"""Loading models without what the libraries print: only the command line speaks to the user."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and without logging, in which the hub tells of every retry."""
    from transformers.utils import logging as transformers

    disabled, bars = logging.root.manager.disable, transformers.is_progress_bar_enabled()
    logging.disable(logging.CRITICAL)
    transformers.disable_progress_bar()
    try:
        yield
    finally:
        logging.disable(disabled)
        if bars:
            transformers.enable_progress_bar()
