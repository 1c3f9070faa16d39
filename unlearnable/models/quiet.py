"""Keep libraries quiet while they load models, as only the command line prints, and say in short why they fail."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten


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


def reason_of(error: Exception) -> str:
    """Return why a library failed, in one short line."""
    return shorten(str(error) or type(error).__name__, 160, placeholder=" ...")
