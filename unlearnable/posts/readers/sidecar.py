"""Captions beside their photos: the lines of `a.txt`, or `a.caption` or `a.jpg.txt`, are the captions of `a.jpg`.

One text per photo, with the photo's stem or its whole name; each of its lines that is not blank is a caption. What
instaloader saves of a post with several photos, `DATE_UTC_1.jpg` and so on, has one `DATE_UTC.txt`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from unlearnable.errors import InputError
from unlearnable.posts.assembly import assemble
from unlearnable.posts.text import lines, read_document
from unlearnable.posts.tree import find_photos, is_photo
from unlearnable.posts.types import Dataset, Edits, Pair, Skipped, changed_since, one_line
from unlearnable.storage import files
from unlearnable.wording import counted, grouped

SUFFIXES = (".txt", ".caption", ".TXT", ".CAPTION")  # where a photo has several, the first counts
_OF_A_POST = re.compile(r"(?<=_UTC)_\d+$")


class Sidecar:
    """Text files beside photos."""

    name = "sidecar"

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a folder in which some photo has a text beside it."""
        try:
            return source.is_dir() and bool(_matched(source, find_photos(source)))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`; `record` is the number of a photo's file, `index` the caption's number in it.

        Raises:
            InputError: there is no photo, or a text beside one is no text.
        """
        photos = find_photos(root)
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        guesses: list[str] = []
        numbers: dict[str, int] = {}
        for photo, file in _matched(root, photos).items():
            number = numbers.setdefault(file, len(numbers))  # several photos may share a file
            document = read_document(root / file)
            captions = [line.text.strip() for line in lines(document.text)]
            pairs += [Pair(photo, caption, number, index) for index, caption in enumerate(captions)]
            if not captions:
                skipped.append(Skipped(file, "no-caption", f"it has none for {photo}"))
            if note := document.note(file):
                guesses.append(note)
        more = f" (and {counted(len(guesses) - 1, 'more file')})" if len(guesses) > 1 else ""
        dataset = assemble(root, dict.fromkeys(photos), pairs, skipped, self.name, None)
        return replace(dataset, notes=tuple(f"{note}{more}" for note in guesses[:1]))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the file of each photo that has captions, below the folder `target`.

        Raises:
            InputError: a file has changed since it was read, or is gone.
            OutputError: one cannot be written, or cannot hold a caption.
        """
        matched = _matched(dataset.root, [photo.id for photo in dataset.photos])
        pairs = grouped((pair.photo, pair) for pair in dataset.pairs if pair.record >= 0 and pair.photo in edits.paths)
        written: set[Path] = set()
        for photo, captions in pairs.items():
            if photo not in matched:
                raise InputError(f"the file with the captions of {photo} is gone", hint="put it back, or start again")
            path = target / _renamed(matched[photo], edits.paths[photo])
            if path in written:  # of two photos with the same stem, the first wins
                continue
            source = dataset.root / matched[photo]
            if [line.text.strip() for line in lines(read_document(source).text)] != [pair.caption for pair in captions]:
                raise changed_since(source)
            new = (edits.captions.get((pair.record, pair.index), pair.caption) for pair in captions)
            files.write_text(path, "".join(f"{one_line(text)}\n" for text in new))
            written.add(path)

    def files_of(self, dataset: Dataset) -> list[Path]:
        """Return the files that stand beside the photos of a data set."""
        matched = _matched(dataset.root, find_photos(dataset.root))
        return [dataset.root / file for file in dict.fromkeys(matched.values())]


def _matched(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return each photo's file; a link that leads out of the folder is none, as of photos."""
    inside, texts = root.resolve(), {photo: text_beside(root / photo) for photo in photos}
    return {
        photo: text.relative_to(root).as_posix()
        for photo, text in texts.items()
        if text and text.resolve().is_relative_to(inside)
    }


def text_beside(photo: Path) -> Path | None:
    """Return the file beside a photo that holds its captions, None if there is none; it may spell accents otherwise."""
    stems = dict.fromkeys((photo.stem, photo.name, _OF_A_POST.sub("", photo.stem)))
    texts = [photo.with_name(f"{stem}{suffix}") for stem in stems for suffix in SUFFIXES]
    spelt = (text.with_name(name) for text in texts for name in (text.name, *_other_spellings(text.name)))
    return next(filter(files.is_file, spelt), None)


def _other_spellings(name: str) -> Iterator[str]:
    """Yield a name with its accents in one letter and apart, as other systems write them."""
    if not name.isascii():
        yield unicodedata.normalize("NFC", name)
        yield unicodedata.normalize("NFD", name)


def _renamed(file: str, new: str) -> str:
    text, path = PurePosixPath(file), PurePosixPath(new)
    return f"{new}{text.suffix}" if is_photo(text.stem) else path.with_suffix(text.suffix).as_posix()


SIDECAR = Sidecar()
