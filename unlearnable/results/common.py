"""Records and types of fields that several commands report."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

SchemaVersion = Annotated[
    Literal[1], Field(description="version of this schema, raised when a field goes or changes its meaning")
]
DeviceName = Annotated[str, Field(description="device that the models ran on, such as cpu or cuda")]
RunSeconds = Annotated[float, Field(description="wall-clock time of this run, in seconds")]
LossCurve = Annotated[list[float | None], Field(description="mean training loss of each epoch, in nats")]
MedrCurve = Annotated[list[float], Field(description="text→image Medr after each epoch, a rank from 1")]


class Record(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True)


class StoredRecord(Record):
    """A record that a later run reads back: a field that this version does not know is an error, not a loss."""

    model_config = ConfigDict(extra="forbid")


class LeftOut(Protocol):
    """What a reader says about a photo or a caption record that it left out."""

    @property
    def where(self) -> str:
        """The place of the photo or the record."""

    @property
    def reason(self) -> str:
        """The reason, in one hyphenated word."""

    @property
    def detail(self) -> str:
        """The reason, in a few words."""


class SkippedRecord(Record):
    """A photo or a caption record that was left out."""

    where: str = Field(description="id of the photo, or caption file and place of the record")
    reason: str = Field(description="kind of fault, one hyphenated word")
    detail: str = Field(description="the fault in a few words")

    @classmethod
    def of(cls, skipped: LeftOut) -> Self:
        """Return the record of something that a reader left out."""
        return cls(where=skipped.where, reason=skipped.reason, detail=skipped.detail)


class Retrieval(Record):
    """How well a gallery is ranked in one direction."""

    hit1: float = Field(description="share of queries whose partner is ranked first, in per cent")
    hit5: float = Field(description="share of queries whose partner is among the first 5, in per cent")
    hit10: float = Field(description="share of queries whose partner is among the first 10, in per cent")
    medr: float = Field(description="median rank of the partner, from 1")


class BothWays(Record):
    """How well a gallery is ranked in both directions."""

    image_to_text: Retrieval = Field(description="each photo ranks all captions")
    text_to_image: Retrieval = Field(description="each caption ranks all photos")


class EpochRecord(Record):
    """One epoch of training."""

    epoch: int = Field(description="number of the epoch, from 1; 0 is the model before training")
    loss: float | None = Field(description="mean training loss of the epoch, in nats; null before training")
    image_to_text: Retrieval | None = Field(
        default=None, description="held-out photos rank captions; null where no photo is held out"
    )
    text_to_image: Retrieval | None = Field(
        default=None, description="held-out captions rank photos; null where no photo is held out"
    )
