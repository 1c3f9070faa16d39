"""Captions beside their photos: the lines of `a.txt` are the captions of `a.jpg`, and `a.json` is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unlearnable import files
from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.text.document import Document, lines, read_document
from unlearnable.datasets.text.spans import TextSpan, spell_line, splice, stripped
from unlearnable.datasets.tree import find_photos
from unlearnable.datasets.types import Dataset, Edits, Pair, Skipped
from unlearnable.errors import InputError


@dataclass(frozen=True)
class Sidecar:
    """One `.txt` per photo, with the photo's stem; each of its lines that is not blank is a caption."""

    name: str = "sidecar"

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a folder in which some photo has a `.txt`."""
        try:
            return source.is_dir() and any(_text_of(source / photo).is_file() for photo in find_photos(source))
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`; `record` is the photo's number, `index` the caption's number in its `.txt`.

        A `.txt` that cannot be read is skipped, and its photo gets a caption from the template.

        Raises:
            InputError: there is no photo.
        """
        photos = find_photos(root)
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        for number, photo in enumerate(photos):
            path = _text_of(root / photo)
            if not path.is_file():
                continue
            try:
                captions = _captions(read_document(path))
            except InputError as error:
                skipped.append(Skipped(path.relative_to(root).as_posix(), "bad-row", error.message))
                continue
            pairs += [Pair(photo, caption.value, number, index) for index, caption in enumerate(captions)]
            if not captions:
                skipped.append(Skipped(path.relative_to(root).as_posix(), "no-caption", "it is empty"))
        return assemble(root, dict.fromkeys(photos), pairs, skipped, self.name, None)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write a `.txt` beside the new path, below the folder `target`, of each photo that has captions.

        Raises:
            InputError: a `.txt` has changed since it was read.
            OutputError: one cannot be written, or a caption has a line break.
        """
        pairs: dict[str, list[Pair]] = {}
        for pair in dataset.pairs:
            if pair.record >= 0 and pair.photo in edits.paths:
                pairs.setdefault(pair.photo, []).append(pair)
        written: set[Path] = set()
        for photo, captions in pairs.items():
            path = _text_of(target / edits.paths[photo])
            if path not in written:  # of two photos with the same stem, the first wins
                files.write_bytes(path, _edited(_text_of(dataset.root / photo), captions, edits))
                written.add(path)


def _text_of(photo: Path) -> Path:
    return photo.with_suffix(".txt")


def _captions(document: Document) -> list[TextSpan]:
    return [stripped(document.text, line.start, line.end) for line in lines(document.text)]


def _edited(source: Path, pairs: list[Pair], edits: Edits) -> bytes:
    """Return the bytes of a `.txt` with the new captions in it."""
    document = read_document(source)
    captions = _captions(document)
    changes = []
    for pair in pairs:
        if pair.index >= len(captions) or captions[pair.index].value != pair.caption:
            raise InputError(f"{source} has changed since it was read", hint="start again")
        old = captions[pair.index]
        new = edits.captions.get((pair.record, pair.index), old.value)
        changes.append(old._replace(value=spell_line(old.value, old.value, new)))
    return document.encode(splice(document.text, changes))


SIDECAR = Sidecar()
