"""Victims: the models that an attacker would train, where they start and how they are trained."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from unlearnable.config import Recipe, Schedule, VerifySettings
from unlearnable.models import openclip
from unlearnable.models.architectures import tuning_rate
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.workflows.train import SCRATCH_EPOCHS, SCRATCH_RATE, TUNING_EPOCHS


@dataclass(frozen=True)
class Victim:
    """A model to be trained once for each arm and seed.

    Attributes:
        name: what the user calls it.
        model: its pretrained weights; never trained itself.
        from_scratch: start from random weights of its architecture instead.
    """

    name: str
    model: DualEncoder
    from_scratch: bool

    def start(self, seed: int) -> DualEncoder:
        """A model to train: a copy, or new random weights by `seed`."""
        if self.from_scratch:
            return openclip.restart(self.model, seed).to(self.model.device)
        return self.model.clone()

    def recipe(self, settings: VerifySettings, seed: int) -> Recipe:
        """How to train it; length and rate are the usual ones where the settings leave them open."""
        usual = (TUNING_EPOCHS, tuning_rate(self.model.spec.config))
        epochs, rate = (SCRATCH_EPOCHS, SCRATCH_RATE) if self.from_scratch else usual
        return Recipe(
            **settings.model_dump(include=set(Schedule.model_fields)),
            epochs=epochs if settings.epochs is None else settings.epochs,
            lr=settings.lr or rate,
            seed=seed,
        )

    def digest(self) -> str:
        """sha256 of where it starts."""
        found = hashlib.sha256(repr((self.model.spec, self.from_scratch)).encode())
        if not self.from_scratch:
            for name, value in self.model.module.state_dict().items():
                found.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()


def load_victims(settings: VerifySettings, device: str) -> list[Victim]:
    """The victims of the settings, each once, on their device."""
    victims = []
    for name in dict.fromkeys(settings.victims):
        random = settings.from_scratch and openclip.is_architecture(name)
        model = openclip.fresh(name, 0) if random else openclip.load(name)
        model.module.eval()
        victims.append(Victim(name, model.to(device), settings.from_scratch))
    return victims
