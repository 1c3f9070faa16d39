"""Keep libraries quiet while they load models: only the command line prints."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off progress bars and logging, where the hub reports every retry, within the block."""
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
