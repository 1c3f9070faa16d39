"""Put JSON Schema into words: the types, bounds and defaults in the tables of settings and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reference_pages.markdown import code

Schema = Mapping[str, Any]
_NAMES = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "object": "object"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def words(schema: Schema, link: Callable[[str], str] = str) -> str:
    """Return the type of a value in words, such as "integer, ≥ 1, ≤ 64".

    Args:
        schema: JSON Schema of the value.
        link: function that formats the name of another model.
    """
    if "$ref" in schema:
        return link(schema["$ref"].rpartition("/")[2])
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return words(schema["allOf"][0], link)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(words(part, link) for part in schema["anyOf"]))
    if "const" in schema:
        return code(_value(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(_value(value)) for value in schema["enum"])
    if schema.get("type") == "null":
        return "null"
    if schema.get("type") == "array":
        return f"list of {words(schema.get('items', {}), link)}" + _bounds(schema)
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {words(schema['additionalProperties'], link)}"
    if schema.get("format") == "path":
        return "path"
    return _NAMES.get(schema.get("type", ""), "any") + _bounds(schema)


def without_null(schema: Schema) -> Schema:
    """Return the schema of an optional value without null, which users express by omitting it."""
    parts = [part for part in schema.get("anyOf", []) if part.get("type") != "null"]
    return {**schema, "anyOf": parts} if parts else schema


def description(schema: Schema) -> str:
    """Return the description of a field, or that of its type."""
    inner = (part.get("description", "") for part in schema.get("anyOf", []) if "$ref" not in part)
    return schema.get("description") or next(filter(None, inner), "")


def default(schema: Schema) -> str:
    """Return the default as TOML writes it; empty if there is none or it is null."""
    value = schema.get("default")
    return "" if value is None else code(_value(value))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _bounds(schema: Schema) -> str:
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema]
    if least := schema.get("minItems"):
        bounds.append(f"at least {least}")
    return "".join(f", {bound}" for bound in bounds)
