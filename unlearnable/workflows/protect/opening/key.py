"""The key of a run, to which its checkpoints are bound, and the models that it depends on."""

from __future__ import annotations

import hashlib

from unlearnable import config
from unlearnable.config import MEMSettings, ProtectionSettings, ProtectSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import checksums
from unlearnable.methods import METHODS
from unlearnable.models.openclip import files_of
from unlearnable.protection.vocabulary import words_digest
from unlearnable.workflows.protect.opening.stored import whole


def run_key(settings: ProtectSettings, dataset: Dataset) -> str:
    """Return the run key: a hash of settings, words, data, and files of models that are given by their path."""
    models = (checksums.sha256(path) for name in all_models(settings) for path in files_of(name))
    parts = [config.digest(whole(settings)), dataset.fingerprint, words_digest(settings), *models]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def all_models(settings: ProtectionSettings) -> list[str]:
    """Return the names of all models that a run of these settings loads."""
    misleads = issubclass(METHODS[settings.method].Settings, MEMSettings) and settings.adversarial_weight
    return [*settings.surrogate, *(settings.towers if misleads else ())]
