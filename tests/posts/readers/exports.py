"""Exports made by code, twice: as a platform hands them out, and as they must look once they are protected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import tree
from unlearnable.posts import Dataset, Edits, open_dataset, write_captions

WORDS = "quiet lantern"
TEXTS = (
    "Größe zählt – 日本 🐈",
    'say "cheese" & <smile>, &lt; 3',
    "at the lake\n\nwith friends",
    "plain words",
    "café\\crème",
)


@dataclass(frozen=True)
class Look:
    """How an export is made: what becomes of a caption and of a photo's name, and whether unusable posts are in it."""

    caption: Callable[[str], str]
    photo: Callable[[str], str]
    complete: bool


ORIGINAL = Look(lambda caption: caption, lambda photo: photo, complete=True)
PROTECTED = Look(lambda caption: f"{WORDS} {caption}", lambda photo: photo.replace(".heic", ".jpg"), complete=False)

Make = Callable[[Look], Mapping[str, str]]
"""Makes the texts of an export, by their paths."""


def text(number: int) -> str:
    return f"{TEXTS[number % len(TEXTS)]} no. {number}"


def lay_out(root: Path, texts: Mapping[str, str], *others: str) -> None:
    """Write texts, and empty files beside them."""
    for name in (*texts, *others):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(texts.get(name, "").encode())


def protect(dataset: Dataset, output: Path) -> None:
    """Write the captions back with words before each, for photos that have other suffixes now."""
    edits = Edits(
        {(pair.record, pair.index): PROTECTED.caption(pair.caption) for pair in dataset.pairs if pair.record >= 0},
        {photo.id: PROTECTED.photo(photo.id) for photo in dataset.photos},
    )
    for photo in edits.paths.values():
        (output / photo).parent.mkdir(parents=True, exist_ok=True)
        (output / photo).touch()
    write_captions(dataset, edits, output)


def goes_round(make: Make, root: Path, *others: str) -> Dataset:
    """Read an export, protect it, and compare every byte with one that was made with the new captions and paths."""
    lay_out(root / "in", make(ORIGINAL), *others)
    dataset = open_dataset(root / "in")
    assert len(dataset.photos) >= 20
    protect(dataset, root / "out")
    photos = {PROTECTED.photo(photo.id) for photo in dataset.photos}
    written = {name: data for name, data in tree(root / "out").items() if name not in photos}
    assert written == {name: text.encode() for name, text in make(PROTECTED).items()}
    again = open_dataset(root / "out")
    assert again.format == dataset.format
    assert [pair.caption for pair in again.pairs if pair.record >= 0] == [
        PROTECTED.caption(pair.caption) for pair in dataset.pairs if pair.record >= 0
    ]
    return dataset
