"""What a number among the settings has to be, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

FAULTS = frozenset(
    {
        "int_type", "int_parsing", "int_parsing_size", "int_from_float", "float_type", "float_parsing", "finite_number",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    }
)  # fmt: skip
"""Types of pydantic's errors that say of a value that it is no such number."""


@dataclass(frozen=True)
class Unit:
    """What a setting is counted in, for those who may think of another unit; part of a field's annotation.

    Attributes:
        text: a few words, such as "in 1/255".
    """

    text: str


def needed(kind: type[BaseModel], name: str) -> str:
    """Return what a setting needs that is a number, or a list of numbers: "needs a whole number from 1 to 64"."""
    number = _number(kind.model_json_schema()["properties"][name]) or {}
    low, high = number.get("minimum"), number.get("maximum")
    words = {
        "at least": low, "above": number.get("exclusiveMinimum"),
        "at most": high, "below": number.get("exclusiveMaximum"),
    }  # fmt: skip
    bounds = " and ".join(f"{word} {bound}" for word, bound in words.items() if bound is not None)
    within = f" from {low} to {high}" if None not in (low, high) else f", {bounds}" if bounds else ""
    units = [note.text for note in kind.model_fields[name].metadata if isinstance(note, Unit)]
    return ", ".join([f"needs a {'whole ' if number.get('type') == 'integer' else ''}number{within}", *units])


def _number(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of a JSON schema that describes a number, or None."""
    if schema.get("type") in ("integer", "number"):
        return schema
    parts = [*schema.get("anyOf", ()), *filter(None, [schema.get("items")])]
    return next((found for part in parts if (found := _number(part))), None)
