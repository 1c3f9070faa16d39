"""The layouts of Flickr8k and Flickr30k, with the split in the captions or in lists beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unlearnable.benchmarks.suites.base import Corpus, corpus_of
from unlearnable.datasets import Dataset, find_captions, open_dataset
from unlearnable.errors import InputError

LAYOUTS = (
    "a caption file with a split for each photo (Karpathy's dataset_*.json, or a JSONL with image, captions and "
    "split), or a token file or captions.txt with lists of the split (*train*.txt, *dev*.txt or *val*.txt, *test*.txt)"
)
_LISTS = {"train": ("train",), "val": ("dev", "val"), "test": ("test",)}


def read(root: Path, limit: int | None, seed: int) -> Corpus:
    """The official split of a Flickr set.

    Raises:
        InputError: the folder is not laid out as any of `LAYOUTS`.
    """
    del seed  # nothing is drawn
    tried = []
    for captions in _caption_files(root):
        try:
            dataset = open_dataset(root, captions)
        except InputError:  # of other photos, as in Karpathy's three files
            tried.append(captions.name)
            continue
        if {"train", "test"} <= {photo.split for photo in dataset.photos}:
            return corpus_of(dataset, limit)
        listed = _by_lists(root, dataset)
        if listed is not None:
            return corpus_of(listed, limit)
        tried.append(captions.name)
    found = f"{', '.join(tried)}, but no captions with a split of the photos there" if tried else "no caption file"
    raise InputError(f"{root} holds {found}", hint=f"what can be read: {LAYOUTS}")


def _caption_files(root: Path) -> Iterator[Path]:
    """Caption files in the folder and in those directly below it, but for Flickr8k's lemmatised ones."""
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        yield from (path for path in find_captions(folder) if "lemma" not in path.name.lower())


def _by_lists(root: Path, dataset: Dataset) -> Dataset | None:
    """The data set with its photos' splits from lists of file names, or None where a list is missing."""
    splits: dict[str, str] = {}
    for split, words in _LISTS.items():
        names = [name for path in sorted(root.rglob("*.txt")) if _is_list(path, words) for name in _names(path)]
        splits |= dict.fromkeys(names, split)
    if not {"train", "test"} <= set(splits.values()):
        return None
    photos = tuple(replace(photo, split=splits.get(Path(photo.id).stem)) for photo in dataset.photos)
    return replace(dataset, photos=photos)


def _is_list(path: Path, words: tuple[str, ...]) -> bool:
    return any(word in path.stem.lower() for word in words) and "token" not in path.stem.lower()


def _names(path: Path) -> list[str]:
    """Stems of the photos a list names, one a line."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [Path(line.strip()).stem for line in lines if line.strip()]
