"""What `benchmark` reports."""

from __future__ import annotations

from typing import Literal

from unlearnable.results.common import BothWays, Record, Retrieval, SkippedRecord


class PaperFigures(Record):
    """One direction of a row in the paper; some of its tables give Medr alone."""

    hit10: float | None
    medr: float


class PaperRow(Record):
    """The figures of the paper that a cell stands beside, and the table they are from."""

    table: int
    image_to_text: PaperFigures
    text_to_image: PaperFigures


class BenchmarkCell(Record):
    """One victim trained on posts of which a fraction is protected by a method; ranked on clean test photos.

    `surrogate` is None for clean posts, and `same_family` then too. `triggers` are those of the first posts.
    """

    method: str
    surrogate: str | None
    victim: str
    same_family: bool | None
    fraction: float
    through: str
    seed: int
    epochs: int
    lr: float
    image_to_text: Retrieval
    text_to_image: Retrieval
    paper: PaperRow | None
    loss_curve: list[float | None]
    medr_curve: list[float]
    triggers: list[str]
    seconds: float


class TableRecord(Record):
    """A table in the paper's layout: a title, heads, rows of text, and where the set-up differs."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    notes: list[str]


class FluencyRecord(Record):
    """How captions with their triggers read to a language model that no trigger was made with, and to a detector.

    Attributes:
        photos: that were read, the first of the training photos, of each its first caption.
        nats_clean: mean negative log-likelihood of a token of the clean captions, in nats.
        nats: the same of the captions with their triggers.
        auroc: of telling captions with a trigger from the same captions without by these nats;
            0.5 is a guess, 1 is certain.
    """

    photos: int
    nats_clean: float
    nats: float
    auroc: float


class ProtectionRecord(Record):
    """What was made once and served several cells.

    `fluency` is None for methods that search for no trigger, and where the judge has not read the captions.
    """

    method: str
    surrogate: str
    loss_first: float
    loss_last: float
    rounds: int
    psnr_mean: float
    seconds: float
    fluency: FluencyRecord | None = None


class BenchmarkReport(Record):
    """The outcome of a `benchmark` run; `pretrained` is empty where victims begin at random weights.

    `roles` names the architecture of the paper that a victim stands for, `differs` what is not as in the paper.
    `transfer_paper` is MEM-3 on RN50 in the paper's Table 2, where it has other figures than in its Table 1.
    `protections` have the methods' names of the cells. `unread` says why the judge has not read their captions, where
    it has not.
    """

    schema_version: Literal[1] = 1
    dataset: str
    title: str
    scale: str
    data: str
    output: str
    train_photos: int
    train_pairs: int
    test_photos: int
    test_captions: int
    random: BothWays
    random_paper: PaperRow | None
    random_measured: BothWays
    pretrained: dict[str, BothWays]
    pretrained_paper: dict[str, PaperRow]
    transfer_paper: PaperRow | None = None
    roles: dict[str, str]
    differs: list[str]
    protections: list[ProtectionRecord]
    unread: str = ""
    cells: list[BenchmarkCell]
    tables: list[TableRecord]
    figures: list[str]
    skipped: list[SkippedRecord]
    notes: list[str]
    device: str
    ran: int
    reused: int
    seconds: float


class PlannedCell(Record):
    """A cell as `--list` shows it: whether it is there already, else about how long it will take."""

    method: str
    surrogate: str | None
    victim: str
    fraction: float
    through: str
    seed: int
    done: bool
    seconds: float


class BenchmarkPlan(Record):
    """What a `benchmark` run would do; `protection_seconds` is the estimate of each protection still to be made."""

    schema_version: Literal[1] = 1
    dataset: str
    scale: str
    train_photos: int
    cells: list[PlannedCell]
    protection_seconds: dict[str, float]
    seconds: float
