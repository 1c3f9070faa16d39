"""Files in a folder of photos that seem to hold captions and are not read: why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path, PurePosixPath

from unlearnable import files
from unlearnable.datasets.formats.sidecar import text_beside
from unlearnable.datasets.found_captions import listed, possible_captions
from unlearnable.datasets.recognition import AS_CSV, SPREADSHEETS, TABLES, hint_for
from unlearnable.datasets.text import csv_rows
from unlearnable.datasets.text.document import read_document
from unlearnable.errors import InputError
from unlearnable.wording import counted

_BEGINNING = 1 << 16  # characters in which a file that is about photos names one
_TEXTS = frozenset({".yaml", ".yml", ".toml", ".xml", ".md"})
_DOCUMENTS = frozenset({".docx", ".doc", ".odt", ".pages", ".rtf"})
_CALLED = re.compile(r"(photo|image)?[-_ ]*(captions?|alt[-_ ]?texts?|descriptions?|beschreibung(en)?)", re.IGNORECASE)


def unread_captions(folder: Path, photos: Iterable[str]) -> list[str]:
    """Return a line for each file in a folder that seems to hold captions and cannot be read: why, and what to do.

    Texts beside photos, of which none can be read, have one line in common.

    Args:
        folder: folder of the photos, which holds no captions that can be read.
        photos: their ids; a text counts if it names one of them, in the cell of a table also without its suffix, or if
            it is called as captions are.

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
        in_cells = path.suffix.lower() in TABLES and csv_rows.names_one(text, stems)
        names_photos = in_cells or any(name in text for name in names)
        if names_photos or (_CALLED.fullmatch(path.stem) and text.strip()):
            said = "names photos and is" if names_photos else "seems to hold captions, names no photo and is"
            why = f"in no known format: it is not read; {hint_for(path, text)}"
            why = why if is_utf8 else "not text in UTF-8: it is not read; save it as UTF-8"
            lines.append(f"{path.name} {said} {why}")
    return [*lines, *_unread_texts(texts)]


def _unknown(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder that may hold captions, by their suffix, and are in no known format."""
    yield from (path for path, reader in possible_captions(folder) if reader is None)
    yield from _shown(folder, _TEXTS)


def _shown(folder: Path, suffixes: Set[str]) -> list[Path]:
    """Return the files in a folder with one of these suffixes, but for hidden ones and those of an editor."""
    called = (path for path in listed(folder) if path.suffix.lower() in suffixes)
    return [path for path in called if not path.name.startswith((".", "~")) and files.is_file(path)]


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
