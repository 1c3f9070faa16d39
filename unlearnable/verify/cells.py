"""Cells: one victim trained on one version of the posts and ranked, stored by the hash of all that it depends on."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.precision import Encoder, in_bf16
from unlearnable.report import BothWays
from unlearnable.report.common import version_of
from unlearnable.settings import Precision
from unlearnable.storage import checksums, files
from unlearnable.storage.progress import Progress
from unlearnable.training.attacker import PLAIN, Attacker
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Recipe, TrainingTask, fit
from unlearnable.training.retrieval import Ranks, queries_of, retrieve, scores
from unlearnable.verify.identity import Identities, recognised
from unlearnable.wording import counted

C = TypeVar("C", bound=BaseModel)
Key = Mapping[str, str | int | float | None]
KEY, PRECISION = "key", "precision"
LONGEST = 160  # characters of a name; file systems take 255, and the rest of a file's name needs some


@dataclass(frozen=True)
class CellStore(Generic[C]):
    """The cells of one folder, which is created with the first one, as records of one class."""

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
        """Note how many files are damaged or of another version, where not all wanted cells (name, key) are there."""
        if all(self.read(name, key) is not None for name, key in wanted):
            return
        unusable = [path for path in self.folder.glob("*.json") if _version_in(path) != version]
        if unusable:
            why = f"damaged or of another version than {version}: what is wanted is run again"
            progress.note(f"{counted(len(unusable), 'cell')} in {self.folder} not used, {why}")


def _version_in(path: Path) -> object:
    try:
        return checksums.unseal_json(path.read_bytes())[KEY]["version"]
    except (OSError, ValueError, TypeError, LookupError):
        return None


def version_of_cells(number: int) -> str:
    """Return the version of cells, as in their keys: of this program, and the number of what a cell holds."""
    return f"unlearnable {version_of('unlearnable')}, cells {number}"


def digest_of(key: Key) -> str:
    """Return the hex SHA-256 of a key."""
    return hashlib.sha256(json.dumps(dict(key), sort_keys=True).encode()).hexdigest()


@dataclass
class ModelPool:
    """Surrogates and victims by name, on a torch device; trainings start from random weights where `from_scratch`."""

    device: str
    from_scratch: bool
    _loaded: dict[str, DualEncoder] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def pretrained(self, name: str) -> DualEncoder:
        """Return the model of that name; copies of it are trained. From scratch an architecture's name is enough.

        Raises:
            ModelError: the model is not available.
        """
        if name not in self._loaded:
            random = self.from_scratch and openclip.is_architecture(name)
            model = openclip.fresh(name, 0) if random else openclip.load(name)
            model.module.eval()
            self._loaded[name] = model.to(self.device)
        return self._loaded[name]

    def start(self, name: str, seed: int) -> DualEncoder:
        """Return a model to train: a copy, or one with new random weights drawn by `seed`."""
        model = self.pretrained(name)
        if not self.from_scratch:
            return model.clone()
        fresh = openclip.restart(model, seed)
        fresh.module.eval()
        return fresh.to(self.device)

    def architecture(self, name: str) -> dict[str, Any]:
        """Return the configuration of a model."""
        return self.pretrained(name).spec.config

    def number_format(self, name: str, precision: Precision, encoder: Encoder = "photo") -> str:
        """Return the number format that "auto" or another precision means for a model here: "bf16" or "fp32"."""
        return "bf16" if in_bf16(self.pretrained(name), precision, encoder) else "fp32"

    def digest(self, name: str) -> str:
        """Return the hex SHA-256 of the start of a model's trainings, apart from the seed; computed once per model."""
        if name not in self._digests:
            model = self.pretrained(name)
            weights = "random" if self.from_scratch else weights_sha256(model.module.state_dict())
            self._digests[name] = hashlib.sha256(f"{model.spec} {weights}".encode()).hexdigest()
        return self._digests[name]


def family(architecture: dict[str, Any]) -> str:
    """Return the kind of photo encoder: the stem of timm's name, or "resnet" or "vit" for CLIP's own."""
    vision = architecture["vision_cfg"]
    if "timm_model_name" in vision:
        return str(vision["timm_model_name"]).rstrip("0123456789")
    return "resnet" if isinstance(vision["layers"], list) else "vit"


@dataclass(frozen=True)
class Experiment:
    """The models and the gallery that all cells share."""

    pool: ModelPool
    gallery: Pairs  # clean held-out photos and captions
    gallery_digest: str  # hex SHA-256 of everything that the gallery depends on
    version: str  # of the cells, by `version_of_cells`; those of another version are run again
    queries: int | None = None  # number of the gallery's first photos, whose queries make the scores; None for all
    identities: Identities | None = None  # people whom trained victims are asked for

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


@dataclass(frozen=True)
class Trained:
    """A trained victim with its figures."""

    model: DualEncoder
    ranks: Ranks  # of all queries of the gallery
    scores: BothWays  # Hit@k and Medr of the queries that count
    recognised: list[bool] | None  # whether the model recognises each of the identities; None where it was not asked
    loss_curve: list[float | None]  # mean loss of every epoch
    medr_curve: list[float]  # text-to-image Medr after every epoch
    seconds: float  # of training and ranking, those of earlier runs up to their last checkpoint too


def train_victim(
    experiment: Experiment,
    model: DualEncoder,
    pairs: Pairs,
    recipe: Recipe,
    progress: Progress,
    *,
    title: str,
    attacker: Attacker = PLAIN,
    checkpoint: Path | None = None,
    key: str = "",
) -> Trained:
    """Train a model in place and rank the gallery; `progress` receives a phase of that title, one step per batch.

    A training with a checkpoint resumes from it, if it is of the same key.
    """
    began, gallery, asked = time.monotonic(), experiment.gallery, experiment.identities
    chosen = attacker.choose(model, pairs)
    task = TrainingTask(chosen, gallery, recipe, checkpoint, key, attacker, experiment.queries)
    progress.phase(title, task.steps)
    trace, ranks = fit(model, task, progress), retrieve(model, gallery)
    known = None if asked is None else recognised(model, gallery, asked)
    losses = [epoch.loss for epoch in trace.epochs]
    medr = [epoch.text_to_image.medr for epoch in trace.epochs if epoch.text_to_image]
    seconds = round(trace.earlier + time.monotonic() - began, 1)
    return Trained(model, ranks, scores(experiment.counted(ranks)), known, losses, medr, seconds)
