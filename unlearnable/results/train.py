"""What `train` reports."""

from __future__ import annotations

from typing import Literal

from unlearnable.results.common import EpochRecord, Record, SkippedRecord


class TrainReport(Record):
    """The outcome of a `train` run; saved beside the checkpoint."""

    schema_version: Literal[1] = 1
    output: str
    sha256: str
    model: str
    from_scratch: bool
    data: list[str]
    photos: int
    pairs: int
    held_out_photos: int
    skipped: list[SkippedRecord]
    epochs: int
    lr: float
    batch_size: int
    weight_decay: float
    warmup: float
    one_caption: bool
    precision: str
    seed: int
    processes: int
    device: str
    loss_curve: list[float | None]
    before: EpochRecord
    history: list[EpochRecord]
    seconds: float
