"""Generate docs/reference/reports.md and the JSON Schema of every report from `unlearnable.results`."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from reference_pages import schema
from reference_pages.markdown import code, document, escape, prose, table
from unlearnable import results

INTRODUCTION = """
With `--json` a command prints one JSON object on stdout, and nothing else there. Reports on disk hold the same object.
Below are the reports, then the records in them. `ManifestLine` is a line of the private `manifest.jsonl`.

A failure prints `{"schema_version": 1, "error", "hint", "exit_code"}` in place of the report; `hint` may be null. So
does wrong usage, such as an unknown option. After Ctrl-C or SIGTERM the object also holds `"stopped": "interrupted"`.

The commands that list what is installed print `{"schema_version": 1, "methods": [{"name", "summary"}]}`, each under its
own name; `doctor` prints its facts beside `schema_version`.
"""


def models() -> dict[str, type[BaseModel]]:
    """Return every public record by its name: reports first, then the records in them, each in alphabetical order."""
    by_name = {name: getattr(results, name) for name in results.__all__ if _is_model(getattr(results, name))}
    return dict(sorted(by_name.items(), key=lambda item: ("schema_version" not in item[1].model_fields, item[0])))


def alone(records: dict[str, type[BaseModel]]) -> frozenset[str]:
    """Return the names of the records that are part of no other: those that a file or an output holds."""
    inner = (set(_schema(model).get("$defs", {})) - {name} for name, model in records.items())
    return frozenset(records).difference(*inner)


def page() -> str:
    """Return the text of the page."""
    records = models()
    outer, sections = alone(records), []
    for name, model in records.items():
        sections += [f"## {name}", prose(model.__doc__)]
        if name in outer:
            sections.append(f"JSON Schema: [schemas/{_file(name)}](schemas/{_file(name)})")
        sections.append(table(["Field", "Type", "Default", "Meaning"], _rows(model, records)))
    return document("Reports", INTRODUCTION, sections)


def schemas() -> dict[str, str]:
    """Return the JSON Schema of each record that is part of no other, by its file name."""
    records = models()
    return {
        _file(name): json.dumps(_schema(records[name]), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for name in alone(records)
    }


def _rows(model: type[BaseModel], records: dict[str, type[BaseModel]]) -> list[list[str]]:
    def link(name: str) -> str:
        return f"[{name}](#{name.lower()})" if name in records else name

    return [
        [code(name), schema.words(field, link), schema.default(field), escape(schema.description(field))]
        for name, field in _schema(model)["properties"].items()
    ]


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="serialization")


def _is_model(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _file(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() + ".schema.json"
