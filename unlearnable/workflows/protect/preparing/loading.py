"""What a run loads: the method that its settings name, the words of triggers, and models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from unlearnable.config import MethodSettings, ProtectionSettings
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, settings_for
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.fetching import fetch
from unlearnable.models.openclip import load
from unlearnable.models.vocabulary import Vocabulary
from unlearnable.progress.reporting import Progress
from unlearnable.protection.towers import load_towers, load_witness
from unlearnable.protection.vocabulary import load_words
from unlearnable.workflows.protect.opening.key import all_models

Settings = TypeVar("Settings", bound=ProtectionSettings)


@dataclass(frozen=True)
class Loaded(Generic[Settings]):
    """What is loaded once for any number of sets of posts.

    Attributes:
        settings: settings of the protection.
        method: the method that they name.
        own: its own settings.
        surrogates: models that the noise is made on.
        towers: models that it misleads besides.
        vocabulary: words that triggers are made of.
        witness: second model that says which words describe a photo; None without triggers.
    """

    settings: Settings
    method: Method
    own: MethodSettings
    surrogates: tuple[DualEncoder, ...]
    towers: tuple[DualEncoder, ...]
    vocabulary: Vocabulary
    witness: DualEncoder | None

    @property
    def trigger_tokens(self) -> int:
        """The most tokens that a trigger may have; 0 for methods without one."""
        return self.vocabulary.longest * self.settings.trigger_length if self.method.has_trigger else 0

    @property
    def side(self) -> int:
        """The image size of the surrogates, of several the largest, in pixels."""
        return max(model.image_size for model in self.surrogates)


def load_all(settings: Settings, progress: Progress) -> Loaded[Settings]:
    """Load what the settings name onto their device; a download is said.

    Raises:
        ConfigError: an option of the method, the words to avoid or the device do not fit.
        ModelError: a model is not available.
    """
    method, device = METHODS[settings.method](), choose_device(settings.device)
    own = settings_for(method, settings, settings.options)
    vocabulary = load_words(settings)
    fetch(all_models(settings), progress)
    progress.phase("loading models", len(settings.surrogate))
    surrogates = []
    for name in settings.surrogate:
        surrogates.append(load(name).to(device))
        progress.advance()
    towers = load_towers(own, settings.surrogate, device)
    witness = load_witness(settings.surrogate, towers, device) if method.has_trigger else None
    return Loaded(settings, method, own, tuple(surrogates), towers, vocabulary, witness)
