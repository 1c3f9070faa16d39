"""Batch norm as a model in training has it, without training it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch.nn.modules.batchnorm import _BatchNorm

from unlearnable.models.dual_encoder import DualEncoder


@contextmanager
def batch_statistics(models: Sequence[DualEncoder]) -> Iterator[None]:
    """Inside, batch norm goes by the batch, as in a victim's training, and leaves its running statistics alone."""
    norms = [n for model in models for n in model.module.modules() if isinstance(n, _BatchNorm)]
    kept = [(norm.training, norm.track_running_stats) for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, (training, track) in zip(norms, kept, strict=True):
            norm.training, norm.track_running_stats = training, track
