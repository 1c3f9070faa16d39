"""The models that the noise misleads besides its surrogates."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load

WITNESSES = ("resnet-small", "vit-small")


def load_towers(settings: MethodSettings, surrogates: Sequence[str], device: str) -> tuple[DualEncoder, ...]:
    """Load the towers of the settings, but for those that are surrogates; none where the noise misleads no model.

    Args:
        settings: settings of a method.
        surrogates: names of the surrogates.
        device: torch device that the towers run on.

    Raises:
        ModelError: a tower is not available.
    """
    return tuple(load(name).to(device) for name in tower_names(settings, surrogates))


def tower_names(settings: MethodSettings, surrogates: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the towers that `load_towers` loads."""
    if not isinstance(settings, MEMSettings) or not settings.adversarial_weight:
        return ()
    return tuple(name for name in settings.towers if name not in surrogates)


def load_witness(surrogates: Sequence[str], towers: Sequence[DualEncoder], device: str) -> DualEncoder:
    """Return the model that judges words beside the surrogates: the first tower, or a bundled one of another family."""
    if towers:
        return towers[0]
    return load(next(name for name in WITNESSES if name not in surrogates)).to(device)
