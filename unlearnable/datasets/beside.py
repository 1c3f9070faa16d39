"""The reader and writer of all formats that keep the captions of each photo in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from unlearnable.datasets.assembly import assemble
from unlearnable.datasets.text.document import Document, read_document
from unlearnable.datasets.text.further import NULL
from unlearnable.datasets.text.records import FurtherField
from unlearnable.datasets.text.repeated import repeating, said_of_repeats
from unlearnable.datasets.text.spans import Span, Spell, TextSpan, splice
from unlearnable.datasets.tree import WITHHELD, find_photos
from unlearnable.datasets.types import UNWRITTEN, ChangedField, Dataset, Edits, Pair, Skipped, changed_since
from unlearnable.disk import entries, files
from unlearnable.errors import InputError
from unlearnable.grouping import grouped
from unlearnable.wording.counts import counted

_SNIFFED = 50  # files


class StoredCaption(NamedTuple):
    """A caption as a file holds it: its text, all places where it stands, and how those spell a new one (`Scan`)."""

    value: str
    places: tuple[Span, ...]
    spell: Spell


@dataclass(frozen=True)
class Beside:
    """A format in which each photo's captions are in a file of its own, beside it or elsewhere in the folder.

    Attributes:
        name: name of the registry row.
        match: `(root, photos)` -> the path of each photo's file, for photos that have one.
        captions: function that returns the captions in a text, or raises ValueError where it is none of this format.
        renamed: `(file, photo, new)` -> the path of a photo's file once the photo is at `new`; None where such files
            are not published, so that their captions stand in metadata.jsonl alone.
        personal: function that returns the fields in a text that say where a photo was taken or who is in it, which are
            emptied.
        withheld: function that returns why a photo is not to be published by what its text says; empty where it may be.
    """

    name: str
    match: Callable[[Path, Sequence[str]], Mapping[str, str]]
    captions: Callable[[str], Sequence[StoredCaption]]
    renamed: Callable[[str, str, str], str] | None
    personal: Callable[[str], Iterable[FurtherField]] = lambda text: ()
    withheld: Callable[[str], str] = lambda text: ""

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is a folder in which some photo has such a file, with a caption if it stays there."""
        try:
            matched = self._matched(source, find_photos(source)) if source.is_dir() else {}
        except InputError:
            return False
        looked_at = islice(matched.values(), _SNIFFED if self.renamed else None)
        return any(self._is_one(source / file) for file in looked_at)

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`; `record` is the number of a photo's file, `index` the caption's number in it.

        A file that cannot be read is skipped, and its photo has no caption.

        Raises:
            InputError: there is no photo.
        """
        photos = list(find_photos(root))
        matched = self._matched(root, photos)
        pairs: list[Pair] = []
        skipped: list[Skipped] = []
        changed: set[ChangedField] = set()
        numbers: dict[str, int] = {}
        guesses: dict[str, None] = {}
        repeats: dict[str, set[str]] = {}
        for photo in [photo for photo in photos if photo in matched]:
            number = numbers.setdefault(matched[photo], len(numbers))  # several photos may share a file
            try:
                document, captions = self._read(root / matched[photo])
            except InputError as error:
                skipped.append(Skipped(matched[photo], "bad-row", error.message))
                continue
            if why := self.withheld(document.text):
                skipped.append(Skipped(photo, WITHHELD, why))
                photos.remove(photo)
                continue
            if said := document.said(matched[photo]):
                guesses[said] = None
            if self.renamed and captions:
                repeats[matched[photo]] = self._repeating(document.text, captions)
            record = number if self.renamed else UNWRITTEN - number
            pairs += [Pair(photo, caption.value, record, index) for index, caption in enumerate(captions)]
            if captions:  # a file without any is not written
                changed |= {ChangedField(photo, number, field.name, True) for field in self.personal(document.text)}
            elif self.renamed:
                skipped.append(Skipped(matched[photo], "no-caption", f"it has none for {photo}"))
        splits, fields = dict.fromkeys(photos), frozenset(changed)
        dataset = assemble(root, splits, pairs, skipped, self.name, None, fields)
        more = f" (and {counted(len(guesses) - 1, 'more file')})" if len(guesses) > 1 else ""
        return replace(dataset, notes=(*(f"{said}{more}" for said in list(guesses)[:1]), *said_of_repeats(repeats)))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write the file of each photo that has captions, below the folder `target`, where such files are published.

        Raises:
            InputError: a file has changed since it was read, or is gone.
            OutputError: one cannot be written, or cannot hold a caption.
        """
        if self.renamed is None:
            return
        matched = self._matched(dataset.root, [photo.id for photo in dataset.photos])
        pairs = grouped((pair.photo, pair) for pair in dataset.pairs if pair.record >= 0 and pair.photo in edits.paths)
        if gone := pairs.keys() - matched.keys():
            raise InputError(f"the file with the captions of {min(gone)} is gone", hint="put it back, or start again")
        written: set[Path] = set()
        for photo, captions in pairs.items():
            path = target / self.renamed(matched[photo], photo, edits.paths[photo])
            if path not in written:  # of two photos with the same stem, the first wins
                files.write_bytes(path, self._edited(dataset.root / matched[photo], captions, edits))
                written.add(path)

    def files_of(self, dataset: Dataset) -> list[Path]:
        """Return the files that stand beside the photos in the folder of a data set."""
        matched = self._matched(dataset.root, find_photos(dataset.root))
        return [dataset.root / file for file in dict.fromkeys(matched.values())]

    def _matched(self, root: Path, photos: Sequence[str]) -> dict[str, str]:
        """Return each photo's file; a link that leads out of the folder is none, as of photos."""
        inside = root.resolve()
        matched = self.match(root, photos).items()
        return {photo: file for photo, file in matched if (root / file).resolve().is_relative_to(inside)}

    def _is_one(self, path: Path) -> bool:
        try:
            _, captions = self._read(path)
        except InputError:
            return False
        return bool(self.renamed or captions)

    def _read(self, path: Path) -> tuple[Document, Sequence[StoredCaption]]:
        document = read_document(path)
        try:
            return document, self.captions(document.text)
        except ValueError as error:
            raise InputError(f"cannot read {path} as {self.name}: {error}") from error

    def _repeating(self, text: str, captions: Sequence[StoredCaption]) -> set[str]:
        """Return the names under which a file holds captions outside their own places."""
        places = [place for caption in captions for place in caption.places]
        taken_out = [field.span for field in self.personal(text)] + [TextSpan(*place, "") for place in places]
        return repeating(
            splice(text, (span._replace(value=NULL) for span in taken_out)), (one.value for one in captions)
        )

    def _edited(self, source: Path, pairs: list[Pair], edits: Edits) -> bytes:
        """Return the bytes of a file with the new captions in it."""
        document, captions = self._read(source)
        changes = [
            field.span._replace(value=NULL)
            for field in self.personal(document.text)
            if field.name.casefold() not in edits.keep_fields
        ]
        if [caption.value for caption in captions] != [pair.caption for pair in pairs]:
            raise changed_since(source)
        for pair in pairs:
            new = edits.captions.get((pair.record, pair.index), pair.caption)
            changes += _changes(document.text, captions[pair.index], new)
        return document.encode(splice(document.text, changes))


def first_beside(root: Path, photos: Sequence[str], names: Callable[[str], Iterable[str]]) -> dict[str, str]:
    """Return the first file that is there, of the names that a photo's may have, of each photo that has one."""
    found = ((photo, next((one for one in names(photo) if entries.is_file(root / one)), "")) for photo in photos)
    return {photo: file for photo, file in found if file}


def json_beside(root: Path, photos: Sequence[str]) -> dict[str, str]:
    """Return the JSON beside each photo that has one, which is called as the whole photo: `a.jpg.json`."""
    return first_beside(root, photos, lambda photo: (f"{photo}.json",))


def _changes(text: str, caption: StoredCaption, new: str) -> Iterator[TextSpan]:
    for start, end in caption.places if new != caption.value else ():
        yield TextSpan(start, end, caption.spell(text[start:end], caption.value, new))
