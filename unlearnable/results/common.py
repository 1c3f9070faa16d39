"""Records that several commands report."""

from __future__ import annotations

from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True)


class LeftOut(Protocol):
    """What a reader says about a photo or a caption row that it left out."""

    @property
    def where(self) -> str:
        """The place of the photo or the row."""

    @property
    def reason(self) -> str:
        """The reason, in one hyphenated word."""

    @property
    def detail(self) -> str:
        """The reason, in a few words."""


class SkippedRecord(Record):
    """A photo or a caption row that was left out."""

    where: str
    reason: str
    detail: str

    @classmethod
    def of(cls, skipped: LeftOut) -> Self:
        """Return the record of something that a reader left out."""
        return cls(where=skipped.where, reason=skipped.reason, detail=skipped.detail)


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
