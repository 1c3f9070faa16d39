"""Reports of the studies, `verify` and `benchmark`: their cells, what these say, and the paper's figures beside."""

from typing import Literal

from pydantic import Field

from unlearnable.report.common import BothWays, Record, Report, Retrieval, StoredRecord, StudyReport, TrainedRecord

CrowdArm = Literal["clean", "protected", "half", "absent"]


class CrowdCell(Record):
    """One training beside a crowd: how well it finds the crowd's photos, and who is recognised."""

    other_text_ranks: list[int] = Field(description="Rank, from 1, of each held-out caption of the crowd.")
    recognised: list[bool] | None = Field(description="Whether each protected person is known by name (IDIA).")


class MeanRetrieval(Retrieval):
    """Scores of one direction as means over seeds, with the interval of Hit@10."""

    low: float = Field(description="Lower end of the 95 % interval of Hit@10, over photos and seeds, in per cent.")
    high: float = Field(description="Its upper end, in per cent.")


class CrowdScores(Record):
    """What one victim learnt of the protected people from one arm, and how well it finds the crowd's photos."""

    image_to_text: MeanRetrieval = Field(description="Each photo of the protected people ranks all captions.")
    text_to_image: MeanRetrieval = Field(description="Each caption of the protected people ranks all photos.")
    idia_tpr: float | None = Field(description="Share of protected people known by name, 0 to 1; null without names.")
    idia_fpr: float | None = Field(description="The same share by a model trained without their posts, 0 to 1.")
    others_text_to_image: MeanRetrieval = Field(description="Each caption of the crowd ranks all photos.")


class FurtherScores(CrowdScores):
    """The same through another attack or by another attacker."""

    arm: CrowdArm = Field(description="What was trained on beside the crowd.")
    victim: str = Field(description="Model that was trained.")
    through: str = Field(description="Attack that protected posts went through first.")
    attacker: str = Field(description="What was done in the training; plain is nothing.")


class CrowdRecord(Record):
    """What models learnt of the protected people, each trained together with the crowd's clean posts."""

    protected_people: int | None = Field(description="People whose posts were protected; null without names.")
    crowd_people: int | None = Field(description="People in the crowd; null without names.")
    source: str = Field(description="Where the crowd's held-out photos come from, in words.")
    held_out: int = Field(description="Held-out photos of the protected people, whose queries are ranked.")
    crowd_held_out: int = Field(description="Held-out photos of the crowd in the same gallery.")
    leaked: int = Field(description="Photos of the protected people that are clean in the arm half.")
    names: int | None = Field(description="Names that IDIA has a model choose from; null without names.")
    arms: dict[CrowdArm, dict[str, CrowdScores]] = Field(description="Scores by arm and victim.")
    through: str = Field(description="The first attack, which the protected posts in `arms` went through.")
    attacker: str = Field(description="The first attacker, who trained on all posts in `arms`; plain does nothing.")
    further: list[FurtherScores] = Field(description="Scores through further attacks and by further attackers.")
    in_words: str = Field(description="The worst of it in a sentence for people.")
    notes: list[str] = Field(description="Why figures are missing, and how far they can be relied on.")


ArmName = Literal["clean", "protected", "noise-only", "trigger-only", "random", "absent", "half"]
Role = Literal["surrogate", "held-out"]
Direction = Literal["image_to_text", "text_to_image"]
Outcome = Literal["holds", "does not hold", "too few posts to tell"]


class GalleryRecord(Record):
    """The photos that were ranked and trained on; the same for every victim and arm."""

    source: str = Field(description="Where the held-out photos come from, in words.")
    photos: int = Field(description="Held-out photos that were ranked.")
    captions: int = Field(description="Held-out captions that were ranked.")
    split_seed: int = Field(description="Seed of the split into training and held-out photos.")
    train_photos: int = Field(description="Photos of the user that victims were trained on.")
    train_pairs: int = Field(description="Pairs of these photos and their captions.")
    background_photos: int = Field(description="Photos of the crowd that victims were trained on besides.")
    near_duplicates: list[str] = Field(description="Photos left out of training, as near-duplicates of held-out ones.")
    photo_of_caption: list[int] = Field(
        default=[],
        description="Photo of each caption, from 0, in the order of a cell's ranks; empty if each has one.",
    )


class References(Record):
    """Scores that the cells are compared with."""

    random: BothWays = Field(description="The gallery in random order, by formula.")
    pretrained: dict[str, BothWays] = Field(description="Each victim before training; empty if weights were random.")


class RanksRecord(StoredRecord):
    """The rank of the right partner, from 1, of each query of the gallery, beside a crowd of the protected people."""

    image_to_text: list[int] = Field(description="Rank of the best of its captions, for each held-out photo.")
    text_to_image: list[int] = Field(description="Rank of its photo, for each held-out caption.")


class Cell(TrainedRecord):
    """One victim trained on one arm, through one attack, by one attacker, with one seed; ranked on held-out posts."""

    data: ArmName = Field(description="Arm: the version of the posts it was trained on.")
    attacker: str = Field(default="plain", description="What was done in the training; plain is nothing.")
    ranks: RanksRecord | None = Field(default=None, description="Ranks that these scores are made of, a query each.")
    shortcut: BothWays | None = Field(default=None, description="Ranking of protected training posts as published.")
    crowd: CrowdCell | None = Field(default=None, description="What else was ranked beside a crowd; null without one.")


class Finding(Record):
    """What one victim learnt through one attack and by one attacker, over the seeds.

    An effect is the share of what clean posts teach, in Hit@10 over a reference, that protection took away:
    (clean - protected) / (clean - reference). It is null where clean posts teach too little to tell.
    """

    victim: str = Field(description="Model that was trained.")
    through: str = Field(description="Attack that the posts went through first.")
    attacker: str = Field(default="plain", description="What was done in the training; plain is nothing.")
    adaptive: bool = Field(default=False, description="Whether attack or attacker knows this tool.")
    clean_mean: float = Field(description="Mean text→image Hit@10 after training on clean posts, in per cent.")
    clean_low: float | None = Field(default=None, description="Low end of its 95 % interval over photos and seeds.")
    clean_high: float | None = Field(default=None, description="High end of that interval.")
    clean_std: float = Field(description="Its standard deviation over the seeds, in percentage points.")
    protected_mean: float = Field(description="Mean text→image Hit@10 after training on protected posts, in per cent.")
    protected_low: float | None = Field(default=None, description="Low end of its 95 % interval over photos and seeds.")
    protected_high: float | None = Field(default=None, description="High end of that interval.")
    protected_std: float = Field(description="Its standard deviation over the seeds, in percentage points.")
    protected_medr: float = Field(description="Mean text→image Medr after training on protected posts, a rank from 1.")
    effect: float | None = Field(description="Text→image effect against random ranking; 1 is all of it.")
    effect_low: float | None = Field(default=None, description="Low end of its 95 % interval; null if unknown.")
    effect_high: float | None = Field(default=None, description="High end of that interval.")
    effect_image_to_text: float | None = Field(description="Image→text effect against random ranking; 1 is all of it.")
    effect_pretrained: float | None = Field(description="The same against the untrained victim; null without one.")
    clean_through_mean: float | None = Field(default=None, description="`clean_mean` after the attack, in per cent.")
    effect_through: float | None = Field(default=None, description="`effect` with these clean posts.")
    outcome: Outcome = Field(
        description="By the interval of the effect, mean of both directions: from 0.5 it holds, below it does not, "
        "on both sides there are too few posts to tell."
    )
    judged_by: list[Direction] = Field(default=[], description="Directions that the outcome goes by.")


class WorstFinding(Record):
    """The finding where protection took away least, its scores the mean over the seeds."""

    victim: str = Field(description="Model that was trained.")
    through: str = Field(description="Attack that the posts went through first.")
    attacker: str = Field(description="What was done in the training; plain is nothing.")
    effect: float = Field(description="Effect against random ranking, mean of both directions; 1 is all of it.")
    effect_low: float | None = Field(default=None, description="Low end of its 95 % interval; null if unknown.")
    effect_high: float | None = Field(default=None, description="High end of that interval.")
    image_to_text: Retrieval = Field(description="Image→text scores after training on protected posts.")
    text_to_image: Retrieval = Field(description="Text→image scores after training on protected posts.")


class MatrixRow(Record):
    """What protection took away from each victim through one attack and by one attacker."""

    through: str = Field(description="Attack that the posts went through first.")
    attacker: str = Field(description="What was done in the training; plain is nothing.")
    adaptive: bool = Field(description="Whether either is made against this tool by someone who knows it.")
    effects: dict[str, float | None] = Field(description="Effect by victim, mean of both directions; null if unknown.")


class VictimRecord(Record):
    """What a victim is to the protection."""

    name: str = Field(description="Name of the model.")
    role: Role | None = Field(description="surrogate: protection was made on its weights; null if unknown.")
    family: str = Field(description="Kind of photo encoder, such as resnet or vit.")


class VerifyReport(StudyReport):
    """The outcome of a `verify` run."""

    originals: str = Field(description="Folder or caption file of the originals.")
    protected: str = Field(description="Folder of the protected copies.")
    gallery: GalleryRecord = Field(description="What was ranked and what was trained on.")
    references: References = Field(description="What the cells are compared with.")
    cells: list[Cell] = Field(description="Every training.")
    findings: list[Finding] = Field(description="What the cells say of each victim, attack and attacker.")
    victims: list[VictimRecord] = Field(default=[], description="What each victim is to the protection.")
    suite: str | None = Field(default=None, description="Set of attacks and attackers that was asked for, if any.")
    matrix: list[MatrixRow] = Field(default=[], description="Effects by attack and attacker, the worst row first.")
    not_tested: list[str] = Field(default=[], description="What attackers may do and was not tested.")
    verdict: str = Field(description="The findings in words, the worst outcome that is not adaptive first.")
    worst: WorstFinding | None = Field(default=None, description="The worst finding that is not adaptive.")
    worst_adaptive: WorstFinding | None = Field(default=None, description="The worst adaptive finding.")
    in_words: str = Field(default="", description="The worst finding in a sentence for people; empty if there is none.")
    crowd: CrowdRecord | None = Field(default=None, description="What was learnt of a few people among many.")
    required: list[str] = Field(description="Rules that were asked for, such as effect>=0.9.")
    missed: list[str] = Field(description="Rules that were missed, each with victim, attack and figure.")
    seeds: list[int] = Field(description="Seeds of the trainings.")
    from_scratch: bool = Field(description="Whether victims began at random weights.")
    batch_size: int = Field(description="Pairs in a contrastive batch.")
    smallest_crop: float = Field(description="Smallest share of a photo in a training crop, 0 to 1.")


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


class BenchmarkCell(TrainedRecord):
    """One victim trained on posts, a fraction of them protected by a method, ranked on clean test photos."""

    method: str = Field(description="Name of the method in the tables, such as mem-3, or clean.")
    surrogate: str | None = Field(description="Model that the protection was made on; null for clean posts.")
    same_family: bool | None = Field(description="Whether surrogate and victim have one kind of photo encoder.")
    fraction: float = Field(description="Share of the posts that is protected, 0 to 1; 1 for clean posts.")
    paper: PaperRow | None = Field(description="The paper's figures of the same cell; null where it has none.")
    triggers: list[str] = Field(description="Triggers of the first posts; empty for methods without triggers.")


class ProtectionRecord(Record):
    """A protection that was made once and served several cells."""

    method: str = Field(description="Name of the method in the tables, such as mem-3.")
    surrogate: str = Field(description="Model that the protection was made on.")
    loss_first: float = Field(description="Mean loss on the protected posts after the first round, in nats.")
    loss_last: float = Field(description="Mean loss on the protected posts after the last round, in nats.")
    rounds: int = Field(description="Rounds that were run.")
    psnr_mean: float = Field(description="Mean peak signal-to-noise ratio of the first protected photos, in dB.")
    seconds: float = Field(description="Time of making the protection, in seconds.")


class BenchmarkReport(StudyReport):
    """The outcome of a `benchmark` run."""

    dataset: str = Field(description="Name of the suite, such as flickr8k.")
    title: str = Field(description="Name of the data set in the paper.")
    scale: str = Field(description="Scale of the run: tiny, small or paper.")
    data: str = Field(description="Folder of the data set, or the suite's name where none was given.")
    train_photos: int = Field(description="Training photos.")
    train_pairs: int = Field(description="Pairs of training photos and their captions.")
    test_photos: int = Field(description="Test photos that were ranked.")
    test_captions: int = Field(description="Test captions that were ranked.")
    random: BothWays = Field(description="The gallery in random order, by formula.")
    random_paper: PaperRow | None = Field(description="Random ranking in the paper; null where it gives none.")
    pretrained: dict[str, BothWays] = Field(description="Each victim before training; empty from random weights.")
    pretrained_paper: dict[str, PaperRow] = Field(description="The same in the paper, for victims it has.")
    transfer_paper: PaperRow | None = Field(default=None, description="MEM-3 on RN50 in the paper's Table 2.")
    roles: dict[str, str] = Field(description="Architecture of the paper that each victim stands for.")
    differs: list[str] = Field(description="Where the set-up differs from the paper's, a sentence each.")
    protections: list[ProtectionRecord] = Field(description="Protections, by the method's name in the cells.")
    cells: list[BenchmarkCell] = Field(description="Every training.")
    tables: list[TableRecord] = Field(description="The paper's tables, as far as there are cells for them.")
    figures: list[str] = Field(description="Paths of the figures, relative to `output`.")


class BenchmarkPlan(Report):
    """What `benchmark --list` finds to do."""

    dataset: str = Field(description="Name of the suite, such as flickr8k.")
    scale: str = Field(description="Scale of the run: tiny, small or paper.")
    train_photos: int = Field(description="Training photos.")
    cells: list[str] = Field(description="Cells that would be run, each in words.")
    done: int = Field(description="Cells that an earlier run trained.")
