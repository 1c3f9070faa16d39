"""What in a folder of photos seems to hold captions and is not read: why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path, PurePosixPath

from unlearnable.datasets.export import Export
from unlearnable.datasets.formats import FORMATS
from unlearnable.datasets.formats.embedded import captions_in
from unlearnable.datasets.formats.sidecar import text_beside
from unlearnable.datasets.found_captions import listed, possible_captions
from unlearnable.datasets.recognition import (
    AS_CSV,
    IN_TEXTS,
    SPREADSHEETS,
    TABLES,
    hint_for,
    lists_photos_alone,
    recognised,
)
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.tree import find_files
from unlearnable.disk import entries
from unlearnable.errors import InputError
from unlearnable.wording.counts import counted, first_and_more, pasted

_BEGINNING = 1 << 16  # characters in which a file that is about photos names one
_TEXTS = frozenset({".yaml", ".yml", ".toml", ".xml", ".md", ".ion"})  # descript.ion of ACDSee, IrfanView and XnView
_DOCUMENTS = frozenset({".docx", ".doc", ".odt", ".pages", ".rtf"})
_CALLED = re.compile(r"(photo|image)?[-_ ]*(captions?|alt[-_ ]?texts?|descriptions?|beschreibung(en)?)", re.IGNORECASE)
_BELOW = _TEXTS | {".html", ".htm", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".js"}
_MOST = 500  # files in sub-folders, and photos, that are looked at
_LARGEST = 1 << 26  # bytes of a file in a sub-folder
_TELLING = 20  # letters of a photo's name that stand nowhere by chance without its suffix, as of a photo of Bluesky
_HEAD = 1 << 18  # bytes in which XMP or JSON beside a photo has its description
_OF_A_LANGUAGE = re.compile(r"(.+)[._-][a-z]{2,3}([-_][A-Z]{2})?\.(txt|caption)")
_BESIDE = re.compile(  # in XMP, and in JSON of download programs
    rb'<dc:description>\s*<rdf:Alt>\s*<rdf:li[^>]*>\s*[^<\s]|"(description|caption|content|text|alt)": *"\s*[^"\s]'
)


def unread_captions(folder: Path, photos: Iterable[str]) -> list[str]:
    """Return a line for each file in a folder that seems to hold captions and cannot be read: why, and what to do.

    Texts beside photos, of which none can be read, have one line in common.

    Args:
        folder: folder of the photos, which holds no captions that can be read.
        photos: their ids; a text counts if it names one of them, in the cell of a table or in JSON also without its
            suffix, or if it is called as captions are.

    Raises:
        InputError: the folder, or a file that may hold captions, cannot be read.
    """
    paths = [PurePosixPath(photo) for photo in photos]
    texts = [found for photo in paths if (found := text_beside(folder / photo))]
    names, stems = ({path.name for path in paths}, {path.stem for path in paths if not path.stem.isdigit()})
    lines = [f"{path.name} is a spreadsheet: it is not read; {AS_CSV}" for path in _shown(folder, SPREADSHEETS)]
    lines += [
        f"{path.name} is a document: it is not read; {AS_CSV}"
        for path in _shown(folder, _DOCUMENTS)
        if _CALLED.fullmatch(path.stem)
    ]
    for path in _unknown(folder):
        text, is_utf8 = _beginning(path)
        if lists_photos_alone(text):
            continue
        in_cells = path.suffix.lower() in TABLES and csv_rows.names_one(text, stems)
        in_quotes = path.suffix.lower() == ".json" and any(f'"{stem}"' in text for stem in stems)
        names_photos = in_cells or in_quotes or any(name in text for name in names)
        if names_photos or (_CALLED.fullmatch(path.stem) and text.strip()):
            said = "names photos and is" if names_photos else "seems to hold captions, names no photo and is"
            why = f"in no known format: it is not read; {hint_for(path, text)}"
            why = why if is_utf8 else "not text in UTF-8: it is not read; save it as UTF-8"
            lines.append(f"{path.name} {said} {why}")
    return [*lines, *_unread_texts(texts)]


def unread_below(root: Path, photos: Iterable[str], read: Path | None = None) -> list[str]:
    """Return a line on the files of an export whose posts cannot be read, and one on other texts that name photos.

    Args:
        root: folder of the photos; files in itself but for HTML do not count, which `unread_captions` names.
        photos: ids of those without a caption; a file counts if it names one of them.
        read: the file that captions were read from, which does not count.
    """
    paths = [PurePosixPath(photo) for photo in photos]
    names = {path.name for path in paths} | {path.stem for path in paths if len(path.stem) >= _TELLING}
    called = [one.called for one in map(FORMATS.__getitem__, FORMATS.own) if isinstance(one, Export)]
    posts = re.compile("|".join(called))
    files = find_files(root, lambda name: PurePosixPath(name).suffix.lower() in _BELOW)
    unread = (file for file in files if root / file != read)
    below = [file for file in unread if "/" in file or file.lower().endswith((".html", ".htm"))]
    of_posts = [file for file in below if posts.fullmatch(re.sub(r"\.html$", ".json", PurePosixPath(file).name))]
    others = [file for file in below if file not in set(of_posts)][:_MOST]
    lines = []
    if found := [file for file in of_posts if _names_one(root / file, names)]:
        is_html = found[0].endswith(".html")
        why = "HTML cannot be read: ask for the export in JSON" if is_html else "their layout is not known"
        lines.append(f"captions in {first_and_more(found, 'file')} are not read: {why}")
    elif found := [file for file in others if _names_one(root / file, names)]:
        one = f"name it with --captions {pasted(root / found[0])}"
        here = (
            (one if len(found) == 1 else "protect each folder by itself") if recognised(root / found[0]) else IN_TEXTS
        )
        verbs = "names photos and is" if len(found) == 1 else "name photos and are"
        lines.append(f"{first_and_more(found, 'file')} {verbs} not read; {here}")
    return lines


def unread_inside(folder: Path, photos: Iterable[str]) -> list[str]:
    """Return a line on the descriptions in photos, of which captions elsewhere give none.

    Args:
        folder: folder of the photos.
        photos: ids of those without a caption.
    """
    found = [photo for photo in list(photos)[:_MOST] if captions_in(folder / photo)]
    why = "are not read, as captions come from other files; add them there"
    return [f"descriptions in {first_and_more(found, 'photo')} {why}"] if found else []


def unread_descriptions(folder: Path, photos: Iterable[str]) -> list[str]:
    """Return a line on the descriptions in XMP, JSON or texts beside photos.

    Args:
        folder: folder of the photos.
        photos: ids of those without a caption.
    """
    some = list(photos)[:_MOST]
    stems = dict.fromkeys(stem for photo in some for stem in (photo, str(PurePosixPath(photo).with_suffix(""))))
    beside = [stem + suffix for stem in stems for suffix in (".xmp", ".json")]
    found = [name for name in beside if _holds(_BESIDE, folder / name)]
    found += _by_language(folder, set(stems))
    return [f"descriptions in {first_and_more(found, 'file')} are not read; {IN_TEXTS}"] if found else []


def _by_language(folder: Path, stems: Set[str]) -> Iterator[str]:
    """Yield the texts beside photos of which only the name with a language is a photo's: `a.de.txt`."""
    for place in sorted({(folder / stem).parent for stem in stems}):
        names = (path.relative_to(folder).as_posix() for path in listed(place))
        yield from (name for name in names if (found := _OF_A_LANGUAGE.fullmatch(name)) and found[1] in stems)


def _holds(pattern: re.Pattern[bytes], path: Path) -> bool:
    """Return whether the beginning of a file holds a pattern."""
    try:
        with path.open("rb") as file:
            return bool(pattern.search(file.read(_HEAD)))
    except OSError:
        return False


def _names_one(path: Path, names: Set[str]) -> bool:
    """Return whether a file that is not too large holds the name of a photo, between quotes, slashes and the like."""
    try:
        if path.stat().st_size > _LARGEST:
            return False
        text = read_document(path).text
    except (InputError, OSError):
        return False
    words = [] if lists_photos_alone(text) else re.split(r"[\"'/<>()\[\]=,;|\t\r\n]+", text)
    return not names.isdisjoint(words)


def _unknown(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that may hold captions, by their suffix, and are in no known format."""
    yield from (path for path, reader in possible_captions(folder) if reader is None)
    yield from _shown(folder, _TEXTS)


def _shown(folder: Path, suffixes: Set[str]) -> list[Path]:
    """Return the files in a folder with one of these suffixes, but for hidden ones and those of an editor."""
    called = (path for path in listed(folder) if path.suffix.lower() in suffixes)
    return [path for path in called if not path.name.startswith((".", "~")) and entries.is_file(path)]


def _unread_texts(texts: list[Path]) -> Iterator[str]:
    """Yield the line on texts beside photos where the first cannot be read."""
    try:
        for text in texts[:1]:
            read_document(text)
    except InputError as error:
        more = f" (and {counted(len(texts) - 1, 'more text')} beside photos)" if len(texts) > 1 else ""
        yield f"{error.message}: it is not read{more}; {error.hint}"


def _beginning(path: Path) -> tuple[str, bool]:
    """Return the beginning of a file, and whether that is text as it can be read; if not, at least what is ASCII."""
    try:
        text = read_document(path).text[:_BEGINNING]
        return text.replace("\0", ""), "\0" not in text
    except InputError:
        with path.open("rb") as file:
            return file.read(_BEGINNING).replace(b"\0", b"").decode("latin-1"), False
