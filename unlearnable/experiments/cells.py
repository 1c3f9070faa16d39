"""Run one cell of an experiment: train a victim on an arm and rank the gallery with it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from unlearnable.config import Recipe
from unlearnable.evaluation.embed import retrieve
from unlearnable.evaluation.idia import Identities, recognised
from unlearnable.evaluation.retrieval import Ranks
from unlearnable.evaluation.scores import queries_of, scores
from unlearnable.experiments.arms import Arm
from unlearnable.experiments.cell_store import PRECISION, Key
from unlearnable.experiments.fit import TrainingTask, fit
from unlearnable.experiments.models import ModelPool
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.posts.pairs import Pairs
from unlearnable.progress.reporting import Progress
from unlearnable.registry import fitting
from unlearnable.results import BothWays, EpochRecord
from unlearnable.training.attacker import PLAIN, Attacker


@dataclass(frozen=True)
class Experiment:
    """The models and the gallery that all cells share.

    Attributes:
        pool: victims before their training.
        gallery: clean held-out photos and captions.
        gallery_digest: hex SHA-256 of everything that the gallery depends on.
        version: version of the cells, by `version_of_cells`; those of another version are run again.
        queries: number of the gallery's first photos, whose queries make the scores; None for all.
        identities: people whom trained victims are asked for, if any.
    """

    pool: ModelPool
    gallery: Pairs
    gallery_digest: str
    version: str
    queries: int | None = None
    identities: Identities | None = None

    def key(self, victim: str, arm_digest: str, recipe: Recipe, start_seed: int, **further: str | float) -> Key:
        """Return the key of a cell: everything that its result depends on.

        Of the machine it holds the number format alone. Threads and versions of torch change what is rounded,
        which is less than another seed does, and would part the cells of two machines that share a folder.
        """
        return {
            "version": self.version,
            "victim": self.pool.digest(victim),
            "start_seed": start_seed if self.pool.from_scratch else None,
            "arm": arm_digest,
            "gallery": self.gallery_digest,
            "recipe": recipe.model_dump_json(exclude={PRECISION}),
            PRECISION: self.pool.number_format(victim, recipe.precision),
            **({} if self.queries is None else {"queries": self.queries}),
            **({} if self.identities is None else {"identities": self.identities.sha256}),
            **further,
        }

    @property
    def photo_of_caption(self) -> list[int]:
        """The photo of each caption whose query counts, in the order of `counted`."""
        photos: list[int] = self.gallery.photos.tolist()
        return photos if self.queries is None else [photo for photo in photos if photo < self.queries]

    def counted(self, ranks: Ranks) -> Ranks:
        """Return the ranks of the queries that count, of those of the whole gallery."""
        return queries_of(ranks, self.gallery, self.queries)

    def score(self, ranks: Ranks) -> BothWays:
        """Return Hit@k and Medr of a ranked gallery, of the queries that count."""
        return scores(self.counted(ranks))


@dataclass(frozen=True)
class Trained:
    """A trained victim with its figures.

    Attributes:
        model: trained model.
        history: loss and held-out ranks of every epoch.
        ranks: ranks of all queries of the gallery.
        scores: Hit@k and Medr on the gallery, of the queries that count.
        recognised: whether the model recognises each of the identities; None where it was not asked.
        seconds: seconds that training and ranking took, those of earlier runs up to their last checkpoint too.
    """

    model: DualEncoder
    history: list[EpochRecord]
    ranks: Ranks
    scores: BothWays
    recognised: list[bool] | None
    seconds: float

    @property
    def loss_curve(self) -> list[float | None]:
        """The mean loss of every epoch."""
        return [epoch.loss for epoch in self.history]

    @property
    def medr_curve(self) -> list[float]:
        """The text-to-image Medr after every epoch."""
        return [epoch.text_to_image.medr for epoch in self.history if epoch.text_to_image]


@dataclass(frozen=True)
class CellTraining:
    """The training of one cell.

    Attributes:
        title: title of the progress phase.
        arm: posts to train on.
        recipe: how the model is trained.
        attacker: who trains.
        checkpoint: file to resume from, or None.
        key: what the checkpoint is bound to.
    """

    title: str
    arm: Arm
    recipe: Recipe
    attacker: Attacker = PLAIN
    checkpoint: Path | None = None
    key: str = ""


def run(experiment: Experiment, model: DualEncoder, training: CellTraining, progress: Progress) -> Trained:
    """Train a model in place and rank the gallery; `progress` receives one step per batch.

    Raises:
        ConfigError: the attacker, of an installed package, gives no pairs or no batch.
    """
    began, attacker = time.monotonic(), training.attacker
    pairs = fitting(attacker.choose(model, training.arm.pairs()), Pairs, f"the choice of {attacker.title}")
    gallery, asked = experiment.gallery, experiment.identities
    task = TrainingTask(
        pairs, gallery, training.recipe, training.checkpoint, training.key, attacker, experiment.queries
    )
    progress.phase(training.title, task.steps)
    trace, ranks = fit(model, task, progress), retrieve(model, gallery)
    known = None if asked is None else recognised(model, gallery, asked)
    seconds = round(trace.earlier + time.monotonic() - began, 1)
    return Trained(model, trace.epochs, ranks, experiment.score(ranks), known, seconds)
