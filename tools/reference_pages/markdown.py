"""Markdown that does not change its meaning with the text put into it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from rich.errors import MarkupError
from rich.markup import render

GENERATED = "<!-- Written by tools/reference.py from the code. Edit the code, then run that script. -->"
_CODE = re.compile(r"(`[^`]*`)")


def document(title: str, introduction: str, sections: Sequence[str]) -> str:
    """A whole page."""
    return "\n\n".join([GENERATED, f"# {title}", introduction.strip(), *sections]) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; columns in which every cell is empty are left out."""
    kept = [number for number in range(len(heads)) if any(row[number] for row in rows)]
    lines = [[heads[n] for n in kept], ["---"] * len(kept), *([row[n] for n in kept] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def prose(text: str | None) -> str:
    """A docstring or help text as paragraphs, its line breaks undone and what HTML would take for tags escaped."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(escape(" ".join(paragraph.split())) for paragraph in paragraphs).strip()


def escape(text: str) -> str:
    """Text with `<`, `*` and `_` as themselves, but for what stands between backticks."""
    parts = _CODE.split(text)
    return "".join(part if part.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", part) for part in parts)


def plain(text: str | None) -> str:
    """A help text without the markup of Rich."""
    try:
        return render(text or "").plain
    except MarkupError:
        return text or ""


def code(text: object) -> str:
    """Text as code; nothing for an empty one."""
    return f"`{text}`" if str(text) else ""
