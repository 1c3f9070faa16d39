"""The settings of a run as `run.toml` holds them, and where their paths lead once photos and result have been moved."""

from __future__ import annotations

import glob
import hashlib
import os
import tomllib
from pathlib import Path

from unlearnable import config
from unlearnable.config import MEMSettings, ProtectionSettings, ProtectSettings
from unlearnable.datasets import Dataset, is_photo, is_word
from unlearnable.disk import checksums
from unlearnable.methods import METHODS
from unlearnable.models import bundled
from unlearnable.models.openclip import files_of
from unlearnable.protection.vocabulary import words_digest


def stored(settings: ProtectSettings) -> str:
    """Return the settings as `run.toml` holds them: what they say in whatever folder they are read."""
    return config.to_toml(whole(settings))


def parsed(text: str) -> ProtectSettings:
    """Return the settings that the text of a `run.toml` holds.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    return ProtectSettings(**tomllib.loads(text))


def whole(settings: ProtectSettings) -> ProtectSettings:
    """Return the settings with absolute paths, also of models that are files; a word for a caption file stays."""
    found: dict[str, object] = {
        "surrogate": tuple(map(_whole_name, settings.surrogate)),
        "towers": tuple(map(_whole_name, settings.towers)),
    }
    if is_word(settings.captions):
        found["captions"] = settings.captions
    return config.absolute(settings).model_copy(update=found)


def _whole_name(model: str) -> str:
    """Return the name of a model, with an absolute path where it is a file or a folder, or its weights are one."""
    if model in bundled.NAMES:
        return model
    if Path(model).exists():
        return str(Path(model).absolute())
    architecture, _, weights = model.partition(":")
    return f"{architecture}:{Path(weights).absolute()}" if weights and Path(weights).is_file() else model


def captions_from(root: Path, settings: ProtectSettings) -> Path | None:
    """Return the caption file of a run whose photos are in `root` now: the one that lies to them as it did, if any.

    Args:
        root: folder of the originals, wherever it has been moved or copied to.
        settings: settings of the run.
    """
    captions, first = settings.captions, settings.photos[0]
    is_folder = first.is_dir() or not (is_photo(first.name) or glob.has_magic(first.name))
    folder = first if is_folder else first.parent
    if captions is None or is_word(captions) or folder.resolve() == root:
        return captions
    try:
        moved = Path(os.path.normpath(root / os.path.relpath(captions, folder)))
    except ValueError:  # on another drive
        return captions
    return moved if moved.exists() else captions


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """Return the run key: a hash of settings, words, data, and files of models that are given by their path."""
    models = (checksums.sha256(path) for name in all_models(settings) for path in files_of(name))
    parts = [config.digest(whole(settings)), dataset.fingerprint, words_digest(settings), *models]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def all_models(settings: ProtectionSettings) -> list[str]:
    """Return the names of all models that a run of these settings loads."""
    misleads = issubclass(METHODS[settings.method].Settings, MEMSettings) and settings.adversarial_weight
    return [*settings.surrogate, *(settings.towers if misleads else ())]
