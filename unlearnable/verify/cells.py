"""Cells: one victim trained on one version of the posts and ranked, stored by the hash of all that it depends on."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from pydantic import BaseModel

from unlearnable.imaging.encode import Encoding, through
from unlearnable.imaging.picture import Noisy, Picture, grid_shape, working_copy
from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder, Encoder, in_bf16, weights_sha256
from unlearnable.models.tokens import default_vocabulary
from unlearnable.report import ArmName, BothWays, version_of
from unlearnable.settings import AS_PUBLISHED, Precision
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.training.data import DecodedPosts, Pairs, Pixels, Rgb8, pairs_of
from unlearnable.training.loop import PLAIN, Attacker, Recipe, TrainingTask, fit
from unlearnable.training.retrieval import Ranks, queries_of, retrieve, scores
from unlearnable.verify.attacks.base import Attack
from unlearnable.verify.copies import PostPair, read_both
from unlearnable.verify.crowd import Identities, recognised

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
            content = files.unseal_json(self.path(name, key).read_bytes())
            return self.kind.model_validate(content) if content.pop(KEY, None) == dict(key) else None
        except (OSError, ValueError, TypeError, AttributeError):  # whatever the file holds, it is not a cell
            return None

    def write(self, name: str, key: Key, cell: C) -> None:
        """Write the cell of a key."""
        content = {**cell.model_dump(mode="json"), KEY: dict(key)}
        files.write_text(self.path(name, key), files.seal_json(content))


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


MOST = 98  # per cent; with noise of 8/255 in photos at quality 85 to 96 they change by 7 or 8/255, all by 11 to 39/255
Version = Literal["clean", "protected", "random"]
VERSIONS: dict[ArmName, Version] = {  # of the photos; of other arms clean ones
    "protected": "protected",
    "noise-only": "protected",
    "half": "protected",
    "random": "random",
}


@dataclass
class Arms:
    """The photos and captions of the training posts in every version, through every attack, that a run needs."""

    posts: Sequence[PostPair]
    side: int  # largest image size of the victims, in pixels
    scratch: Path  # folder for working copies, which the caller removes
    background: DecodedPosts  # other people's clean posts, which are in every arm
    seed: int  # of the random noise and words
    leaked: frozenset[int] = frozenset()  # numbers of the posts that are clean in the arm "half"
    _photos: dict[tuple[Version, str], Pixels] = field(default_factory=dict)
    _captions: dict[tuple[ArmName, str], list[list[str]]] = field(default_factory=dict)

    def read(self, cells: Iterable[tuple[ArmName, Attack]], progress: Progress) -> None:
        """Decode the photos, and change photos and captions, for `cells`: pairs of arm and attack."""
        attacks = {(VERSIONS.get(data, "clean"), attack.name): attack for data, attack in cells}
        self._photos = {key: Pixels.create(self.scratch / f"{n}.u8") for n, key in enumerate(attacks)}
        self._captions = {(data, attack.name): [] for data, attack in cells}
        progress.phase("reading both versions", len(self.posts))
        for number, post in enumerate(self.posts):
            original, protected = read_both(post)
            for (version, name), attack in attacks.items():
                if version == "random":
                    before = _random_noise(original, protected, self.side, [self.seed, number])
                else:
                    before = (protected if version == "protected" else original).pixels
                self._photos[version, name].append(working_copy(attack.image(before), self.side))
            for (data, name), captions in self._captions.items():
                captions.append(self._captions_of(data, attacks[VERSIONS.get(data, "clean"), name], number))
            progress.advance()

    def _captions_of(self, data: ArmName, attack: Attack, number: int) -> list[str]:
        """Return the captions of a post in an arm, after an attack; a clean post that leaked is as it was."""
        post, texts = self.posts[number], self.posts[number].clean
        if data == "half" and number in self.leaked:
            return list(texts)
        if data in ("protected", "trigger-only", "half"):
            texts = post.published
        elif data == "random":
            texts = tuple(_random_words(post, self.seed, number) + text for text in post.clean)
        return [attack.caption(text) for text in texts]

    def _pixels(self, data: ArmName, attack: Attack) -> Pixels:
        """Return the photos of an arm: the posts, unless they are absent, then other people's."""
        if data == "absent":
            return self.background.pixels
        own = self._photos[VERSIONS.get(data, "clean"), attack.name]
        if data == "half":
            count, clean = len(own), self._photos["clean", AS_PUBLISHED]
            own = (own + clean).choose(n + count if n in self.leaked else n for n in range(count))
        return own + self.background.pixels

    def pairs(self, data: ArmName, attack: Attack) -> Pairs:
        """Return the pairs to train a victim on."""
        own = [] if data == "absent" else self._captions[data, attack.name]
        return pairs_of(self._pixels(data, attack), [*own, *self.background.captions])

    def published(self, attack: Attack, count: int) -> Pairs:
        """Return the first posts as they were published, to test whether a victim learnt the shortcut."""
        captions = self._captions["protected", attack.name]
        return pairs_of(self._photos["protected", attack.name], captions, range(min(len(captions), count)))

    def digest(self, data: ArmName, attack: Attack) -> str:
        """Return the hex SHA-256 of the photos of an arm as they are loaded, and of the captions."""
        pairs, digest = self.pairs(data, attack), hashlib.sha256(self._pixels(data, attack).sha256().encode())
        digest.update(pairs.tokens.numpy().tobytes() + pairs.photos.numpy().tobytes())
        return digest.hexdigest()


def _random_noise(original: Picture, protected: Picture, side: int, seed: list[int]) -> Rgb8:
    """Return the original with random signs of the noise's bound (127 at most), on a grid of the same shape."""
    height, width = original.height, original.width
    signs = np.random.default_rng(seed).choice([-1, 1], (3, *grid_shape(height, width, side)))
    noise = (_bound(original, protected) * signs).astype(np.int8)
    return Noisy(original.pixels, noise).whole()


def _bound(original: Picture, protected: Picture) -> int:
    """Return the bound of a copy's noise in 1/255: its L-inf, or what `MOST` of the changes in a lossy copy keep to.

    A JPEG is compared with the original through the same encoder, so that what JPEG does to any photo falls out.
    """
    lossy, clean = protected.compression, original.pixels
    if lossy and lossy.quality:
        clean = through(original, Encoding("jpeg", lossy.quality, lossy.subsampling))
    change = np.abs(clean.astype(np.int16) - protected.pixels)
    return min(127, round(float(np.percentile(change, MOST if lossy else 100))))


def _random_words(post: PostPair, seed: int, number: int) -> str:
    """Return as many random words as protection added, each followed by a blank."""
    count = max(0, len(post.published[0].split()) - len(post.clean[0].split()))
    words = np.random.default_rng([seed, number, 1]).choice(default_vocabulary().glosses, count)
    return "".join(f"{word} " for word in words)
