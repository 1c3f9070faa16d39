"""How much of the disk a run takes: for its copies, for what it keeps beside them, and while it is under way."""

from __future__ import annotations

from unlearnable.disk import entries
from unlearnable.posts.pixels import Ragged
from unlearnable.workflows.protect.preparing.reading import Prepared
from unlearnable.workflows.protect.preparing.setup import PIXELS, Run


def copies_bytes(prepared: Prepared) -> int:
    """Estimate the size of all copies: noise hardly compresses, a lossy file grows by a third of its source at most."""
    total = 0.0
    for one in prepared.ready:
        lossy = min(1.3 * entries.size_of(one.photo.path), 0.5 * one.pixels)
        total += 2 * one.pixels if one.encoding.lossless else lossy
    return int(total)


def result_bytes(run: Run) -> int:
    """Estimate what a run writes at most at one time once its photos are read.

    These are copies, noise, checkpoints, and working copies of what is read back:
    of lossy files also of what was encoded.
    """
    reading_back = 1 if run.prepared.is_lossless else 2
    noise = Ragged([one.grid for one in run.prepared.ready]).size
    return copies_bytes(run.prepared) + noise + _checkpoints(run) + reading_back * _working_copies(run)


def _checkpoints(run: Run) -> int:
    """Two, as one is written before the last one goes: weights of what is trained and two moments of each.

    Moments of token embeddings are left out: those of words that occur are kept alone.
    """
    surrogates = run.problem.surrogates
    adversaries = () if run.method_settings.ends_at_threshold else (*surrogates, *run.problem.towers)
    total = 0
    for model in (*surrogates, *adversaries):
        for name, weights in model.module.named_parameters():
            kept = 1 if name.endswith("token_embedding.weight") else 3
            total += kept * weights.numel() * weights.element_size()
    return 2 * total


def _working_copies(run: Run) -> int:
    return entries.size_of(run.scratch / PIXELS)
