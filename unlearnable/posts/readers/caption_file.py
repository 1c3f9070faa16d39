"""Formats with one caption file: what its rows say, which photos they mean, and the reader and writer of all of them.

A format adds how its text is recognised, parsed and written anew.
"""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from os.path import isfile  # as of a path it raises no error where that is too long
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from unlearnable.errors import InputError
from unlearnable.posts.text import Document, read_document
from unlearnable.posts.tree import find_photos
from unlearnable.posts.types import Dataset, Edits, Pair, Skipped, assemble, first_of
from unlearnable.storage import files
from unlearnable.wording import grouped

_FOREIGN = re.compile(r"file:|[A-Za-z]:[\\/]|\\\\", re.IGNORECASE)  # how paths of another machine begin
_SPLIT = "split"
_MEND = "mend the file, or protect the photos without captions: `captions='none'`"


class Keys(NamedTuple):
    """Names of fields, case-folded, the preferred one first: the first field that is not blank is used."""

    photo: tuple[str, ...]
    caption: tuple[str, ...]


HEADINGS = Keys(  # in English, German, French, Spanish, Italian, Portuguese and Dutch
    photo=(
        *("image", "file_name", "filename", "filepath", "path", "file", "img", "uri", "image_path", "image_name"),
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


class Miss(NamedTuple):
    """Why a path leads to no photo: `reason` is one hyphenated word, `detail` says more."""

    reason: str
    detail: str


class Lookup:
    """Finder of photos, given by their ids below `root`, by the paths in a caption file."""

    def __init__(self, root: Path, ids: Iterable[str]) -> None:
        self._root = posixpath.normpath(root.absolute().as_posix())
        self._roots = {self._root, root.resolve().as_posix()}
        photos = list(ids)
        self._ids = {_composed(photo): photo for photo in photos} | {photo: photo for photo in photos}
        self._by_name = grouped((_composed(posixpath.basename(photo)), photo) for photo in photos)

    def find(self, value: str, base: Path, folder: str = "") -> str | Miss:
        r"""Return the id of the photo that `value`, a path in a caption file in the folder `base`, means.

        Tried in turn: the path from the root, the path from `base`, and the one photo whose path ends with it. Of a
        path of another machine (`C:\...`, `file:///...`) the longest end that some photo shares with it is enough.
        `folder` is one that the caption file gives apart from the path; it is tried first.
        """
        if not folder and value in self._ids:
            return self._ids[value]
        value = value.strip()
        path = unquote(urlsplit(value).path) if value.lower().startswith("file:") else value
        path = path.replace("\\", "/")
        names = [posixpath.join(folder, path), path] if folder else [path]
        starts = self._root, base.absolute().as_posix()
        below = [place for name in names for start in starts if (place := self._below(start, name))]
        if exact := next((self._ids[place] for place in below if place in self._ids), None):
            return exact
        if _FOREIGN.match(value):
            names = [posixpath.join(*_parts(path)[start:]) for start in range(len(_parts(path)))]
        elif not below:
            return Miss("outside-folder", f"{path} is not below {self._root}")
        photos = next(filter(None, map(self._ending, names)), [])
        if len(photos) > 1:
            return Miss("ambiguous-photo", f"{path} could be {photos[0]} or {photos[1]}")
        if photos:
            return photos[0]
        if any(isfile(posixpath.join(self._root, place)) for place in below):  # noqa: PTH113
            return Miss("not-a-photo", f"{path} is a file of another kind")
        return Miss("missing-photo", f"{path} is not below {self._root}, or is not a photo")

    def _below(self, start: str, name: str) -> str | None:
        """Return the composed path below the root of `name`, which is relative to `start`; None if it is not below."""
        full = posixpath.normpath(posixpath.join(start, name))  # resolving would follow links: ids are names
        for root in self._roots:
            if full.startswith(posixpath.join(root, "")):
                return _composed(posixpath.relpath(full, root))
        return None

    def _ending(self, name: str) -> list[str]:
        """Return the photos whose full path ends with a name."""
        shown = _parts(name)
        photos = self._by_name.get(shown[-1], []) if shown else []
        return [one for one in photos if _parts(f"{self._root}/{one}")[-len(shown) :] == shown]


def renamed(value: str, photo: str, new: str) -> str:
    """Return the replacement of the path `value`, which means `photo`, once that is at `new` in the output folder.

    A path without the folders above it, as in Flickr and COCO, stays without them; any other becomes the path
    from the output folder.
    """
    shown, parts, new_parts = _parts(value), _parts(photo), PurePosixPath(new).parts
    hidden = PurePosixPath(photo).parts[: -len(shown)]
    stays_short = parts[-len(shown) :] == shown and new_parts[: len(hidden)] == hidden
    return posixpath.join(*new_parts[len(hidden) :]) if stays_short else new


def _composed(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(posixpath.normpath(_composed(path).replace("\\", "/"))).parts


@dataclass(frozen=True)
class Entry:
    """What a caption file says about one photo in one place."""

    place: str  # in the file, for messages: a line number, or `images[3]`
    photo: str  # its path
    captions: tuple[str, ...]  # none of them blank; may be empty
    row: Any = None  # of the parsed file
    keys: tuple[Any, Any, Any] = (None, None, None)  # in the row, of photo, captions and split
    folder: str = ""  # which the record gives apart from the path
    split: str | None = None
    date: str = ""  # day of the post, `2024-05-06`
    post: str = ""  # entries of the same post share their first caption


Dump = Callable[[Sequence[Entry], Set[str]], str]
"""`(entries, keep)` -> the text of a file of these entries, with the fields named in `keep`, case-folded."""


@dataclass(frozen=True)
class Parsed:
    """A parsed caption file: its usable entries in order, and its unusable rows, whose `where` is the place in it."""

    entries: tuple[Entry, ...]
    faults: tuple[Skipped, ...]
    dump: Dump = lambda entries, keep: ""
    fields: frozenset[str] = frozenset()  # names of those that are published only if they are kept


def divided(rows: Iterable[Entry | Skipped]) -> tuple[tuple[Entry, ...], tuple[Skipped, ...]]:
    """Return the usable entries among rows, and what says why the others are not."""
    found = list(rows)
    return (
        tuple(one for one in found if isinstance(one, Entry)),
        tuple(one for one in found if isinstance(one, Skipped)),
    )


def entry_of(place: str, row: Any, fields: Mapping[str, tuple[Any, Sequence[str]]], keys: Keys) -> Entry | Skipped:
    """Return the entry of a row, or why there is none.

    `fields` holds by case-folded name the key of a field in the row, and the strings in it that are not blank.
    """

    def first(names: Iterable[str]) -> tuple[Any, Sequence[str]]:
        return next((fields[name] for name in names if name in fields and fields[name][1]), (None, ()))

    (photo_key, photo), (caption_key, captions), (split_key, split) = map(first, (*keys, (_SPLIT,)))
    if len(photo) != 1:
        why = "several photos in one row" if photo else f"none of {', '.join(keys.photo[:6])}"
        return Skipped(place, "no-photo", why)
    name = split[0].strip().lower() if split else None
    return Entry(place, photo[0], tuple(captions), row, (photo_key, caption_key, split_key), split=name)


class NamesNoPhotoError(InputError):
    """A caption file names no photo of its folder."""

    @classmethod
    def of(cls, path: Path, root: Path, skipped: Sequence[Skipped]) -> "NamesNoPhotoError":
        """Return the error for a caption file, with the first row that was left out."""
        hint = "give the folder that its paths start from"
        return cls(f"{path} names no photo below {root}{first_of(skipped)}", hint=hint)


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
        found.add(parsed, Lookup(root, find_photos(root)), path.parent, path.name)
        if not found.splits:
            raise NamesNoPhotoError.of(path, root, found.skipped)
        dataset = assemble(root, found.splits, found.pairs, found.skipped, self.name, path)
        guessed = f"{path.name} is not UTF-8: it is read as cp1252; check that its letters look right"
        notes = (guessed,) if document.encoding == "cp1252" else ()
        return replace(dataset, notes=notes, fields=tuple(sorted(parsed.fields)))

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write photo, caption and kept fields of the rows whose photo stays."""
        if dataset.source is None:
            raise InputError(f"{dataset.name} was not read from a caption file")
        document, parsed = self._parsed(dataset.source)
        kept, pairs = list[Entry](), set[Pair]()
        lookup = Lookup(dataset.root, (photo.id for photo in dataset.photos))
        after = Lookup(dataset.root, edits.paths.values())
        for entry, places in numbered(parsed.entries):
            photo = lookup.find(entry.photo, dataset.source.parent, entry.folder)
            if isinstance(photo, Miss) or photo not in edits.paths:
                continue
            pairs |= {Pair(photo, text, *place) for text, place in zip(entry.captions, places, strict=True)}
            new = renamed(entry.photo, photo, edits.paths[photo])
            if after.find(new, dataset.root, entry.folder) != edits.paths[photo]:  # another copy is called alike now
                new = edits.paths[photo]
            texts = (edits.captions.get(*one) for one in zip(places, entry.captions, strict=True))
            kept.append(replace(entry, photo=new, captions=tuple(texts)))
        if pairs != {pair for pair in dataset.pairs if pair.photo in edits.paths and pair.record >= 0}:
            raise changed_since(dataset.source)
        files.write_bytes(target, document.encode(parsed.dump(kept, edits.keep_fields), target))

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


def numbered(entries: Iterable[Entry], first: int = 0) -> Iterator[tuple[Entry, list[tuple[int, int]]]]:
    """Yield each entry with the (record, index) of each of its captions; that of a post counts for its first photo."""
    posts: dict[str, tuple[int, int]] = {}
    for number, entry in enumerate(entries, first):
        places = [(number, n) for n in range(len(entry.captions))]
        if entry.post and places:
            places[0] = posts.setdefault(entry.post, places[0])
        yield entry, places


@dataclass
class CaptionsFound:
    """What was found in one or more caption files."""

    splits: dict[str, str | None] = field(default_factory=dict)  # photo -> its split, by its first row
    pairs: list[Pair] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)  # photo -> day of its post
    entries: int = 0

    def add(self, parsed: Parsed, lookup: Lookup, base: Path, name: str) -> None:
        """Add the entries of a caption file in the folder `base`, called `name` in messages."""
        self.skipped += [replace(fault, where=f"{name}:{fault.where}") for fault in parsed.faults]
        for entry, places in numbered(parsed.entries, self.entries):
            photo = lookup.find(entry.photo, base, entry.folder)
            if isinstance(photo, Miss):
                self.skipped.append(Skipped(f"{name}:{entry.place}", *photo))
                continue
            self.splits.setdefault(photo, entry.split)
            if entry.date:
                self.dates.setdefault(photo, entry.date)
            self.pairs += [Pair(photo, text, *place) for text, place in zip(entry.captions, places, strict=True)]
        self.entries += len(parsed.entries)
