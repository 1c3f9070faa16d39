"""Records that several commands report."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True)


class SkippedRecord(Record):
    """A photo or a caption row that was left out."""

    where: str
    reason: str
    detail: str


class Retrieval(Record):
    """How well a gallery is ranked in one direction: Hit@k in per cent, Medr a rank from 1."""

    hit1: float
    hit5: float
    hit10: float
    medr: float


class BothWays(Record):
    """How well a gallery is ranked in both directions."""

    image_to_text: Retrieval
    text_to_image: Retrieval


class EpochRecord(Record):
    """One epoch of training: mean loss, and ranks of the held-out photos where there are some. Epoch 0 is the start."""

    epoch: int
    loss: float | None
    image_to_text: Retrieval | None = None
    text_to_image: Retrieval | None = None
