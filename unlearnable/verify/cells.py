"""Cells: one victim trained on one arm and ranked, stored by the hash of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from unlearnable.errors import InputError
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.report import BothWays, EpochRecord
from unlearnable.report.common import version_of
from unlearnable.storage import checksums, files
from unlearnable.storage.progress import Progress
from unlearnable.training.attacker import PLAIN, Attacker
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.training.retrieval import Ranks, queries_of, retrieve, scores
from unlearnable.verify.identity import Identities, recognised
from unlearnable.verify.victims import ModelPool
from unlearnable.wording import counted


class Arm(Protocol):
    """One version of the training posts, such as the protected ones after a scraper's JPEG."""

    def pairs(self) -> Pairs:
        """Return the photos and captions to train on."""


def leaked_posts(count: int, share: float, seed: int) -> frozenset[int]:
    """Return the numbers of the posts, of `count`, that leaked before they were protected: at least one, but not all.

    Raises:
        InputError: there are fewer than two posts.
    """
    if count < 2:
        raise InputError(
            f"{count} photo of the protected people to train on is too few: one is to leak, and one not",
            hint="use more photos, or hold fewer out",
        )
    return frozenset(random.Random(seed).sample(range(count), min(max(1, round(share * count)), count - 1)))


C = TypeVar("C", bound=BaseModel)
Key = Mapping[str, str | int | float | None]
KEY, PRECISION = "key", "precision"
OTHER_FORMAT = {"bf16": "fp32", "fp32": "bf16"}
DAMAGED = "damaged"
LONGEST = 160  # characters of a name; file systems take 255, and the rest of a file's name needs some


@dataclass(frozen=True)
class CellStore(Generic[C]):
    """The cells of one folder.

    Attributes:
        folder: folder of the cells; it is created with the first cell.
        kind: class of the records.
    """

    folder: Path
    kind: type[C]

    def path(self, name: str, key: Key) -> Path:
        """Return the path of the cell of a key: `<name>-<hash8>.json`, a long name cut short."""
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:LONGEST]
        return self.folder / f"{plain}-{digest_of(key)[:8]}.json"

    def read(self, name: str, key: Key) -> C | None:
        """Return the cell of a key, or None if it was not run, or its file has another key or cannot be read."""
        try:
            content = checksums.unseal_json(self.path(name, key).read_bytes())
            return self.kind.model_validate(content) if content.pop(KEY, None) == dict(key) else None
        except (OSError, ValueError, TypeError, AttributeError):  # whatever the file holds, it is not a cell
            return None

    def write(self, name: str, key: Key, cell: C) -> None:
        """Write the cell of a key."""
        content = {**cell.model_dump(mode="json"), KEY: dict(key)}
        files.write_text(self.path(name, key), checksums.seal_json(content))

    def report_unusable(self, version: str, wanted: Iterable[tuple[str, Key]], progress: Progress) -> None:
        """Note which files are of no use, and why, where cells are wanted that are not there.

        Args:
            version: version of the cells that are wanted, as in their keys.
            wanted: name and key of each.
            progress: receives the notes.
        """
        missing = [(name, key) for name, key in wanted if self.read(name, key) is None]
        if not missing:
            return
        versions = [self._version(path) for path in sorted(self.folder.glob("*.json"))]
        if damaged := versions.count(DAMAGED):
            progress.note(f"{counted(damaged, 'damaged cell')} in {self.folder}, run again")
        why = f"not used, as each version may train otherwise than {version}: what is wanted is run again"
        if others := len(versions) - damaged - versions.count(version):
            progress.note(f"{counted(others, 'cell')} of another version in {self.folder}, {why}")
        for here, there in OTHER_FORMAT.items():
            like = [(name, {**key, PRECISION: there}) for name, key in missing if key.get(PRECISION) == here]
            if found := sum(self.read(name, key) is not None for name, key in like):
                why = f"not used, as this run trains in {here}: what is wanted is run again"
                progress.note(f"{counted(found, 'cell')} trained in {there} in {self.folder}, {why}")

    @staticmethod
    def _version(path: Path) -> object:
        """Return the version in the key of a file; None without a key, `DAMAGED` if it is not as it was written."""
        try:
            return checksums.unseal_json(path.read_bytes())[KEY]["version"]
        except (OSError, ValueError):
            return DAMAGED
        except (TypeError, LookupError):
            return None


def version_of_cells(number: int) -> str:
    """Return the version of cells, as in their keys: of this program, which another one may differ from in whatever
    makes a figure, and the number of what a cell holds.
    """
    return f"unlearnable {version_of('unlearnable')}, cells {number}"


def digest_of(key: Key) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()


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
            "recipe": json.dumps({name: value for name, value in asdict(recipe).items() if name != PRECISION}),
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
    """Train a model in place and rank the gallery; `progress` receives one step per batch."""
    began, attacker = time.monotonic(), training.attacker
    pairs = attacker.choose(model, training.arm.pairs())
    gallery, asked = experiment.gallery, experiment.identities
    task = TrainingTask(
        pairs, gallery, training.recipe, training.checkpoint, training.key, attacker, experiment.queries
    )
    progress.phase(training.title, task.steps)
    trace, ranks = fit(model, task, progress), retrieve(model, gallery)
    known = None if asked is None else recognised(model, gallery, asked)
    seconds = round(trace.earlier + time.monotonic() - began, 1)
    return Trained(model, trace.epochs, ranks, experiment.score(ranks), known, seconds)
