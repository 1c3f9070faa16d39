"""The number format of a model's gradient steps: bf16 where it is clearly faster, measured once for each encoder.

It takes a third of the time for some encoders and more time for others. A surrogate, which the MEM loss is computed
on, sees photos in bf16 only where that takes half of the time. Both encoders learn in the format of that for photos;
texts that are only read may have another. Weights that are trained stay fp32.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, get_args

import torch
from torch import Tensor

from unlearnable.errors import ConfigError, OutputError
from unlearnable.models.device import seeded
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.settings import Precision
from unlearnable.storage import checksums, files
from unlearnable.storage.folders import cache_folder

WORTH = 1.2  # times as fast: more than two measurements differ
PRECISE = 2.0  # of photos in the MEM loss: with fewer digits it protects less (docs/results/variants.csv)
_PHOTOS, _TEXTS, _TOKENS, _ROUNDS = 16, 32, 24, 3
_FILE = "precision.json"
MEASURED = 2  # what is measured: another number where layers or the measurement change, so that all is measured anew

Encoder = Literal["photo", "text"]
ENCODERS: tuple[Encoder, ...] = get_args(Encoder)


def computing(model: DualEncoder, precision: Precision, encoder: Encoder) -> torch.autocast:
    """Return the context in which an encoder of a model computes its gradient steps; features may come out in bf16."""
    return torch.autocast(model.device.type, torch.bfloat16, enabled=in_bf16(model, precision, encoder))


def encode_photos(model: DualEncoder, pixels: Tensor, precision: Precision) -> Tensor:
    """Return the features (b, d) in fp32, on the model's device, of photos as they are loaded (b, 3, s, s)."""
    with computing(model, precision, "photo"):
        return model.encode_image(pixels.to(model.device)).float()


def encode_texts(model: DualEncoder, tokens: Tensor, precision: Precision) -> Tensor:
    """Return the features (b, d) in fp32, on the model's device, of texts that are only read, as tokens (b, t)."""
    with computing(model, precision, "text"):
        return model.encode_text(tokens.to(model.device)).float()


def in_bf16(model: DualEncoder, precision: Precision, encoder: Encoder) -> bool:
    """Return whether an encoder computes in bf16; "auto" is the faster format on this machine."""
    if precision != "auto":
        return precision == "bf16"
    if model.device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    worth = PRECISE if model.precise and encoder == "photo" else WORTH
    return model.device.type == "cpu" and _remembered(model, encoder) > worth


def _remembered(model: DualEncoder, encoder: Encoder) -> float:
    """Return the speedup of the encoder when it was measured first, so that runs that are resumed agree."""
    part = "vision_cfg" if encoder == "photo" else "text_cfg"
    layers = json.dumps(model.spec.config.get(part, model.name), sort_keys=True, default=str)
    machine = f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    key = hashlib.sha256(f"{MEASURED} {encoder} {layers} {machine}".encode()).hexdigest()[:16]
    if key not in (known := _known()):
        known[key] = speedup(model, encoder)
        _remember(known)
    return known[key]


def speedup(model: DualEncoder, encoder: Encoder) -> float:
    """Measure how many times as fast a training step of an encoder is in bf16, in time of the processor.

    Other work on the machine changes that less than the time of a clock. What is drawn later does not change.
    """
    copy = model.clone()
    copy.module.train().requires_grad_(True)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    with torch.enable_grad(), seeded(0, model.device):
        step, weights = _step(copy, encoder), list(copy.module.parameters())
        for bf16 in (False, True) * _ROUNDS:
            began = time.process_time()
            with torch.autocast(model.device.type, torch.bfloat16, enabled=bf16):
                features = step()
            torch.autograd.grad(features.float().sum(), weights, allow_unused=True)
            seconds[bf16].append(time.process_time() - began)
    return min(seconds[False]) / min(seconds[True])


def _step(model: DualEncoder, encoder: Encoder) -> Callable[[], Tensor]:
    """Return what computes the features of a few photos or texts."""
    if encoder == "photo":
        pixels = torch.rand(_PHOTOS, 3, model.image_size, model.image_size, device=model.device)
        return lambda: model.encode_image(pixels)
    tokens = torch.ones(_TEXTS, _TOKENS, dtype=torch.long, device=model.device)
    return lambda: model.encode_text(tokens)


@functools.cache
def _known() -> dict[str, float]:
    return _read()


def _read() -> dict[str, float]:
    with suppress(ConfigError, OSError, TypeError, ValueError):
        return checksums.unseal_json((cache_folder() / _FILE).read_bytes())
    return {}


def _remember(known: dict[str, float]) -> None:
    with suppress(ConfigError, OutputError):  # measured again by the next run
        files.write_text(cache_folder() / _FILE, checksums.seal_json({**known, **_read()}))  # others may have measured
