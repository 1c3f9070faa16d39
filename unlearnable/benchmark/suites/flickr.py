"""Read Flickr8k and Flickr30k, with the split in the caption file or in lists beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from unlearnable.benchmark.suites.base import Corpus, corpus_of
from unlearnable.errors import InputError
from unlearnable.posts import Dataset, Skipped, find_captions, open_dataset
from unlearnable.posts.text import read_document
from unlearnable.wording import counted

LAYOUTS = (
    "a caption file with a split for each photo (Karpathy's dataset_*.json, or a JSONL with image, captions and "
    "split), or a token file or captions.txt with lists of the split (*train*.txt, *dev*.txt or *val*.txt, *test*.txt)"
)
_LISTS = {"train": ("train",), "val": ("dev", "val"), "test": ("test",)}


def read(root: Path, limit: int | None, seed: int) -> Corpus:
    """Read the official split of a Flickr data set.

    Raises:
        InputError: the folder has none of the layouts in `LAYOUTS`.
    """
    del seed  # nothing is random
    tried = []
    for captions in _caption_files(root):
        try:
            dataset = open_dataset(root, captions)
        except InputError:  # captions of other photos, as in Karpathy's three files
            tried.append(captions.name)
            continue
        if dataset.people:  # no captions, but who is on each photo, whose captions are invented
            tried.append(captions.name)
            continue
        if {"train", "test"} <= {photo.split for photo in dataset.photos}:
            return corpus_of(dataset, limit)
        listed = _by_lists(root, dataset)
        if listed is not None:
            return corpus_of(listed, limit)
        tried.append(captions.name)
    without = "but no captions that split its photos into train and test"
    content = f"{', '.join(tried)}, {without}" if tried else "no caption file"
    raise InputError(f"{root} holds {content}", hint=f"pass a folder with {LAYOUTS}")


def _caption_files(root: Path) -> Iterator[Path]:
    """Yield the caption files in the folder and its direct sub-folders, except Flickr8k's lemmatised ones."""
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        yield from (path for path in find_captions(folder) if "lemma" not in path.name.lower())


def _by_lists(root: Path, dataset: Dataset) -> Dataset | None:
    """Return the data set with its photos' splits from lists of file names, or None if a list is missing."""
    splits: dict[str, str] = {}
    there, skipped = {Path(photo.id).stem for photo in dataset.photos}, list[Skipped]()
    for split, words in _LISTS.items():
        for path in (path for path in sorted(root.rglob("*.txt")) if _is_list(path, words)):
            names = dict.fromkeys(_names(path), split)
            again = there & {name for name in names if splits.get(name, split) != split}
            missing = names.keys() - there if names.keys() & there else ()  # or else it is something else
            for reason, said, which in (
                ("missing-photo", "no file for", missing),
                ("other-split", f"of another list too, and now of the split {split!r}:", again),
            ):
                some = f"{said} {len(which)} of {counted(len(names), 'photo')}, such as {min(which, default='')}"
                skipped += [Skipped(path.name, reason, some)] if which else []
            splits |= names
    if not {"train", "test"} <= set(splits.values()):
        return None
    photos = tuple(replace(photo, split=splits.get(Path(photo.id).stem)) for photo in dataset.photos)
    return replace(dataset, photos=photos).lacking(skipped)


def _is_list(path: Path, words: tuple[str, ...]) -> bool:
    return any(word in path.stem.lower() for word in words) and "token" not in path.stem.lower()


def _names(path: Path) -> list[str]:
    """Return the stems of the photos that a list names, one per line."""
    try:
        lines = read_document(path).text.splitlines()
    except InputError:  # no text: something else under such a name
        return []
    return [Path(line.strip()).stem for line in lines if line.strip()]
