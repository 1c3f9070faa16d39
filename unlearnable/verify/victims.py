"""Victims: their models, speed, and whether one is a surrogate of the protection."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.precision import Encoder, in_bf16
from unlearnable.report import ProtectReport, Role, VictimRecord
from unlearnable.settings import Precision, VerifySettings
from unlearnable.training.loop import kept
from unlearnable.verify.copies import report_of


@dataclass
class ModelPool:
    """Surrogates and victims by name.

    Attributes:
        device: torch device to train on.
        from_scratch: whether trainings start from random weights.
    """

    device: str
    from_scratch: bool
    _loaded: dict[str, DualEncoder] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def pretrained(self, name: str) -> DualEncoder:
        """Return the model of that name; only copies of it are trained.

        From scratch, the name of an architecture is enough; the weights are then random.

        Raises:
            ModelError: the model is not available.
        """
        if name not in self._loaded:
            random = self.from_scratch and openclip.is_architecture(name)
            model = openclip.fresh(name, 0) if random else openclip.load(name)
            model.module.eval()
            self._loaded[name] = model.to(self.device)
        return self._loaded[name]

    def start(self, name: str, seed: int) -> DualEncoder:
        """Return a model to train: a copy, or one with new random weights drawn by `seed`."""
        model = self.pretrained(name)
        if not self.from_scratch:
            return model.clone()
        fresh = openclip.restart(model, seed)
        fresh.module.eval()
        return fresh.to(self.device)

    def architecture(self, name: str) -> dict[str, Any]:
        """Return the configuration of a model."""
        return self.pretrained(name).spec.config

    def number_format(self, name: str, precision: Precision, encoder: Encoder = "photo") -> str:
        """Return the number format that "auto" or another precision means for a model here: "bf16" or "fp32"."""
        return "bf16" if in_bf16(self.pretrained(name), precision, encoder) else "fp32"

    def digest(self, name: str) -> str:
        """Return the hex SHA-256 of the start of a model's trainings, apart from the seed; computed once per model."""
        if name not in self._digests:
            model = self.pretrained(name)
            weights = "random" if self.from_scratch else weights_sha256(model.module.state_dict())
            self._digests[name] = hashlib.sha256(f"{model.spec} {weights}".encode()).hexdigest()
        return self._digests[name]


def family(architecture: dict[str, Any]) -> str:
    """Return the kind of photo encoder: the stem of timm's name, or "resnet" or "vit" for CLIP's own."""
    vision = architecture["vision_cfg"]
    if "timm_model_name" in vision:
        return str(vision["timm_model_name"]).rstrip("0123456789")
    return "resnet" if isinstance(vision["layers"], list) else "vit"


@kept()
def victims_of(settings: VerifySettings, pool: ModelPool) -> list[VictimRecord]:
    """Return each victim with its role: "surrogate" where it starts from the weights that protection was made on.

    Of the private folder only the names and checksums of the surrogates are read. A victim that starts from random
    weights is held out, whatever its architecture.
    """
    made = report_of(settings.copies)
    return [
        VictimRecord(name=name, role=_role(name, made, pool), family=family(pool.architecture(name)))
        for name in dict.fromkeys(settings.victims)
    ]


def _role(name: str, made: ProtectReport | None, pool: ModelPool) -> Role | None:
    if made is None:
        return None
    if pool.from_scratch:
        return "held-out"
    if made.surrogate_weights:
        same = weights_sha256(pool.pretrained(name).module.state_dict()) in made.surrogate_weights
    else:  # a report of an earlier version
        same = name in made.surrogates
    return "surrogate" if same else "held-out"
