"""What `verify` reports."""

from __future__ import annotations

from typing import Literal

from unlearnable.results.common import BothWays, Record, Retrieval, SkippedRecord

Data = Literal["clean", "protected", "noise-only", "trigger-only", "random"]
Outcome = Literal["protected", "partly protected", "not protected", "cannot be judged"]


class GalleryRecord(Record):
    """What was ranked and what was trained on; the same for every victim and arm."""

    source: str
    photos: int
    captions: int
    split_seed: int
    train_photos: int
    train_pairs: int
    background_photos: int
    near_duplicates: list[str]


class References(Record):
    """What the cells are compared with: random ranking (exact), and each victim before it saw the posts."""

    random: BothWays
    pretrained: dict[str, BothWays]


class Cell(Record):
    """One victim trained on one arm with one seed, ranked on clean held-out photos and captions.

    `shortcut` ranks posts it was trained on as they were published, noise and trigger in place.
    """

    victim: str
    data: Data
    through: str
    seed: int
    epochs: int
    lr: float
    image_to_text: Retrieval
    text_to_image: Retrieval
    shortcut: BothWays | None = None
    loss_curve: list[float | None]
    medr_curve: list[float]
    seconds: float


class Finding(Record):
    """What one victim learnt through one attack, Hit@10 over the seeds, text -> image unless said.

    `effect` is the share of what clean posts teach that protection took away, against random ranking:
    (clean - protected) / (clean - random); `effect_pretrained` the same against the untrained victim. The
    outcome goes by the mean of both directions against the higher of the two references.
    """

    victim: str
    through: str
    clean_mean: float
    clean_std: float
    protected_mean: float
    protected_std: float
    protected_medr: float
    effect: float | None
    effect_image_to_text: float | None
    effect_pretrained: float | None
    outcome: Outcome


class VerifyReport(Record):
    """The outcome of a `verify` run. `verdict` begins with one of the outcomes."""

    schema_version: Literal[1] = 1
    originals: str
    protected: str
    output: str
    gallery: GalleryRecord
    references: References
    cells: list[Cell]
    findings: list[Finding]
    verdict: str
    required: list[str]
    missed: list[str]
    skipped: list[SkippedRecord]
    notes: list[str]
    seeds: list[int]
    from_scratch: bool
    batch_size: int
    smallest_crop: float
    device: str
    ran: int
    reused: int
    seconds: float
