"""The paths of a run as `run.toml` holds them: absolute."""

from __future__ import annotations

from unlearnable import config
from unlearnable.config import ProtectSettings
from unlearnable.datasets import is_word_for_people


def stored(settings: ProtectSettings) -> str:
    """Return the settings as `run.toml` holds them, with absolute paths; a word in place of a caption file stays."""
    whole = config.absolute(settings)
    if is_word_for_people(settings.captions):
        whole = whole.model_copy(update={"captions": settings.captions})
    return config.to_toml(whole)
