"""What the paper ran: its data sets with the figures that it reports, the scales, and the cells of each table."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from unlearnable import posts
from unlearnable.errors import InputError
from unlearnable.imaging.visibility import near_duplicates
from unlearnable.methods import METHODS
from unlearnable.methods.triggers import Slots, cut_captions, load_words
from unlearnable.report import PaperRow
from unlearnable.settings import BenchmarkSettings, Hyperparameters, ScaleName, mem_name
from unlearnable.training.loop import Recipe
from unlearnable.verify.attacks import parse_attack
from unlearnable.verify.attacks.base import Attack
from unlearnable.wording import counted

Kind = Literal["captions", "faces"]
Key: TypeAlias = tuple[str, str, float]  # method, architecture of the victim, fraction protected
TRANSFER = "mem-3 in Table 2"  # on RN50 its figures are not those of MEM-3 in Table 1
SEED = 0  # of every protection, and of the surrogate's random weights
SIX = ("clean", "random", "em", "uap", "mem-3", "mem-5")
PAPER_VICTIMS = {"RN50": "RN50", "RN101": "RN101", "ViT-B-32": "ViT-B-32"}


@dataclass(frozen=True)
class Item:
    """A photo and its captions."""

    photo: posts.Photo
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """The photos of a data set to train on and to rank, with rows and photos that cannot be used."""

    train: tuple[Item, ...]
    test: tuple[Item, ...]
    skipped: tuple[posts.Skipped, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A data set of the paper: captions of scenes, with models from scratch, or faces, with fine-tuned models."""

    name: str
    title: str  # its name in the paper
    kind: Kind
    published: str  # where it can be had
    layouts: str  # what can be read, for the error message
    read: Callable[[Path, int | None], Corpus]  # from its folder and the largest number of photos to train on

    @property
    def paper(self) -> dict[Key, PaperRow]:
        """The figures that the paper reports for it; Hit@10 is None where a table gives Medr alone."""
        rows = {}
        with Path(__file__).with_name("paper.csv").open(encoding="utf-8", newline="") as file:
            for name, method, architecture, fraction, table, *figures in csv.reader(file):
                if name == self.name:
                    ways = ({"hit10": hit10 or None, "medr": medr} for hit10, medr in (figures[:2], figures[2:]))
                    row = dict(zip(("table", "image_to_text", "text_to_image"), (table, *ways), strict=True))
                    rows[method, architecture, float(fraction)] = PaperRow.model_validate(row)
        return rows


def corpus_of(dataset: posts.Dataset, limit: int | None) -> Corpus:
    """Return the train and test photos of a data set that names its splits, at most `limit` to train on.

    Photos without a caption are skipped, but for faces, whose captions are made and name the person.

    Raises:
        InputError: there are no train or no test photos.
    """
    captions = dataset.captions_by_photo()
    bare = set() if dataset.people else dataset.uncaptioned
    parts: dict[str | None, list[Item]] = {"train": [], "test": []}
    skipped = []
    for photo in dataset.photos:
        if photo.split not in parts:
            continue
        if photo.id in bare:
            skipped.append(posts.Skipped(photo.id, "no-caption", f"of the split {photo.split!r}"))
        else:
            parts[photo.split].append(Item(photo, tuple(captions[photo.id])))
    train, test = parts["train"], parts["test"]
    if not train or not test:
        raise InputError(
            f"{dataset.root} names no usable split: {len(train)} train, {len(test)} test photos",
            hint="add the official split files",
        )
    return Corpus(tuple(train[:limit]), tuple(test), (*dataset.skipped, *skipped), dataset.notes)


SPLIT = "a caption file that says the split of each photo: Karpathy's {}, or a JSONL with image, captions and split"


def read_captions(root: Path, limit: int | None) -> Corpus:
    """Read the official split of Flickr8k, Flickr30k or MS-COCO from the caption file in its folder.

    Raises:
        InputError: no caption file there says which photos are to train on and which to rank.
    """
    for captions in posts.find_captions(root, root):
        dataset = posts.open_dataset(root, captions)
        if not dataset.people and {"train", "test"} <= {photo.split for photo in dataset.photos}:
            return corpus_of(dataset, limit)
    hint = f"pass a folder with {SPLIT.format('dataset_flickr8k.json, dataset_flickr30k.json or dataset_coco.json')}"
    raise InputError(f"{root} holds no caption file that splits its photos into train and test", hint=hint)


def read_faces(root: Path, limit: int | None) -> Corpus:
    """Read one photo per person to rank and at most `limit` to train on, with invented names in the captions.

    Where the photos to rank are drawn here, their near-duplicates are not trained on.

    Raises:
        InputError: the folder has no known layout, fewer than two people, or nothing to train on.
    """
    found = posts.open_people(root)
    people = posts.hold_out(found, 0)
    drawn = people is not found  # else the data set names its own split
    if limit is not None:
        people = posts.limit(people, limit, 0)
    corpus = corpus_of(posts.named_posts(people, seed=0), None)
    if not drawn:
        return corpus
    train, test = ([item.photo.path for item in items] for items in (corpus.train, corpus.test))
    near = set(near_duplicates(train, test))
    if len(near) == len(train):
        raise InputError("every photo to train on is a near-duplicate of one to rank", hint="pass different photos")
    skipped = (posts.Skipped(corpus.train[n].photo.id, "near-duplicate", "of a photo to rank") for n in sorted(near))
    return replace(
        corpus,
        train=tuple(item for n, item in enumerate(corpus.train) if n not in near),
        skipped=(*corpus.skipped, *skipped),
        notes=(f"not trained on: {counted(len(near), 'near-duplicate')} of photos to rank",) if near else (),
    )


FLICKR8K = Suite(
    "flickr8k",
    "Flickr8k",
    "captions",
    "https://hockenmaier.cs.illinois.edu/Framing_Image_Description (Hodosh et al., 2013)",
    SPLIT.format("dataset_flickr8k.json"),
    read_captions,
)
FLICKR30K = Suite(
    "flickr30k",
    "Flickr30k",
    "captions",
    "https://shannon.cs.illinois.edu/DenotationGraph (Young et al., 2014)",
    SPLIT.format("dataset_flickr30k.json"),
    read_captions,
)
COCO = Suite(
    "coco",
    "MS-COCO",
    "captions",
    "https://cocodataset.org (Lin et al., 2014)",
    SPLIT.format("dataset_coco.json"),
    read_captions,
)
PUBFIG = Suite(
    "pubfig",
    "PubFig",
    "faces",
    "https://www.cs.columbia.edu/CAVE/databases/pubfig (Kumar et al., 2009)",
    "a manifest.jsonl with image and person, CelebDataProcessed, or a folder for each person",
    read_faces,
)


@dataclass(frozen=True)
class Scale:
    """The size and settings of a benchmark."""

    surrogate: str  # name of the model that protections are made on
    victims: Mapping[str, str]  # each model to train, and the architecture of the paper that it stands for
    from_scratch: bool  # whether surrogate and victims start from random weights, different for each
    pixels: int  # side in pixels of the square photo that stands for the file
    method: Hyperparameters
    recipe: Recipe  # how victims are trained
    methods: tuple[str, ...] = SIX
    fractions: tuple[float, ...] = (1.0,)  # shares of the posts to protect, for mem-K
    train: int | None = None  # largest number of training photos (per person, for faces)
    captions: int | None = None  # largest number of captions per training photo; the gallery uses all
    test: int | None = None  # largest number of photos to rank
    differs: tuple[str, ...] = ()  # differences from the paper's set-up, one sentence each


TINY = Hyperparameters(surrogate_steps=2, max_rounds=2, trigger_rounds=1, noise_steps=2, batch_size=16)
SCALES: Mapping[tuple[Kind, ScaleName], Scale] = {
    ("captions", "paper"): Scale(
        surrogate="RN50",
        victims=PAPER_VICTIMS,
        from_scratch=True,
        pixels=224,
        method=Hyperparameters(
            surrogate_steps=200, max_rounds=20, trigger_rounds=5, batch_size=128, learning_rate=1e-4, threshold=1e-6
        ),
        recipe=Recipe(epochs=32, lr=5e-4, batch_size=128),
        methods=SIX,
        fractions=(1.0, 0.9, 0.5, 0.2),
        differs=(
            "Noise is made under crops and flips and passes through 8-bit pixels; one noise serves five captions.",
            "All rounds are run, without stopping at a loss of 0.01; the surrogate's rate is 1e-4.",
        ),
    ),
    ("captions", "small"): Scale(
        surrogate="small-start",
        victims={"small-start": "RN50"},
        from_scratch=True,
        pixels=64,
        method=Hyperparameters(
            surrogate_steps=40, max_rounds=4, trigger_rounds=2, batch_size=128, learning_rate=1e-3, threshold=1e-6
        ),
        recipe=Recipe(epochs=10, lr=1e-3, batch_size=128),
        fractions=(1.0, 0.9, 0.5, 0.2),
        train=2000,
        captions=1,
        differs=(
            "The first 2,000 training photos with their first caption instead of all with five; the whole test split.",
            "A small CLIP at 64 pixels instead of RN50 at 224; its photo encoder starts from ImageNet, the rest "
            "from random weights that differ between surrogate and victim.",
            "10 epochs at 1e-3 instead of 32 at 5e-4.",
            "4 rounds of 40 surrogate steps and 8 noise steps instead of 20 of 200 and 8, for all methods.",
        ),
    ),
    ("captions", "tiny"): Scale(
        surrogate="small-start",
        victims={"small-start": "RN50"},
        from_scratch=True,
        pixels=64,
        method=TINY,
        recipe=Recipe(epochs=1, lr=5e-4, batch_size=16, one_caption=True),
        methods=("clean", "mem-3"),
        train=24,
        test=12,
        differs=("So small that the figures mean nothing: it shows that everything runs.",),
    ),
    ("faces", "paper"): Scale(
        surrogate="RN50:openai",
        victims={f"{name}:openai": name for name in PAPER_VICTIMS},
        from_scratch=False,
        pixels=224,
        method=Hyperparameters(
            surrogate_steps=50, max_rounds=10, trigger_rounds=2, batch_size=128, learning_rate=1e-5, threshold=1e-6
        ),
        recipe=Recipe(epochs=10, lr=1e-5, batch_size=128),
        methods=("clean", "mem-3", "mem-5"),
        differs=(
            "Noise is made under crops and flips and passes through 8-bit pixels.",
            "All rounds are run, without stopping at a loss of 0.01.",
        ),
    ),
    ("faces", "small"): Scale(
        surrogate="small",
        victims={"small": "RN50", "conv-small": "RN101", "resnet-small": "ViT-B-32"},
        from_scratch=False,
        pixels=144,
        method=Hyperparameters(),
        recipe=Recipe(epochs=10, lr=1e-3, batch_size=64),
        methods=("clean", "mem-3", "mem-5"),
        train=8,
        differs=(
            "Small CLIPs trained on Flickr8k (all but the surrogate also on faces of other people) instead of "
            "OpenAI's: the surrogate itself for RN50, another of its family for RN101, CLIP's ResNet for ViT-B/32.",
            "8 photos of each person instead of all; batches of 64 instead of 128.",
            "A rate of 1e-3 instead of 1e-5, at which they learn nothing.",
        ),
    ),
    ("faces", "tiny"): Scale(
        surrogate="small",
        victims={"small": "RN50"},
        from_scratch=False,
        pixels=112,
        method=TINY,
        recipe=Recipe(epochs=1, lr=1e-3, batch_size=16),
        methods=("clean", "mem-3"),
        train=2,
        differs=("So small that the figures mean nothing: it shows that everything runs.",),
    ),
}


@dataclass(frozen=True)
class ProtectionRecipe:
    """How a protection is made: by a method of `methods.METHODS` and its settings."""

    name: str
    settings: Hyperparameters

    def cut(self, captions: Iterable[Iterable[str]]) -> Slots:
        """Return the captions of photos, cut at the positions of the method's triggers."""
        words = self.settings.trigger_length if METHODS[self.name].has_trigger else 0
        return cut_captions(captions, self.settings, words * load_words(self.settings).longest, SEED)


@dataclass(frozen=True)
class CellPlan:
    """A cell of the tables of a suite."""

    protection_recipe: ProtectionRecipe | None  # None without protected posts
    victim: str
    attack: Attack  # what a scraper does to the posts
    recipe: Recipe  # how the victim is trained; its seed is that of the cell
    method: str  # name in the tables, such as "mem-3", or "clean"
    fraction: float  # share of the photos that is protected, drawn by the seed

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return self.recipe.seed

    @property
    def start_seed(self) -> int:
        """The seed of the victim's random weights, which differ from the surrogate's."""
        return self.seed + SEED + 1

    @property
    def name(self) -> str:
        """A readable name of the cell, with which its file name begins."""
        victim = re.sub(r"[^A-Za-z0-9]+", "-", self.victim).strip("-")[-40:]
        return f"{self.method}-{victim}-{100 * self.fraction:g}-{self.attack.name}-{self.seed}"

    @property
    def title(self) -> str:
        """What is shown while its victim is trained."""
        share = f", {100 * self.fraction:g} % protected" if self.fraction < 1 else ""
        return f"{self.victim} on {self.method}{share}, {self.attack.name}, seed {self.seed}"


@dataclass(frozen=True)
class Setup:
    """A suite at a scale, with the user's changes to it."""

    suite: Suite
    scale: Scale  # before the user's changes
    surrogate: str
    victims: Mapping[str, str | None]  # each victim, and the architecture of the paper that it stands for, if any
    cells: tuple[CellPlan, ...]


def set_up(settings: BenchmarkSettings, suite: Suite) -> Setup:
    """Resolve the settings against the scale.

    Raises:
        ConfigError: an attack does not exist.
    """
    attacks = [parse_attack(name) for name in dict.fromkeys(settings.through)]
    scale = SCALES[suite.kind, settings.scale]
    names = settings.victims or tuple(scale.victims)
    victims = {name: scale.victims.get(name, _architecture(name)) for name in names}
    cells = []
    for victim in victims:
        for method in dict.fromkeys(settings.methods or scale.methods):
            fractions: tuple[float, ...] = (1.0,)  # as in the paper, parts are for MEM and the first victim
            if mem_name(method) and victim == names[0]:
                fractions = settings.fractions or scale.fractions
            recipe = protection_recipe(method, scale)
            cells += [
                CellPlan(recipe, victim, attack, replace(scale.recipe, seed=seed), method, fraction)
                for fraction in dict.fromkeys(fractions)
                for attack in attacks
                for seed in dict.fromkeys(settings.seeds)
            ]
    return Setup(suite, scale, settings.surrogate or scale.surrogate, victims, tuple(cells))


def protection_recipe(method: str, scale: Scale) -> ProtectionRecipe | None:
    """Return how the protection of a method is made; None for clean posts."""
    if method == "clean":
        return None
    named = mem_name(method)
    return ProtectionRecipe("mem" if named else method, named.applied_to(scale.method) if named else scale.method)


def _architecture(victim: str) -> str | None:
    """Return the architecture of the paper that a victim has, if it is one."""
    name = victim.partition(":")[0].replace("/", "-")
    return name if name in PAPER_VICTIMS else None
