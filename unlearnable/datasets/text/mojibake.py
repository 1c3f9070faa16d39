"""Mojibake: text whose UTF-8 bytes were taken for Latin-1 letters, as in what Instagram and Facebook hand out."""

from __future__ import annotations

import json

from unlearnable.datasets.text import json_spans
from unlearnable.datasets.text.spans import Spell, TextSpan, is_blank


def undone(text: str) -> str:
    """Return the text that was meant; `text` itself where it is no mojibake."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def redone(text: str) -> str:
    """Return the mojibake of `text`, of which `undone` makes `text` again; itself where it has none."""
    try:
        return text.encode("utf-8").decode("latin-1")
    except UnicodeError:  # half of a surrogate pair
        return text


def text_in(text: str, node: json_spans.Node, name: str) -> TextSpan | None:
    """Return the string that an object holds under a name, as it was meant; None if it is blank or absent."""
    found = json_spans.text_in(text, node, name)
    meant = undone(found.value) if found else ""
    return found._replace(value=meant) if found and not is_blank(meant) else None


def speller(text: str) -> Spell:
    """Return the `spell` of a `Scan` of a JSON text whose strings are mojibake, but for those that came as plain text.

    A string in ASCII counts as mojibake, which in ASCII is the same.
    """
    spell_json = json_spans.speller(text, escaping=True)  # as Instagram and Facebook do

    def spell(raw: str, value: str, new: str) -> str:
        stored = json.loads(raw)
        plain = stored == value and not value.isascii() and undone(new) == new
        return spell_json(raw, stored, new if plain else redone(new))

    return spell
