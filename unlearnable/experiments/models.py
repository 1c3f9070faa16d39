"""The models of an experiment before their training, each loaded once and hashed once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from unlearnable.config import Precision
from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.precision import Tower, in_bf16
from unlearnable.models.weights import weights_sha256


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
        """Return the model of that name, of which only copies are trained.

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

    def number_format(self, name: str, precision: Precision, tower: Tower = "photo") -> str:
        """Return the number format that "auto" or another precision means for a model here: "bf16" or "fp32"."""
        return "bf16" if in_bf16(self.pretrained(name), precision, tower) else "fp32"

    def digest(self, name: str) -> str:
        """Return the hex SHA-256 of the start of a model's trainings, apart from the seed; computed once per model."""
        if name not in self._digests:
            model = self.pretrained(name)
            weights = "random" if self.from_scratch else weights_sha256(model.module.state_dict())
            self._digests[name] = hashlib.sha256(f"{model.spec} {weights}".encode()).hexdigest()
        return self._digests[name]


def family(architecture: dict[str, Any]) -> str:
    """Return the kind of photo tower: the stem of timm's name, or "resnet" or "vit" for CLIP's own."""
    vision = architecture["vision_cfg"]
    if "timm_model_name" in vision:
        return str(vision["timm_model_name"]).rstrip("0123456789")
    return "resnet" if isinstance(vision["layers"], list) else "vit"
