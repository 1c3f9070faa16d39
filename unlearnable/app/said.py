"""What the window says of an error: its remedies are those of the page, where there are no options."""

from __future__ import annotations

import traceback

from unlearnable import files
from unlearnable.errors import OutputError, UnlearnableError


def said(error: Exception) -> str:
    """Return what to say of an error; of one that nobody foresaw the terminal gets the traceback."""
    full = files.full_disk(error)
    told = error if isinstance(error, UnlearnableError) else full
    if told is None:
        traceback.print_exc()
        return f"This is a bug: {type(error).__name__}: {error}"
    hint = (told.hint or "").replace("--output", "folder")
    if full is not None:
        hint = "free some space on it, and try again"
    elif isinstance(told, OutputError) and "--" in hint:
        hint = "choose another folder"
    return f"{told.message}. {hint}".strip()
