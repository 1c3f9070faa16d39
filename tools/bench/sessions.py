"""Start a session on a folder of posts, and measure the loss of its posts, for the scripts in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from unlearnable.config import ProtectSettings
from unlearnable.datasets import open_dataset
from unlearnable.methods.base import AnySession
from unlearnable.methods.batches import measuring
from unlearnable.methods.optimise import compared
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.progress.reporting import Silent
from unlearnable.protect.layout import layout_of
from unlearnable.protect.setup import load_all, make_ready


def session_on(settings: ProtectSettings, surrogates: Sequence[DualEncoder], scratch: Path) -> AnySession:
    """Return a session as `protect` starts it, whose files all lie in a folder that the caller removes."""
    photos = settings.photos[0]
    layout = layout_of(photos, scratch / "output")
    layout.progress.mkdir(parents=True)
    loaded = replace(load_all(settings, Silent()), surrogates=tuple(surrogates))
    run = make_ready(loaded, layout, open_dataset(photos, settings.captions), scratch, Silent())
    session: AnySession = run.method.start(compared(run.problem, run.method, settings, Silent()), settings)
    return session


def measure(session: AnySession) -> Tensor:
    """Return the current losses (n,) of all posts."""
    batches = measuring(session)
    while True:
        try:
            next(batches)
        except StopIteration as end:
            losses: Tensor = end.value
            return losses
