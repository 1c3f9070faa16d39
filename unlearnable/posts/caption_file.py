"""Formats with one caption file: what a row says of a photo, and the reader and writer that all of them share.

A format adds how its text is recognised, parsed and written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from unlearnable.errors import InputError
from unlearnable.posts.lookup import Lookup, Miss
from unlearnable.posts.text import Document, is_blank, read_document
from unlearnable.posts.tree import find_photos
from unlearnable.posts.types import Dataset, Edits, Pair, Skipped, assemble, first_of
from unlearnable.storage import files
from unlearnable.wording import counted, storable

SPLIT = "split"
_MEND = "mend the file, or protect the photos without captions: `captions='none'`"


class Keys(NamedTuple):
    """Names of fields, case-folded, the preferred one first: the first field that is not blank is used."""

    photo: tuple[str, ...]
    caption: tuple[str, ...]


HEADINGS = Keys(  # in English, German, French, Spanish, Italian, Portuguese and Dutch
    photo=(
        *("image", "file_name", "filepath", "path", "file", "img", "uri", "filename", "image_path", "image_name"),
        *("photo", "file name", "sourcefile", "dateiname", "dateipfad", "datei", "bilddatei", "bild", "foto"),
        *("fichier", "nom du fichier", "nom de fichier", "nom_fichier", "archivo", "nombre de archivo"),
        *("nombre_archivo", "fichero", "imagen", "fotografía", "nome file", "nome del file", "nome_file", "immagine"),
        *("arquivo", "nome do arquivo", "ficheiro", "imagem", "bestand", "bestandsnaam", "afbeelding"),
    ),
    caption=(
        *("caption", "captions", "text", "sentences", "description", "imagedescription", "caption-abstract"),
        *("beschreibung", "bildbeschreibung", "bildunterschrift", "bildtext", "légende", "legende", "texte"),
        *("descripción", "descripcion", "leyenda", "texto", "pie de foto", "descrizione", "didascalia", "testo"),
        *("descrição", "descricao", "legenda", "beschrijving", "bijschrift", "onderschrift", "tekst"),
        *("prompt", "alt_text", "alt-text", "alt text", "alttext", "alt"),
        *("title", "titel", "titre", "título", "titulo", "titolo"),  # often the name of the file
        *("comment", "kommentar", "commentaire"),  # or of the program
    ),
)


class Text:
    """A string in a parsed file: `holder[key]`, or one that is not written back."""

    def __init__(self, value: str, holder: Any = None, key: str | int = "") -> None:
        self.value = value
        self._place = (holder, key)

    def put(self, new: str) -> None:
        """Put another string in its place."""
        holder, key = self._place
        if holder is not None:
            holder[key] = new


@dataclass(frozen=True, eq=False)
class Entry:
    """What a caption file says about one photo in one place."""

    place: str  # in the file, for messages: a line number, or `images[3]`
    photo: Text  # its path
    captions: tuple[Text, ...]  # none of them blank; may be empty. Photos of one post share the same object
    row: Any = None  # of the parsed file
    keys: frozenset[Any] = frozenset()  # names, or numbers, of the fields of the row that were used
    folder: str = ""  # which the record gives apart from the path
    split: str | None = None
    date: str = ""  # day of the post, `2024-05-06`


Dump = Callable[[Sequence[Entry], Set[str]], str]
"""`(records, keep)` -> the text of a file of these records, with the fields named in `keep`, case-folded."""


@dataclass(frozen=True)
class Parsed:
    """A parsed caption file: its usable records in order, and its unusable rows, whose `where` is the place in it."""

    records: tuple[Entry, ...]
    faults: tuple[Skipped, ...]
    dump: Dump = lambda records, keep: ""
    fields: frozenset[str] = frozenset()  # names of those that are published only if they are kept


def divided(rows: Iterable[Entry | Skipped]) -> tuple[tuple[Entry, ...], tuple[Skipped, ...]]:
    """Return the usable records among rows, and what says why the others are not."""
    found = list(rows)
    return (
        tuple(one for one in found if isinstance(one, Entry)),
        tuple(one for one in found if isinstance(one, Skipped)),
    )


def record_of(place: str, row: Any, fields: Mapping[str, tuple[Any, Sequence[Text]]], keys: Keys) -> Entry | Skipped:
    """Return the record of a row, or why there is none. Blank strings count as absent.

    `fields` holds by case-folded name the key of a field in the row, and its strings.
    """
    used: set[Any] = set()

    def first(names: Iterable[str]) -> tuple[Text, ...]:
        for name in names:
            key, texts = fields.get(name, ("", ()))
            if filled := tuple(text for text in texts if not is_blank(text.value)):
                used.add(key)
                return filled
        return ()

    folder = ""  # as in Karpathy's COCO, where `filepath` is the folder of `filename`
    if "filename" in fields and (path := first(("filepath",))) and not PurePosixPath(path[0].value).suffix:
        folder = path[0].value
    else:
        used.clear()
    photo = first(("filename",) if folder else keys.photo)
    if len(photo) != 1:
        why = "several photos in one row" if photo else f"none of {', '.join(keys.photo[:6])}"
        return Skipped(place, "no-photo", why)
    split, captions = first((SPLIT,)), first(keys.caption)
    for text in captions:
        text.value = storable(text.value)  # as it is written: with half a surrogate pair spelt out
    return Entry(
        place, photo[0], captions, row, frozenset(used), folder, split[0].value.strip().lower() if split else None
    )


class NamesNoPhotoError(InputError):
    """A caption file names no photo of its folder."""


@dataclass(frozen=True)
class CaptionFile:
    """A format that keeps its captions in one text file."""

    name: str  # of the registry row
    suits: Callable[[Path, str], bool]  # (path, text) -> whether a file is in this format
    parse: Callable[[str], Parsed]  # may raise ValueError
    inside: tuple[str, ...] = ()  # names under which such a file is found in a folder

    def sniff(self, source: Path) -> bool:
        """Return whether `source` is such a file, or a folder that holds one."""
        path = self._file(source)
        try:
            return path.is_file() and self.suits(path, read_document(path).text)
        except InputError:
            return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos that the file names; `NamesNoPhotoError` if there is none."""
        path, found = self._file(source), CaptionsFound()
        document, parsed = self._parsed(path)
        found.add(parsed, Lookup(root, path.parent, find_photos(root)), path.name)
        if not found.splits:
            raise NamesNoPhotoError(
                f"{path} names no photo below {root}{first_of(found.skipped)}",
                hint="give the folder that its paths start from",
            )
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, path)
        notes = filter(None, (document.note(path.name), *found.notes(path.name)))
        return replace(dataset, notes=tuple(notes), fields=tuple(sorted(parsed.fields)))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write photo, caption and kept fields of the rows whose photo stays."""
        if dataset.source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        document, parsed = self._parsed(dataset.source)
        kept = list(_edited(parsed.records, dataset, edits))
        expected = {_key(pair) for pair in dataset.pairs if pair.photo in edits.paths and pair.record >= 0}
        if expected - {key for _, keys in kept for key in keys}:
            raise changed_since(dataset.source)
        text = parsed.dump([record for record, _ in kept], edits.keep_fields)
        files.write_bytes(target, document.encode(text, target))

    def _file(self, source: Path) -> Path:
        inside = (source / name for name in self.inside) if source.is_dir() else ()
        return next((path for path in inside if path.is_file()), source)

    def _parsed(self, path: Path) -> tuple[Document, Parsed]:
        document = read_document(path)
        try:
            return document, self.parse(document.text)
        except ValueError as error:
            raise InputError(f"cannot read {path} as {self.name}: {error}", hint=_MEND) from error


def changed_since(source: object) -> InputError:
    """Return the error for captions that are no longer those that were read."""
    return InputError(f"{source} has changed since it was read", hint="start again")


def _key(pair: Pair) -> tuple[str, int, int]:
    return pair.photo, pair.record, pair.index


def _edited(
    records: Sequence[Entry], dataset: Dataset, edits: Edits
) -> Iterator[tuple[Entry, list[tuple[str, int, int]]]]:
    """Yield the records whose photo stays, with new path and captions put in, and the keys of their captions."""
    source = dataset.source or dataset.root
    lookup = Lookup(dataset.root, source.parent, (photo.id for photo in dataset.photos))
    after = Lookup(dataset.root, dataset.root, edits.paths.values())
    read = {_key(pair): pair.caption for pair in dataset.pairs}
    for record, places in _numbered(records, 0):
        photo = lookup.find(record.photo.value, record.folder)
        if isinstance(photo, Miss) or photo not in edits.paths:
            continue
        keys = [(photo, *place) for place in places]
        if any(read.get(key) != text.value for key, text in zip(keys, record.captions, strict=True)):
            continue
        new = lookup.renamed(record.photo.value, photo, edits.paths[photo])
        if after.find(new, record.folder) != edits.paths[photo]:  # another copy's path ends alike now
            new = edits.paths[photo]
        record.photo.put(new)
        for text, place in zip(record.captions, places, strict=True):
            text.put(edits.captions.get(place, text.value))
        yield record, keys


def _numbered(records: Sequence[Entry], first: int) -> Iterator[tuple[Entry, list[tuple[int, int]]]]:
    """Yield each record with the (record, index) of each of its captions.

    A caption that several records share, as the photos of a carousel do, counts for the first of them.
    """
    places: dict[int, tuple[int, int]] = {}
    for number, record in enumerate(records, start=first):
        yield record, [places.setdefault(id(text), (number, n)) for n, text in enumerate(record.captions)]


@dataclass
class CaptionsFound:
    """What was found in one or more caption files."""

    splits: dict[str, str | None] = field(default_factory=dict)  # photo -> its split
    pairs: list[Pair] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)  # photo -> day of its post
    elsewhere: list[str] = field(default_factory=list)  # paths of another machine, whose photos were found by name
    split_again: set[str] = field(default_factory=set)  # photos that a later row puts into another split
    records: int = 0

    def add(self, parsed: Parsed, lookup: Lookup, name: str) -> None:
        """Add the records of a caption file, called `name` in messages."""
        self.skipped += [Skipped(f"{name}:{fault.where}", fault.reason, fault.detail) for fault in parsed.faults]
        for record, places in _numbered(parsed.records, self.records):
            where, photo = f"{name}:{record.place}", lookup.find(record.photo.value, record.folder)
            if isinstance(photo, Miss):
                self.skipped.append(Skipped(where, *photo))
                continue
            if self.splits.setdefault(photo, record.split) != record.split and record.split is not None:
                self.split_again.add(photo)
            if record.date:
                self.dates.setdefault(photo, record.date)
            captions = zip(record.captions, places, strict=True)
            self.pairs += [Pair(photo, caption.value, *place) for caption, place in captions]
        self.records += len(parsed.records)
        self.elsewhere = lookup.elsewhere

    def notes(self, name: str) -> Iterator[str]:
        """Yield what the user should know of how a caption file, called `name`, was read."""
        if self.elsewhere:
            yield (
                f"{name} has {counted(len(self.elsewhere), 'path')} of another machine, such as {self.elsewhere[0]}: "
                "the photos were found by their names"
            )
        if self.split_again:
            several = counted(len(self.split_again), "photo")
            yield f"{name} puts {several} into several splits, such as {min(self.split_again)}: the first counts"
