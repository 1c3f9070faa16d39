"""The number format of a model's gradient steps: bf16 where it is clearly faster, measured once for each tower.

It takes a third of the time for some towers and more time for others (docs/experiments/performance.md). Weights stay
fp32.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from pathlib import Path

import torch

from unlearnable import files, seal
from unlearnable.config import Precision
from unlearnable.errors import ConfigError, OutputError
from unlearnable.folders import cache_folder
from unlearnable.models.dual_encoder import DualEncoder

WORTH = 1.3  # times as fast: more than what other work on the machine explains
PHOTOS, ROUNDS = 8, 3


def computing(model: DualEncoder, precision: Precision) -> torch.autocast:
    """Return the context in which the towers of a model compute their gradient steps; features may come out in bf16."""
    return torch.autocast(model.device.type, torch.bfloat16, enabled=in_bf16(model, precision))


def in_bf16(model: DualEncoder, precision: Precision) -> bool:
    """Return whether a model computes in bf16; "auto" is the faster format on this machine."""
    if precision != "auto":
        return precision == "bf16"
    if model.device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return model.device.type == "cpu" and _remembered(model)


def _remembered(model: DualEncoder) -> bool:
    """Return whether bf16 was faster when the tower was measured first, so that runs that are resumed agree."""
    vision = json.dumps(model.spec.config.get("vision_cfg", model.name), sort_keys=True, default=str)
    machine = f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    key = hashlib.sha256(f"{vision} {machine}".encode()).hexdigest()[:16]
    if key not in (known := _known()):
        known[key] = speedup(model) > WORTH
        _remember(known)
    return known[key]


def speedup(model: DualEncoder) -> float:
    """Measure how many times as fast a training step of the photo tower is in bf16."""
    copy = model.clone()
    weights = list(copy.module.get_submodule("visual").train().requires_grad_(True).parameters())
    pixels = torch.rand(PHOTOS, 3, model.image_size, model.image_size, device=model.device)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with torch.enable_grad():
        for bf16 in (False, True) * ROUNDS:
            began = time.perf_counter()
            with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                features = copy.encode_image(pixels)
            torch.autograd.grad(features.float().sum(), weights, allow_unused=True)
            seconds[bf16].append(time.perf_counter() - began)
    return min(seconds[False]) / min(seconds[True])


@functools.cache
def _known() -> dict[str, bool]:
    try:
        return seal.unseal_json(_file().read_bytes())
    except (ConfigError, OSError, TypeError, ValueError):
        return {}


def _remember(known: dict[str, bool]) -> None:
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        files.write_text(_file(), seal.seal_json(known))
    except (ConfigError, OSError, OutputError):  # measured again by the next run
        return


def _file() -> Path:
    return cache_folder() / "precision.json"
