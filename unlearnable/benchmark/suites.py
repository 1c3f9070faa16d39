"""The data sets of the paper: how each is read in its published layouts, and the figures the paper reports for it."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from unlearnable.errors import InputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.posts import (
    Dataset,
    Photo,
    Skipped,
    find_captions,
    hold_out,
    limit as limit_people,
    named_posts,
    open_dataset,
    open_people,
)
from unlearnable.posts.text import read_document
from unlearnable.report import PaperRow
from unlearnable.wording import counted

Kind = Literal["captions", "faces"]
Key: TypeAlias = tuple[str, str, float]  # method, architecture of the victim, fraction protected
TRANSFER = "mem-3 in Table 2"  # on RN50 its figures are not those of MEM-3 in Table 1


@dataclass(frozen=True)
class Item:
    """A photo and its captions."""

    photo: Photo
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """The photos of a data set to train on and to rank, with rows and photos that cannot be used."""

    train: tuple[Item, ...]
    test: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """A data set of the paper: captions of scenes, with models from scratch, or faces, with fine-tuned models."""

    name: str
    title: str  # its name in the paper
    kind: Kind
    read: Callable[[Path, int | None, int], Corpus]  # from folder, limit and seed
    layouts: str  # what can be read, for the error message
    published: str  # where it can be had
    paper: Mapping[Key, PaperRow]  # the paper's figures
    noise_side: int | None = None  # largest side of the noise in pixels, where finer noise would not fit on the disk


def corpus_of(dataset: Dataset, limit: int | None, notes: Sequence[str] = ()) -> Corpus:
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
            skipped.append(Skipped(photo.id, "no-caption", f"of the split {photo.split!r}"))
        else:
            parts[photo.split].append(Item(photo, tuple(captions[photo.id])))
    train, test = parts["train"], parts["test"]
    if not train or not test:
        raise InputError(
            f"{dataset.root} names no usable split: {len(train)} train, {len(test)} test photos",
            hint="add the official split files",
        )
    return Corpus(tuple(train[:limit]), tuple(test), (*dataset.skipped, *skipped), (*dataset.notes, *notes))


FLICKR_LAYOUTS = (
    "a caption file with a split for each photo (Karpathy's dataset_*.json, or a JSONL with image, captions and "
    "split), or a token file or captions.txt with lists of the split (*train*.txt, *dev*.txt or *val*.txt, *test*.txt)"
)


def read_flickr(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read the official split of Flickr8k or Flickr30k, from the caption file or from lists beside it.

    Raises:
        InputError: the folder has none of the layouts in `FLICKR_LAYOUTS`.
    """
    del seed  # nothing is random
    tried = []
    for captions in _caption_files(root):
        tried.append(captions.name)
        try:
            dataset = open_dataset(root, captions)
        except InputError:  # captions of other photos, as in Karpathy's three files
            continue
        if dataset.people:  # who is on each photo, and no captions
            continue
        names_split = {"train", "test"} <= {photo.split for photo in dataset.photos}
        split = dataset if names_split else _split_by_lists(root, dataset)
        if split is not None:
            return corpus_of(split, limit)
    without = "but no captions that split its photos into train and test"
    content = f"{', '.join(tried)}, {without}" if tried else "no caption file"
    raise InputError(f"{root} holds {content}", hint=f"pass a folder with {FLICKR_LAYOUTS}")


def _caption_files(root: Path) -> Iterator[Path]:
    """Yield the caption files in the folder and its direct sub-folders, except Flickr8k's lemmatised ones."""
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        yield from (path for path in find_captions(folder) if "lemma" not in path.name.lower())


def _split_by_lists(root: Path, dataset: Dataset) -> Dataset | None:
    """Return the data set with its photos' splits from lists of file names, or None if a list is missing."""
    stems = {Path(photo.id).stem for photo in dataset.photos}
    splits: dict[str, str] = {}
    skipped = []
    for split, words in {"train": ("train",), "val": ("dev", "val"), "test": ("test",)}.items():
        for path in sorted(root.rglob("*.txt")):
            name = path.stem.lower()
            if "token" in name or not any(word in name for word in words):
                continue
            listed = _listed_stems(path)
            missing = listed - stems
            if missing and listed & stems:  # a text that names none of the photos is something else
                detail = f"no file for {len(missing)} of {counted(len(listed), 'photo')}, such as {min(missing)}"
                skipped.append(Skipped(path.name, "missing-photo", detail))
            splits |= dict.fromkeys(listed, split)
    if not {"train", "test"} <= set(splits.values()):
        return None
    photos = tuple(replace(photo, split=splits.get(Path(photo.id).stem)) for photo in dataset.photos)
    return replace(dataset, photos=photos).lacking(skipped)


def _listed_stems(path: Path) -> set[str]:
    """Return the stems of the photos that a list names, one per line."""
    try:
        lines = read_document(path).text.splitlines()
    except InputError:  # something else under such a name
        return set()
    return {Path(line.strip()).stem for line in lines if line.strip()}


COCO_TEST = 5000
COCO_LAYOUTS = (
    "train2014 and val2014 with Karpathy's dataset_coco.json, or with annotations/captions_train2014.json and "
    "annotations/captions_val2014.json"
)
COCO_NOTE = "photos of val2014 drawn by seed 0 stand for Karpathy's test split, which dataset_coco.json would give"


def read_coco(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read the 82,783 photos of train2014 and 5,000 of val2014.

    Raises:
        InputError: the folder has none of the layouts in `COCO_LAYOUTS`.
    """
    karpathy = sorted(root.rglob("dataset_coco.json"))
    if karpathy:
        return corpus_of(open_dataset(root, karpathy[0]), limit)
    files = [root / "annotations" / f"captions_{part}2014.json" for part in ("train", "val")]
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise InputError(
            f"{root} holds neither dataset_coco.json nor {', '.join(missing)}",
            hint=f"pass a folder with {COCO_LAYOUTS}",
        )
    train, val = (open_dataset(root, path) for path in files)
    captioned = [{pair.photo for pair in part.pairs if pair.record >= 0} for part in (train, val)]  # of its own file
    test = random.Random(seed).sample(sorted(captioned[1]), min(COCO_TEST, len(captioned[1])))
    split = {**dict.fromkeys(captioned[0], "train"), **dict.fromkeys(test, "test")}
    joined = replace(
        train,
        photos=tuple(replace(photo, split=split[photo.id]) for photo in train.photos if photo.id in split),
        pairs=tuple(pair for part in (train, val) for pair in part.pairs if pair.record >= 0 and pair.photo in split),
        skipped=tuple(dict.fromkeys((*train.skipped, *val.skipped))),
    )
    return corpus_of(joined, limit, [f"{len(test)} {COCO_NOTE}"])


def read_pubfig(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read one photo per person to rank and at most `limit` to train on, with invented names in the captions.

    Where the photos to rank are drawn here, their near-duplicates are not trained on.

    Raises:
        InputError: the folder has no known layout, fewer than two people, or nothing to train on.
    """
    found = open_people(root)
    people = hold_out(found, seed)
    drawn = people is not found
    if limit is not None:
        people = limit_people(people, limit, seed)
    corpus = corpus_of(named_posts(people, seed=seed), None)
    if not drawn:
        return corpus
    train, test = ([item.photo.path for item in items] for items in (corpus.train, corpus.test))
    near = set(near_duplicates(train, test))
    if len(near) == len(train):
        raise InputError("every photo to train on is a near-duplicate of one to rank", hint="pass different photos")
    skipped = [Skipped(corpus.train[n].photo.id, "near-duplicate", "of a photo to rank") for n in sorted(near)]
    notes = [f"not trained on: {counted(len(near), 'near-duplicate')} of photos to rank"] if near else []
    return replace(
        corpus,
        train=tuple(item for n, item in enumerate(corpus.train) if n not in near),
        skipped=(*corpus.skipped, *skipped),
        notes=(*corpus.notes, *notes),
    )


def _paper_figures(suite: str) -> dict[Key, PaperRow]:
    """Return the figures that the paper reports for a data set; Hit@10 is None where a table gives Medr alone."""
    rows = {}
    with Path(__file__).with_name("paper.csv").open(encoding="utf-8", newline="") as file:
        for name, method, architecture, fraction, table, *figures in csv.reader(file):
            if name == suite:
                ways = ({"hit10": hit10 or None, "medr": medr} for hit10, medr in (figures[:2], figures[2:]))
                row = dict(zip(("table", "image_to_text", "text_to_image"), (table, *ways), strict=True))
                rows[method, architecture, float(fraction)] = PaperRow.model_validate(row)
    return rows


FLICKR8K = Suite(
    name="flickr8k",
    title="Flickr8k",
    kind="captions",
    read=read_flickr,
    layouts=FLICKR_LAYOUTS,
    published="https://hockenmaier.cs.illinois.edu/Framing_Image_Description (Hodosh et al., 2013)",
    paper=_paper_figures("flickr8k"),
)
FLICKR30K = Suite(
    name="flickr30k",
    title="Flickr30k",
    kind="captions",
    read=read_flickr,
    layouts=FLICKR_LAYOUTS,
    published="https://shannon.cs.illinois.edu/DenotationGraph (Young et al., 2014)",
    paper=_paper_figures("flickr30k"),
)
COCO = Suite(
    name="coco",
    title="MS-COCO",
    kind="captions",
    read=read_coco,
    layouts=COCO_LAYOUTS,
    published="https://cocodataset.org (Lin et al., 2014)",
    noise_side=96,  # instead of 224: the noise of 82,783 photos then takes 2.3 GB beside the 13.2 GB of all photos
    paper=_paper_figures("coco"),
)
PUBFIG = Suite(
    name="pubfig",
    title="PubFig",
    kind="faces",
    read=read_pubfig,
    layouts="a manifest.jsonl with image and person, dev_urls.txt beside the photos it lists, CelebDataProcessed, "
    "or a folder for each person",
    published="https://www.cs.columbia.edu/CAVE/databases/pubfig (Kumar et al., 2009)",
    paper=_paper_figures("pubfig"),
)
