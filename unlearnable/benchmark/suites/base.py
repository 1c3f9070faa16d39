"""The definition of a suite: a data set with its official split, and the paper's figures for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from unlearnable.errors import InputError
from unlearnable.posts import Dataset, Photo, Skipped
from unlearnable.report import PaperFigures, PaperRow

Kind = Literal["captions", "faces"]


@dataclass(frozen=True)
class Item:
    """A photo, its captions, and the name of who is on it where the data set says so."""

    photo: Photo
    captions: tuple[str, ...]
    person: str | None = None


@dataclass(frozen=True)
class Corpus:
    """The photos of a data set to train on and to rank.

    Attributes:
        train: training photos, in the order of the data set.
        test: photos of the gallery.
        skipped: rows and photos that cannot be used.
        notes: remarks on a split that is not the official one.
    """

    train: tuple[Item, ...]
    test: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()


Key: TypeAlias = tuple[str, str, float]
"""The key of a figure of the paper: method, architecture of the victim, fraction protected."""

TRANSFER = "mem-3 in Table 2"
"""The method name for RN50 in the paper's Table 2, whose figures are not those of MEM-3 in its Table 1."""


@dataclass(frozen=True)
class Suite:
    """A data set of the paper.

    Attributes:
        name: name of the data set for users.
        title: name of the data set in the paper.
        kind: captions of scenes, with models from scratch; or faces with names, with fine-tuned models.
        read: function from folder, limit and seed to the photos.
        layouts: layouts that can be read, for the error message.
        published: where the data set is published.
        paper: figures of the paper by method, architecture and fraction.
        noise_side: largest side of the noise in pixels, if noise at the model's resolution would not fit on the disk;
            it is enlarged to the photo.
    """

    name: str
    title: str
    kind: Kind
    read: Callable[[Path, int | None, int], Corpus]
    layouts: str
    published: str
    paper: Mapping[Key, PaperRow]
    noise_side: int | None = None


def both(table: int, image_to_text: Sequence[float | None], text_to_image: Sequence[float | None]) -> PaperRow:
    """Return a row of the paper from (Hit@10, Medr) in both directions; Hit@10 is None where only Medr is given."""
    first, second = (PaperFigures(hit10=hit10, medr=medr or 0.0) for hit10, medr in (image_to_text, text_to_image))
    return PaperRow(table=table, image_to_text=first, text_to_image=second)


def corpus_of(dataset: Dataset, limit: int | None, notes: Sequence[str] = ()) -> Corpus:
    """Return the train and test photos of a data set that names its splits, at most `limit` to train on.

    Photos without a caption are skipped, but for faces, whose captions are made and name the person.

    Raises:
        InputError: there are no train or no test photos.
    """
    captions = dataset.captions_by_photo()
    bare = set() if dataset.people else dataset.uncaptioned
    skipped = [
        Skipped(photo.id, "no-caption", f"of the split {photo.split!r}")
        for photo in dataset.photos
        if photo.id in bare and photo.split in ("train", "test")
    ]
    people = {photo: person.name for photo, person in dataset.people.items()}
    parts = {
        name: tuple(
            Item(photo, tuple(captions[photo.id]), people.get(photo.id))
            for photo in dataset.photos
            if photo.split == name and photo.id not in bare
        )
        for name in ("train", "test")
    }
    if not all(parts.values()):
        counts = ", ".join(f"{len(items)} {name}" for name, items in parts.items())
        raise InputError(f"{dataset.root} names no usable split: {counts} photos", hint="add the official split files")
    return Corpus(parts["train"][:limit], parts["test"], (*dataset.skipped, *skipped), (*dataset.notes, *notes))
