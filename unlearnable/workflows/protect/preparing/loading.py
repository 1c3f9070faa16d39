"""What a run loads: the method that its settings name, the words of triggers, and models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from unlearnable.config import MethodSettings, ProtectionSettings
from unlearnable.methods import METHODS
from unlearnable.methods.base import Method, settings_for
from unlearnable.methods.problem import Proposer
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.fetching import fetch
from unlearnable.models.openclip import load
from unlearnable.models.tokens import Vocabulary
from unlearnable.progress.reporting import Progress
from unlearnable.protection.towers import load_towers
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
        proposer: offers words that read naturally; None where any will do.
    """

    settings: Settings
    method: Method
    own: MethodSettings
    surrogates: tuple[DualEncoder, ...]
    towers: tuple[DualEncoder, ...]
    vocabulary: Vocabulary
    proposer: Proposer | None

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
    vocabulary, proposer = load_words(settings, device, proposing=method.has_trigger)
    fetch(all_models(settings), progress)
    progress.phase("loading models", len(settings.surrogate))
    surrogates = []
    for name in settings.surrogate:
        surrogates.append(load(name).to(device))
        progress.advance()
    towers = load_towers(own, settings.surrogate, device)
    return Loaded(settings, method, own, tuple(surrogates), towers, vocabulary, proposer)
