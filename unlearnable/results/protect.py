"""What `protect` reports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unlearnable.results.common import Record, SkippedRecord


class ManifestLine(Record):
    """One photo of the private manifest; paths are relative to PHOTOS and to the output folder."""

    source: str
    output: str | None = None
    sha256_in: str | None = None
    sha256_out: str | None = None
    width: int | None = None
    height: int | None = None
    linf: int | None = None
    psnr: float | None = None
    ssim: float | None = None
    trigger: str = ""
    captions: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    status: Literal["protected", "skipped"] = "protected"
    reason: str | None = None
    detail: str | None = None


class SurrogateLoss(Record):
    """Loss of one surrogate on the clean posts and on the decoded files with the re-read captions.

    Attributes:
        surrogate: its name.
        clean_pretrained: pretrained, on the clean posts; photos of equal captions are not each other's negatives.
        clean_unmasked: the same where they are; the protected posts' loss has to be clearly below it.
        protected_pretrained: pretrained, on the written posts.
        protected_trained: trained on the protected posts, on the written posts.
    """

    surrogate: str
    clean_pretrained: float
    clean_unmasked: float
    protected_pretrained: float
    protected_trained: float


class TriggerFigures(Record):
    """How much the triggers of a run differ, one a photo, and how well they read.

    Attributes:
        distinct: different triggers.
        distinct_1: different words over all words.
        most_frequent: the trigger that stands most often.
        most_frequent_share: the share of the photos that have it.
        nats_per_word: negative log-likelihood of a trigger's word in its first caption, to the
            language model that offered it; None where none did.
    """

    distinct: int
    distinct_1: float
    most_frequent: str
    most_frequent_share: float
    nats_per_word: float | None = None


class ProtectReport(Record):
    """The outcome of a `protect` run.

    `loss_first` is the pretrained surrogates' loss on the clean posts, `loss_last` the trained
    surrogates' on the written files and captions, both means over the surrogates.
    """

    schema_version: Literal[1] = 1
    output: str
    private: str
    captions_file: str | None
    caption_format: str
    method: str
    photos: int
    protected: int
    captions: int
    skipped: list[SkippedRecord]
    linf_max: int
    psnr_mean: float
    psnr_min: float
    ssim_mean: float
    loss_first: float
    loss_last: float
    loss_rounds: list[float]
    losses: list[SurrogateLoss]
    rounds: int
    stopped: Literal["threshold", "rounds", "interrupted"]
    surrogates: list[str]
    trigger_roundtrip: float
    triggers: TriggerFigures | None = None
    run: str
    seed: int
    device: str
    seconds: float
    notes: list[str] = Field(default_factory=list)


class ProtectPlan(Record):
    """What `protect --dry-run` would do."""

    schema_version: Literal[1] = 1
    output: str
    caption_format: str
    photos: int
    captions: int
    skipped: list[SkippedRecord]
    surrogates: list[str]
    rounds_at_most: int
    seconds_estimated: float
    bytes_estimated: int
