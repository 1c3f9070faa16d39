"""Measure the loss of the posts of a session, for the scripts in this folder."""

from __future__ import annotations

from torch import Tensor

from unlearnable.methods.base import AnySession
from unlearnable.methods.measure import measuring


def measure(session: AnySession) -> Tensor:
    """Return the current losses (n,) of all posts."""
    batches = measuring(session)
    while True:
        try:
            next(batches)
        except StopIteration as end:
            losses: Tensor = end.value
            return losses
