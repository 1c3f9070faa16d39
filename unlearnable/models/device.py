"""The device of calculations, seeds on it, its failures, and libraries that keep quiet while they load."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import shorten
from typing import TYPE_CHECKING

from unlearnable.errors import ConfigError, ModelError

if TYPE_CHECKING:
    import torch


_NO_MEMORY = re.compile(  # of torch, NumPy, oneDNN and CUDA, on Linux, macOS and Windows
    "out of memory|not enough memory|can(no|')t allocate memory|unable to allocate|"
    "could not create a primitive|alloc_failed",
    re.IGNORECASE,
)
_OF_A_GPU = re.compile(r"\b(cuda|cudnn|cublas|hip|mps)", re.IGNORECASE)


def choose_device(wanted: str) -> str:
    """Return the torch device for a setting: "auto" prefers a GPU, others must be available.

    Raises:
        ConfigError: torch cannot use that device on this machine.
    """
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        raise ConfigError(f"this machine has no {wanted} device that torch can use", hint="use `device='cpu'`")
    return wanted


@contextmanager
def seeded(seed: int, device: "torch.device | None" = None) -> Iterator[None]:
    """Seed what torch draws by itself within the block, such as first weights and dropout, and nothing after it.

    The device is the CPU by default; GPUs beside it are not touched: to ask for their state takes memory.
    """
    import torch

    kind = "cpu" if device is None else device.type
    with torch.random.fork_rng([] if kind == "cpu" else [device], device_type=kind):  # by itself PyTorch 2.11 asks CUDA
        torch.manual_seed(seed)
        yield


def given_up(error: BaseException | None) -> ModelError | None:
    """Return the error to show where a device has too little memory, or a GPU fails; None for any other cause."""
    while error is not None:
        text = str(error) or type(error).__name__
        if isinstance(error, MemoryError | RuntimeError):
            reason, on_gpu = shorten(text, 100, placeholder=" ..."), _OF_A_GPU.search(text)
            if isinstance(error, MemoryError) or _NO_MEMORY.search(text):
                less = "`device='cpu'`" if on_gpu else "`preset='paper'`, or a smaller model"
                hint = f"close other programs, or use {less}"
                return ModelError(f"there is too little memory{' on the GPU' * bool(on_gpu)} ({reason})", hint=hint)
            if on_gpu:
                return ModelError(f"the GPU fails ({reason})", hint="use `device='cpu'`")
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """Turn off logging, where the hub reports every retry, within the block, and the bars of transformers for good."""
    from transformers.utils import logging as transformers

    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    transformers.disable_progress_bar()
    try:
        yield
    finally:
        logging.disable(disabled)


def reason_of(error: Exception) -> str:
    """Return why a library failed, in one short line."""
    return shorten(str(error) or type(error).__name__, 160, placeholder=" ...")
