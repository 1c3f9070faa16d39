"""Captions beside their photos: the lines of `a.txt`, `a.caption` or `a.jpg.txt` are the captions of `a.jpg`.

What instaloader saves of a post with several photos, `DATE_UTC_1.jpg` and so on, has one `DATE_UTC.txt`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.caption_file import changed_since
from unlearnable.posts.text import lines, one_line, read_document
from unlearnable.posts.tree import find_photos, is_photo
from unlearnable.posts.types import Dataset, Edits, Pair, assemble
from unlearnable.storage import files
from unlearnable.wording import counted, grouped

SUFFIXES = (".txt", ".caption", ".TXT", ".CAPTION")  # where a photo has several, the first counts
_OF_A_POST = re.compile(r"(?<=_UTC)_\d+$")


class _Sidecar:
    """Text files beside photos; `record` is the number of the file, `index` the caption's number in it."""

    name = "sidecar"

    def sniff(self, source: Path) -> bool:
        try:
            return source.is_dir() and bool(_matched(source, find_photos(source)))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        photos = find_photos(root)
        matched = _matched(root, photos)
        pairs: list[Pair] = []
        notes: list[str] = []
        numbers = {file: number for number, file in enumerate(dict.fromkeys(matched.values()))}  # photos may share one
        for photo, file in matched.items():
            document = read_document(root / file)
            captions = _captions(document.text)
            pairs += [Pair(photo, caption, numbers[file], index) for index, caption in enumerate(captions)]
            notes += filter(None, [document.note(file)])
        more = f" (and {counted(len(notes) - 1, 'more file')})" if len(notes) > 1 else ""
        dataset = assemble(root, dict.fromkeys(photos), pairs, (), self.name)
        return replace(
            dataset, files=tuple(root / file for file in numbers), notes=tuple(f"{note}{more}" for note in notes[:1])
        )

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        matched = _matched(dataset.root, [photo.id for photo in dataset.photos])
        pairs = grouped((pair.photo, pair) for pair in dataset.pairs if pair.record >= 0 and pair.photo in edits.paths)
        written: set[Path] = set()
        for photo, captions in pairs.items():
            source = dataset.root / matched.get(photo, photo)
            path = target / _renamed(source.name, edits.paths[photo])
            if path in written:  # of two photos with the same stem, the first wins
                continue
            if photo not in matched or _captions(read_document(source).text) != [pair.caption for pair in captions]:
                raise changed_since(source)
            new = (edits.captions.get((pair.record, pair.index), pair.caption) for pair in captions)
            files.write_text(path, "".join(f"{one_line(text)}\n" for text in new))
            written.add(path)


def _captions(text: str) -> list[str]:
    return [line.text.strip() for line in lines(text)]


def _matched(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return each photo's file; a link that leads out of the folder does not count."""
    inside, texts = root.resolve(), {photo: text_beside(root / photo) for photo in photos}
    return {
        photo: text.relative_to(root).as_posix()
        for photo, text in texts.items()
        if text and text.resolve().is_relative_to(inside)
    }


def text_beside(photo: Path) -> Path | None:
    """Return the file beside a photo that holds its captions, None if there is none; it may spell accents otherwise."""
    stems = dict.fromkeys((photo.stem, photo.name, _OF_A_POST.sub("", photo.stem)))
    names = [f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES]
    if not photo.name.isascii():
        names = [
            one for name in names for one in (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD")))
        ]
    return next(filter(files.is_file, map(photo.with_name, names)), None)


def _renamed(file: str, new: str) -> str:
    text = PurePosixPath(file)
    return f"{new}{text.suffix}" if is_photo(text.stem) else PurePosixPath(new).with_suffix(text.suffix).as_posix()


SIDECAR = _Sidecar()
