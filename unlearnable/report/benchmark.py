"""The page of a benchmark: whatever tables, figures and remarks it is given."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from unlearnable.errors import InputError

KINDS = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class Table:
    """A table of finished text: the first cell of a row names it, the others are figures and stand to the right.

    Our figures and the paper's are columns of their own ("Hit@10", "paper").
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture file that goes into the page, what it shows for those who cannot see it, and the line below it."""

    path: Path
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class BenchmarkPage:
    """All that stands on the page; `lead` are the paragraphs under the title."""

    title: str
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    lead: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def data_uri(path: Path) -> str:
    """A picture file as a data URI.

    Raises:
        InputError: it cannot be read, or is of no kind that a page can show.
    """
    if path.suffix.lower() not in KINDS:
        raise InputError(f"{path} is no picture for a page", hint=f"there are: {', '.join(KINDS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    return f"data:{KINDS[path.suffix.lower()]};base64,{base64.b64encode(content).decode('ascii')}"
