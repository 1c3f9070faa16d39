"""The paths of a run as `run.toml` holds them, and where they lead once photos and result have been moved or copied."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from unlearnable import config
from unlearnable.config import ProtectSettings
from unlearnable.datasets import is_photo, is_word_for_people


def stored(settings: ProtectSettings) -> str:
    """Return the settings as `run.toml` holds them, with absolute paths; a word in place of a caption file stays."""
    whole = config.absolute(settings)
    if is_word_for_people(settings.captions):
        whole = whole.model_copy(update={"captions": settings.captions})
    return config.to_toml(whole)


def captions_from(root: Path, settings: ProtectSettings) -> Path | None:
    """Return the caption file of a run whose photos are in `root` now: the one that lies to them as it did, if any.

    Args:
        root: folder of the originals, wherever it has been moved or copied to.
        settings: settings of the run.
    """
    captions, first = settings.captions, settings.photos[0]
    is_folder = first.is_dir() or not (is_photo(first.name) or glob.has_magic(first.name))
    folder = first if is_folder else first.parent
    if captions is None or is_word_for_people(captions) or folder.resolve() == root:
        return captions
    try:
        moved = Path(os.path.normpath(root / os.path.relpath(captions, folder)))
    except ValueError:  # on another drive
        return captions
    return moved if moved.exists() else captions
