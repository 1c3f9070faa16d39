"""Which format a file of captions is in, and what to do where it is in none."""

from __future__ import annotations

import re
from pathlib import Path

from unlearnable.errors import InputError
from unlearnable.posts import csv_rows, json_rows
from unlearnable.posts.base import Format
from unlearnable.posts.readers import FORMATS
from unlearnable.posts.text import read_document

_ARCHIVES = frozenset({".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip"})
TABLES = frozenset({".csv", ".tsv", ".txt"})
SPREADSHEETS = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
_NEEDS_HEADING = "a CSV or TSV needs a first row that names its columns, such as filepath and title"
AS_CSV = "save it as CSV, with a first row that names its columns, such as filename and caption"
IN_TEXTS = "put the caption of a.jpg into a.txt beside it, or all into a CSV with the columns filename and caption"
_NEEDS_LIST = 'write a list of objects, such as [{"image": "a.jpg", "caption": "a dog"}]'
_NEEDS_KEYS = 'write one JSON object per line, such as {"image": "a.jpg", "caption": "a dog"}'
_HINTS = {
    ".csv": _NEEDS_HEADING,
    ".tsv": _NEEDS_HEADING,
    ".txt": IN_TEXTS,
    ".json": _NEEDS_LIST,
    ".jsonl": _NEEDS_KEYS,
    ".ndjson": _NEEDS_KEYS,
}
_CHAT = re.compile(  # "[01.05.24, 12:31:02] Mia:" or "5/1/24, 9:31 AM - Mia:"
    r"\W*\d{1,4}[./-]\d{1,2}[./-]\d{1,4},? \d{1,2}[:.]\d{2}.{0,8}?(\] | - )"
)


def recognise(source: Path) -> Format:
    """Return the first format that recognises `source`.

    Raises:
        InputError: the file cannot be read, or no format recognises it.
    """
    if source.suffix.lower() in _ARCHIVES:
        raise InputError(f"{source} is an archive", hint="unpack it and give the folder")
    if source.suffix.lower() in SPREADSHEETS:
        raise InputError(f"{source} is a spreadsheet", hint=AS_CSV)
    if found := recognised(source):
        return found
    text = "" if source.is_dir() else read_document(source).text
    raise InputError(f"the captions in {source} are in no known format", hint=hint_for(source, text))


def recognised(source: Path) -> Format | None:
    """Return the first format that recognises `source`."""
    return next((one for one in FORMATS.values() if one.sniff(source)), None)


def hint_for(source: Path, text: str) -> str:
    """Return what to do with a file whose captions are in no known format."""
    if _CHAT.match(text):
        return f"it is a chat, as WhatsApp saves it: {IN_TEXTS}"
    if source.suffix.lower() == ".json":
        try:
            json_rows.loads(text)
        except ValueError as error:
            return f"it is not valid JSON: {error}"
    if source.suffix.lower() in TABLES and csv_rows.has_heading(text):
        return f"its first row is {csv_rows.first_row(text)}: call two of them photo and caption"
    return _HINTS.get(source.suffix.lower(), AS_CSV)
