"""What `benchmark` reports."""

from __future__ import annotations

from pydantic import Field

from unlearnable.results.common import (
    BothWays,
    DeviceName,
    LossCurve,
    MedrCurve,
    Record,
    Retrieval,
    RunSeconds,
    SchemaVersion,
    SkippedRecord,
    StoredRecord,
)
from unlearnable.results.paper import PaperRow, TableRecord


class BenchmarkCell(StoredRecord):
    """One victim trained on posts of which a fraction is protected by a method, ranked on clean test photos."""

    method: str = Field(description="name of the method in the tables, such as mem-3, or clean")
    surrogate: str | None = Field(description="model that the protection was made on; null for clean posts")
    victim: str = Field(description="model that was trained")
    same_family: bool | None = Field(
        description="whether surrogate and victim have the same kind of photo tower; null for clean posts"
    )
    fraction: float = Field(description="share of the posts that is protected, 0 to 1; 1 for clean posts")
    through: str = Field(description="attack that the posts went through first; png changes nothing")
    seed: int = Field(description="seed of the training and of the choice of the protected posts")
    epochs: int = Field(description="passes over the posts")
    lr: float = Field(description="highest learning rate")
    image_to_text: Retrieval = Field(description="each test photo ranks all captions")
    text_to_image: Retrieval = Field(description="each test caption ranks all photos")
    paper: PaperRow | None = Field(description="the paper's figures of the same cell; null where it has none")
    loss_curve: LossCurve
    medr_curve: MedrCurve
    triggers: list[str] = Field(description="triggers of the first posts; empty for methods without triggers")
    seconds: float = Field(description="time of training and ranking, in seconds")


class FluencyRecord(Record):
    """How captions with their triggers read to a judge, a language model that took no part in making the triggers."""

    photos: int = Field(description="photos that were read, the first of the training photos, one caption of each")
    nats_clean: float = Field(description="mean negative log-likelihood of a token of the clean captions, in nats")
    nats: float = Field(description="mean negative log-likelihood of a token of the published captions, in nats")
    auroc: float = Field(
        description="area under the ROC curve of telling published from clean captions by their nats; 0.5 is a guess"
    )


class ProtectionRecord(Record):
    """A protection that was made once and served several cells."""

    method: str = Field(description="name of the method in the tables, such as mem-3")
    surrogate: str = Field(description="model that the protection was made on")
    loss_first: float = Field(description="mean loss on the protected posts after the first round, in nats")
    loss_last: float = Field(description="mean loss on the protected posts after the last round, in nats")
    rounds: int = Field(description="rounds that were run")
    psnr_mean: float = Field(description="mean peak signal-to-noise ratio of the first protected photos, in dB")
    seconds: float = Field(description="time of making the protection, in seconds")
    fluency: FluencyRecord | None = Field(
        default=None, description="how its captions read; null without a trigger search or where the judge is missing"
    )


class BenchmarkReport(Record):
    """The outcome of a `benchmark` run."""

    schema_version: SchemaVersion = 1
    dataset: str = Field(description="name of the suite, such as flickr8k")
    title: str = Field(description="name of the data set in the paper")
    scale: str = Field(description="scale of the run: tiny, small or paper")
    data: str = Field(description="folder of the data set, or the suite's name where none was given")
    output: str = Field(description="folder of the cells, tables and figures")
    train_photos: int = Field(description="training photos")
    train_pairs: int = Field(description="pairs of training photos and their captions")
    test_photos: int = Field(description="test photos that were ranked")
    test_captions: int = Field(description="test captions that were ranked")
    random: BothWays = Field(description="the gallery in random order, by formula")
    random_paper: PaperRow | None = Field(description="random ranking in the paper; null where it gives none")
    random_measured: BothWays = Field(description="the gallery ranked by random features, once")
    pretrained: dict[str, BothWays] = Field(
        description="each victim before training, by its name; empty where victims begin at random weights"
    )
    pretrained_paper: dict[str, PaperRow] = Field(description="the same in the paper, for victims it has")
    transfer_paper: PaperRow | None = Field(
        default=None,
        description="MEM-3 on RN50 in the paper's Table 2, which differs from its Table 1; null where it has none",
    )
    roles: dict[str, str] = Field(description="architecture of the paper that each victim stands for")
    differs: list[str] = Field(description="where the set-up differs from the paper's, a sentence each")
    protections: list[ProtectionRecord] = Field(description="protections, by the method's name in the cells")
    unread: str = Field(default="", description="why the judge has not read the captions; empty where it has")
    cells: list[BenchmarkCell] = Field(description="every training")
    tables: list[TableRecord] = Field(description="the paper's tables, as far as there are cells for them")
    figures: list[str] = Field(description="paths of the figures, relative to `output`")
    skipped: list[SkippedRecord] = Field(description="photos and caption records that were left out")
    notes: list[str] = Field(description="remarks on this run for the user")
    device: DeviceName
    ran: int = Field(description="cells that this run trained")
    reused: int = Field(description="cells that an earlier run had trained")
    seconds: RunSeconds


class PlannedCell(Record):
    """A cell that `benchmark` would run, or has run."""

    method: str = Field(description="name of the method in the tables, such as mem-3, or clean")
    surrogate: str | None = Field(description="model that the protection is made on; null for clean posts")
    victim: str = Field(description="model to be trained")
    fraction: float = Field(description="share of the posts that is protected, 0 to 1; 1 for clean posts")
    through: str = Field(description="attack that the posts go through first; png changes nothing")
    seed: int = Field(description="seed of the training and of the choice of the protected posts")
    done: bool = Field(description="whether an earlier run trained it")
    seconds: float = Field(description="estimated time of the training, in seconds; 0 where it is done")


class BenchmarkPlan(Record):
    """What `benchmark --list` says a run would do."""

    schema_version: SchemaVersion = 1
    dataset: str = Field(description="name of the suite, such as flickr8k")
    scale: str = Field(description="scale of the run: tiny, small or paper")
    train_photos: int = Field(description="training photos")
    cells: list[PlannedCell] = Field(description="every cell, done or not")
    protection_seconds: dict[str, float] = Field(
        description="estimated time of each protection still to be made, in seconds, by method"
    )
    seconds: float = Field(description="estimated time of all that is left to do, in seconds")
