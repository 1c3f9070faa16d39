"""Report, plan and cells of `benchmark`, with the paper's figures beside ours."""

from __future__ import annotations

from pydantic import Field

from unlearnable.report.common import (
    BothWays,
    DeviceName,
    LossCurve,
    MadeBy,
    MedrCurve,
    Record,
    Retrieval,
    RunSeconds,
    RunSettings,
    SchemaVersion,
    SkippedRecord,
    StoredRecord,
)


class PaperFigures(Record):
    """One direction of a row in the paper."""

    hit10: float | None = Field(description="Hit@10, in per cent; null where the table gives Medr alone.")
    medr: float = Field(description="Medr, a rank from 1.")


class PaperRow(Record):
    """A row of the paper that a cell is compared with."""

    table: int = Field(description="Number of the table in the paper.")
    image_to_text: PaperFigures = Field(description="Image→text figures.")
    text_to_image: PaperFigures = Field(description="Text→image figures.")


class TableRecord(Record):
    """A table in the paper's layout, as text; the first cell of a row names it, the others are figures."""

    title: str = Field(description="Number and subject of the table.")
    heads: list[str] = Field(description="Heads of the columns.")
    rows: list[list[str]] = Field(description="Cells of each row, ours / the paper's.")
    notes: list[str] = Field(description="What the figures mean and where the set-up differs, a sentence each.")


class BenchmarkCell(StoredRecord):
    """One victim trained on posts, a fraction of them protected by a method, ranked on clean test photos."""

    method: str = Field(description="Name of the method in the tables, such as mem-3, or clean.")
    surrogate: str | None = Field(description="Model that the protection was made on; null for clean posts.")
    victim: str = Field(description="Model that was trained.")
    same_family: bool | None = Field(description="Whether surrogate and victim have one kind of photo encoder.")
    fraction: float = Field(description="Share of the posts that is protected, 0 to 1; 1 for clean posts.")
    through: str = Field(description="Attack that the posts went through first; png changes nothing.")
    seed: int = Field(description="Seed of the training and of the choice of the protected posts.")
    epochs: int = Field(description="Passes over the posts.")
    lr: float = Field(description="Highest learning rate.")
    image_to_text: Retrieval = Field(description="Each test photo ranks all captions.")
    text_to_image: Retrieval = Field(description="Each test caption ranks all photos.")
    paper: PaperRow | None = Field(description="The paper's figures of the same cell; null where it has none.")
    loss_curve: LossCurve
    medr_curve: MedrCurve
    triggers: list[str] = Field(description="Triggers of the first posts; empty for methods without triggers.")
    seconds: float = Field(description="Time of training and ranking, in seconds, over all runs of the cell.")


class ProtectionRecord(Record):
    """A protection that was made once and served several cells."""

    method: str = Field(description="Name of the method in the tables, such as mem-3.")
    surrogate: str = Field(description="Model that the protection was made on.")
    loss_first: float = Field(description="Mean loss on the protected posts after the first round, in nats.")
    loss_last: float = Field(description="Mean loss on the protected posts after the last round, in nats.")
    rounds: int = Field(description="Rounds that were run.")
    psnr_mean: float = Field(description="Mean peak signal-to-noise ratio of the first protected photos, in dB.")
    seconds: float = Field(description="Time of making the protection, in seconds.")


class BenchmarkReport(Record):
    """The outcome of a `benchmark` run."""

    schema_version: SchemaVersion = 1
    dataset: str = Field(description="Name of the suite, such as flickr8k.")
    title: str = Field(description="Name of the data set in the paper.")
    scale: str = Field(description="Scale of the run: tiny, small or paper.")
    data: str = Field(description="Folder of the data set, or the suite's name where none was given.")
    output: str = Field(description="Folder of the cells, tables and figures.")
    train_photos: int = Field(description="Training photos.")
    train_pairs: int = Field(description="Pairs of training photos and their captions.")
    test_photos: int = Field(description="Test photos that were ranked.")
    test_captions: int = Field(description="Test captions that were ranked.")
    random: BothWays = Field(description="The gallery in random order, by formula.")
    random_paper: PaperRow | None = Field(description="Random ranking in the paper; null where it gives none.")
    random_measured: BothWays = Field(description="The gallery ranked by random features, once.")
    pretrained: dict[str, BothWays] = Field(description="Each victim before training; empty from random weights.")
    pretrained_paper: dict[str, PaperRow] = Field(description="The same in the paper, for victims it has.")
    transfer_paper: PaperRow | None = Field(default=None, description="MEM-3 on RN50 in the paper's Table 2.")
    roles: dict[str, str] = Field(description="Architecture of the paper that each victim stands for.")
    differs: list[str] = Field(description="Where the set-up differs from the paper's, a sentence each.")
    protections: list[ProtectionRecord] = Field(description="Protections, by the method's name in the cells.")
    cells: list[BenchmarkCell] = Field(description="Every training.")
    tables: list[TableRecord] = Field(description="The paper's tables, as far as there are cells for them.")
    figures: list[str] = Field(description="Paths of the figures, relative to `output`.")
    skipped: list[SkippedRecord] = Field(description="Photos and caption records that were left out.")
    notes: list[str] = Field(description="Remarks on this run for the user.")
    device: DeviceName
    made_by: MadeBy = None
    settings: RunSettings = None
    ran: int = Field(description="Cells that this run trained, in its first process.")
    reused: int = Field(description="Cells that an earlier run, or another process of this one, trained.")
    seconds: RunSeconds


class PlannedCell(Record):
    """A cell that `benchmark` would run, or has run."""

    method: str = Field(description="Name of the method in the tables, such as mem-3, or clean.")
    surrogate: str | None = Field(description="Model that the protection is made on; null for clean posts.")
    victim: str = Field(description="Model to be trained.")
    fraction: float = Field(description="Share of the posts that is protected, 0 to 1; 1 for clean posts.")
    through: str = Field(description="Attack that the posts go through first; png changes nothing.")
    seed: int = Field(description="Seed of the training and of the choice of the protected posts.")
    done: bool = Field(description="Whether an earlier run trained it.")


class BenchmarkPlan(Record):
    """What a benchmark run would do."""

    schema_version: SchemaVersion = 1
    dataset: str = Field(description="Name of the suite, such as flickr8k.")
    scale: str = Field(description="Scale of the run: tiny, small or paper.")
    train_photos: int = Field(description="Training photos.")
    cells: list[PlannedCell] = Field(description="Every cell, done or not.")
