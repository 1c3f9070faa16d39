"""Records and fields that several commands report."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from unlearnable.wording import storable_within


def version_of(package: str) -> str:
    """Return the version of an installed package, "missing" where there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def made_by() -> str:
    """Return what a report says of the versions that it was made by."""
    return ", ".join(f"{package} {version_of(package)}" for package in ("unlearnable", "torch", "open_clip_torch"))


class Record(BaseModel):
    """A frozen part of a report, whose texts UTF-8 can hold."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    _storable = field_validator("*", mode="before")(storable_within)


class StoredRecord(Record):
    """A record that a later run reads back: a field that this version does not know is an error, not a loss."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Report(Record):
    """What a command prints with `--json`."""

    schema_version: Literal[1] = Field(
        default=1, description="Version of this schema, raised when a field goes or changes its meaning."
    )


class RunReport(Report):
    """The outcome of a run on models."""

    output: str = Field(description="What was written: a folder, or the checkpoint of a training.")
    device: str = Field(description="Device that the models ran on, such as cpu or cuda.")
    made_by: str | None = Field(
        default=None, description="Versions of this program and of the libraries that compute; null in earlier reports."
    )
    seconds: float = Field(description="Wall-clock time of this run, in seconds.")


class SkippedRecord(Record):
    """A photo or a caption record that was left out."""

    where: str = Field(description="Id of the photo, or caption file and place of the record.")
    reason: str = Field(description="Kind of fault, one hyphenated word.")
    detail: str = Field(description="The fault in a few words.")

    @classmethod
    def of(cls, skipped: Any) -> Self:
        """Return the record of what a reader left out, a `posts.Skipped` (which this package is below)."""
        return cls(where=skipped.where, reason=skipped.reason, detail=skipped.detail)


class Retrieval(Record):
    """How well a gallery is ranked in one direction."""

    hit1: float = Field(description="Share of queries whose partner is ranked first, in per cent.")
    hit5: float = Field(description="Share of queries whose partner is among the first 5, in per cent.")
    hit10: float = Field(description="Share of queries whose partner is among the first 10, in per cent.")
    medr: float = Field(description="Median rank of the partner, from 1.")


class BothWays(Record):
    """How well a gallery is ranked in both directions."""

    image_to_text: Retrieval = Field(description="Each photo ranks all captions.")
    text_to_image: Retrieval = Field(description="Each caption ranks all photos.")


class TrainedRecord(StoredRecord):
    """A training with one seed, ranked afterwards."""

    victim: str = Field(description="Model that was trained.")
    through: str = Field(description="Attack that the posts went through first; png changes nothing.")
    seed: int = Field(description="Seed of the training.")
    epochs: int = Field(description="Passes over the posts.")
    lr: float = Field(description="Highest learning rate.")
    image_to_text: Retrieval = Field(description="Clean test photos rank captions; beside a crowd, the protected ones.")
    text_to_image: Retrieval = Field(description="Clean test captions rank photos; beside a crowd, the protected ones.")
    loss_curve: list[float | None] = Field(description="Mean training loss of each epoch, in nats.")
    medr_curve: list[float] = Field(description="Text→image Medr after each epoch, a rank from 1.")
    seconds: float = Field(description="Time of training and ranking, in seconds, over all runs of the cell.")


class StudyReport(RunReport):
    """The outcome of many trainings."""

    settings: dict[str, Any] | None = Field(
        default=None, description="All settings that have a value, by their names in run.toml; null in earlier reports."
    )
    skipped: list[SkippedRecord] = Field(description="Photos and caption records that were left out.")
    notes: list[str] = Field(description="Remarks for the user, such as how far the figures can be relied on.")
    ran: int = Field(description="Cells that this run trained, in its first process.")
    reused: int = Field(description="Cells that earlier runs trained.")


class EpochRecord(Record):
    """One epoch of training."""

    epoch: int = Field(description="Number of the epoch, from 1; 0 is the model before training.")
    loss: float | None = Field(description="Mean training loss of the epoch, in nats; null before training.")
    image_to_text: Retrieval | None = Field(default=None, description="Held-out photos rank captions.")
    text_to_image: Retrieval | None = Field(default=None, description="Held-out captions rank photos.")
