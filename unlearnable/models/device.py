"""The device that models run on."""

from __future__ import annotations

from unlearnable.errors import ConfigError


def choose_device(wanted: str) -> str:
    """Return the torch device for a setting: "auto" prefers a GPU, others must be available.

    Raises:
        ConfigError: torch cannot use that device on this machine.
    """
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if available["cuda"] else "mps" if available["mps"] else "cpu"
    if not available[wanted]:
        raise ConfigError(f"this machine has no {wanted} device that torch can use", hint="use --device cpu")
    return wanted
