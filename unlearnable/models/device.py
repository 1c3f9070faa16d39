"""The device that models run on, and what is drawn there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from unlearnable.errors import ConfigError

if TYPE_CHECKING:
    import torch


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


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Seed what torch draws by itself within the block, such as first weights and dropout, and nothing after it.

    Args:
        seed: the seed.
        device: where it is drawn; None is the CPU. Other GPUs are not touched: to ask for their state takes memory.
    """
    import torch

    with torch.random.fork_rng([] if device is None or device.type == "cpu" else [device]):
        torch.manual_seed(seed)
        yield
