"""Build Markdown in which inserted text is never read as markup."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from rich.errors import MarkupError
from rich.markup import render

GENERATED = "<!-- Written by tools/reference.py from the code. Edit the code, then run that script. -->"
_CODE = re.compile(r"(`[^`]*`)")


def document(title: str, introduction: str, sections: Sequence[str]) -> str:
    """Return the text of a page."""
    return "\n\n".join([GENERATED, f"# {title}", introduction.strip(), *sections]) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; columns in which every cell is empty are left out."""
    columns = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    lines = [[heads[n] for n in columns], ["---"] * len(columns), *([row[n] for n in columns] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(text: str | None) -> str:
    """Return a docstring or help text as paragraphs, with line breaks joined and markup escaped."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(escape(" ".join(paragraph.split())) for paragraph in paragraphs).strip()


def escape(text: str) -> str:
    """Escape `<`, `*`, `_` and brackets in a text, except between backticks."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", part) for part in parts)


def plain(text: str | None) -> str:
    """Return a help text without Rich's markup."""
    try:
        return render(text or "").plain
    except MarkupError:
        return text or ""


def code(text: object) -> str:
    """Return a text as code; an empty text stays empty."""
    return f"`{text}`" if str(text) else ""
