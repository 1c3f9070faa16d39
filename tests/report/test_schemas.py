"""The JSON of the reports, which other programs read: the names of their fields, what they mean, and their units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from unlearnable import report
from unlearnable.benchmark.cells import Saved
from unlearnable.report import BenchmarkCell, Cell, ManifestLine, PreviewReport

FIELDS = Path(__file__).parents[1] / "golden" / "report_fields.json"
RECORDS: dict[str, type[BaseModel]] = {
    name: kind
    for name, kind in vars(report).items()
    if isinstance(kind, type) and issubclass(kind, report.Record) and kind.model_fields and not kind.__subclasses__()
}


def test_every_record_has_the_fields_that_were_published(request: pytest.FixtureRequest):
    found = {name: list(record.model_fields) for name, record in sorted(RECORDS.items())}
    if request.config.getoption("--write-golden"):
        FIELDS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(FIELDS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_field_says_what_it_is(name: str):
    described = {field: info.description for field, info in RECORDS[name].model_fields.items()}
    assert [field for field, description in described.items() if not description] == []


UNITS = {
    "seconds": "in seconds", "psnr": "in db", "linf": "in 1/255", "hit": "in per cent", "medr": "rank", "nats": "nats",
    "bytes": "in bytes", "loss": "in nats", "width": "in pixels", "height": "in pixels", "share": "share",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_quantity_has_its_unit(name: str):
    for field, info in RECORDS[name].model_fields.items():
        numbers = "float" in str(info.annotation) or "int" in str(info.annotation)
        for part, unit in UNITS.items():
            if numbers and part in field:
                assert unit in (info.description or "").lower(), f"{name}.{field}"


@pytest.mark.parametrize("record", [Cell, BenchmarkCell, ManifestLine, Saved])
def test_a_record_that_is_read_back_refuses_a_field_it_does_not_know(record: type[BaseModel]):
    with pytest.raises(ValidationError, match=r"surprise\n *Extra inputs are not permitted"):
        record.model_validate({"surprise": 1})


def test_a_report_of_a_later_version_with_further_fields_can_be_read():
    known: dict[str, Any] = {"output": "o", "linf": 8, "psnr": None, "ssim": 1}
    assert PreviewReport.model_validate({**known, "surprise": 1}) == PreviewReport(**known)
