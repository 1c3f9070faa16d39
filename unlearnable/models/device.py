"""The device that models run on."""

from __future__ import annotations

from unlearnable.errors import ConfigError


def choose_device(wanted: str) -> str:
    """The device that `wanted` means here: "auto" takes a GPU where there is one.

    Raises:
        ConfigError: the device asked for is not there.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return "cuda" if there["cuda"] else "mps" if there["mps"] else "cpu"
    if not there[wanted]:
        raise ConfigError(f"this machine has no {wanted} device that torch can use", hint="--device cpu works anywhere")
    return wanted
