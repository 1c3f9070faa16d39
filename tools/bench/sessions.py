"""The loss of the posts of a session, for the scripts beside this file."""

from __future__ import annotations

from torch import Tensor

from unlearnable.methods.base import AnySession
from unlearnable.methods.measure import measuring


def measure(session: AnySession) -> Tensor:
    """Return (n,) the losses of all posts as they are now."""
    batches = measuring(session)
    while True:
        try:
            next(batches)
        except StopIteration as end:
            losses: Tensor = end.value
            return losses
