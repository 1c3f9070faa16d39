"""The models that the noise misleads besides its surrogates."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.config import MEMSettings, MethodSettings
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load


def load_towers(settings: MethodSettings, surrogates: Sequence[str], device: str) -> tuple[DualEncoder, ...]:
    """Load the towers of the settings, but for those that are surrogates; none where the noise misleads no model.

    Args:
        settings: settings of a method.
        surrogates: names of the surrogates.
        device: torch device that the towers run on.

    Raises:
        ModelError: a tower is not available.
    """
    if not isinstance(settings, MEMSettings) or not settings.adversarial_weight:
        return ()
    return tuple(load(name).to(device) for name in settings.towers if name not in surrogates)
