"""What the window says of an error: its remedies are those of the page, where there are no options."""

from __future__ import annotations

import traceback

from unlearnable.disk import files
from unlearnable.errors import ModelError, OutputError, UnlearnableError
from unlearnable.models.device import given_up


def said(error: Exception) -> str:
    """Return what to say of an error; of one that nobody foresaw the terminal gets the traceback."""
    full = files.full_disk(error)
    told = error if isinstance(error, UnlearnableError) else full or given_up(error)
    if told is None:
        traceback.print_exc()
        shown = f"{type(error).__name__}: {error}"
        return f"This is a bug: {shown}"
    hint = (told.hint or "").replace("--output", "folder")
    if full is not None:
        hint = "free some space on it, and try again"
    elif isinstance(told, OutputError) and "--" in hint:
        hint = "choose another folder"
    elif isinstance(told, ModelError) and "--overwrite" in hint:
        hint = "go back to the captions, and choose another amount of work"
    elif isinstance(told, ModelError) and "--preset" in hint:
        hint = "close other programs, or go back to the captions, and choose less work"
    return f"{told.message}. {hint}".strip()
