"""The JSON of the reports: the names of their fields, which other programs read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from unlearnable import results

FIELDS = Path(__file__).parents[1] / "golden" / "report_fields.json"
RECORDS: dict[str, type[BaseModel]] = {
    name: member
    for name in results.__all__
    if isinstance(member := getattr(results, name), type) and issubclass(member, BaseModel)
}


def test_every_record_has_the_fields_that_were_published(request: pytest.FixtureRequest):
    found = {name: list(record.model_fields) for name, record in sorted(RECORDS.items())}
    if request.config.getoption("--write-golden"):
        FIELDS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(FIELDS.read_text(encoding="utf-8"))
