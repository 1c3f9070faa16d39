"""Surrogates and victims of a benchmark where they start, loaded once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder


@dataclass
class Fleet:
    """Models by name.

    Attributes:
        from_scratch: whether they begin at random weights: the surrogate at those of seed 0, a victim
            at those of its own seed + 1, so that they never begin at the same.
        device: where they are trained.
    """

    from_scratch: bool
    device: str
    _loaded: dict[str, DualEncoder] = field(default_factory=dict)

    def check(self, *names: str) -> None:
        """Load them once, before anything long is begun.

        Raises:
            ModelError: one is not available.
        """
        for name in names:
            self.start(name, seed=0)

    def surrogate(self, name: str) -> DualEncoder:
        """The model that protections are made on; methods train copies."""
        return self._fresh(name, 0) if self.from_scratch else self._pretrained(name)

    def start(self, name: str, *, seed: int) -> DualEncoder:
        """A victim to be trained."""
        return self._fresh(name, seed + 1) if self.from_scratch else self._pretrained(name).clone()

    def digest(self, name: str) -> str:
        """What the start depends on."""
        if self.from_scratch and openclip.is_architecture(name):
            return f"{name} from scratch"
        found = hashlib.sha256(b"from scratch" if self.from_scratch else b"")
        for key, value in self._pretrained(name).module.state_dict().items():
            found.update(key.encode() + value.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    def _fresh(self, name: str, seed: int) -> DualEncoder:
        if openclip.is_architecture(name):
            model = openclip.fresh(name, seed)
        else:
            model = openclip.restart(self._pretrained(name), seed)
        model.module.eval()
        return model.to(self.device)

    def _pretrained(self, name: str) -> DualEncoder:
        if name not in self._loaded:
            self._loaded[name] = openclip.load(name).to(self.device)
        return self._loaded[name]


def family(model: DualEncoder) -> str:
    """The kind of photo tower: the stem of timm's name, or that of CLIP's own ResNet or ViT."""
    vision = model.spec.config["vision_cfg"]
    if "timm_model_name" in vision:
        return str(vision["timm_model_name"]).rstrip("0123456789")
    return "resnet" if isinstance(vision["layers"], list) else "vit"
