"""What a suite is: a data set with its official split, the tables that it fills, and the paper's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from unlearnable.datasets import Dataset, Photo, Skipped
from unlearnable.errors import InputError
from unlearnable.results import PaperFigures, PaperRow

Kind = Literal["captions", "faces"]


@dataclass(frozen=True)
class Item:
    """A photo and what is written about it."""

    photo: Photo
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Corpus:
    """The photos of a data set that are trained on and that are ranked.

    Attributes:
        train: in the order of the data set.
        test: the gallery.
        skipped: rows and photos that cannot be used.
        notes: where the split is not the official one.
    """

    train: tuple[Item, ...]
    test: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...] = ()


Key: TypeAlias = tuple[str, str, float]
"""Method, architecture of the victim, fraction protected: what a figure of the paper belongs to."""

TRANSFER = "mem-3 in Table 2"
"""The method that the paper's Table 2 has for RN50 stands under, since it is not its Table 1's MEM-3."""


@dataclass(frozen=True)
class Suite:
    """A data set of the paper.

    Attributes:
        name: as the user calls it.
        title: as the paper does.
        kind: captions of scenes, from scratch; or faces with names, fine-tuned.
        read: opens its folder.
        layouts: what would be read, for the error message.
        published: where the data set can be had.
        paper: the paper's figures by method, architecture and fraction.
        noise_side: pixels that a side of the noise has at most, where noise as fine as the model sees would not fit
            the disk; it is enlarged to the photo.
    """

    name: str
    title: str
    kind: Kind
    read: Callable[[Path, int | None, int], Corpus]
    layouts: str
    published: str
    paper: Mapping[Key, PaperRow]
    noise_side: int | None = None


def both(table: int, there: Sequence[float | None], back: Sequence[float | None]) -> PaperRow:
    """A row of the paper: Hit@10 (None where it gives Medr alone) and Medr, image -> text and text -> image."""
    first, second = (PaperFigures(hit10=hit10, medr=medr or 0.0) for hit10, medr in (there, back))
    return PaperRow(table=table, image_to_text=first, text_to_image=second)


def corpus_of(dataset: Dataset, limit: int | None, notes: Sequence[str] = ()) -> Corpus:
    """The train and test photos of a data set that names its splits, at most `limit` to train on.

    Raises:
        InputError: one of the two is empty.
    """
    captions = dataset.captions_by_photo()
    parts = {
        name: tuple(Item(photo, tuple(captions[photo.id])) for photo in dataset.photos if photo.split == name)
        for name in ("train", "test")
    }
    if not all(parts.values()):
        counts = ", ".join(f"{len(items)} {name}" for name, items in parts.items())
        raise InputError(f"{dataset.root} names no usable split: {counts} photos", hint="give the official split files")
    return Corpus(parts["train"][:limit], parts["test"], dataset.skipped, tuple(notes))
