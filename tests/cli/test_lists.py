"""The commands that say what is installed, as a shell sees them."""

from __future__ import annotations

import json

import pytest

from tests.cli.program import call


@pytest.mark.parametrize("name", ["methods", "formats", "models", "attacks"])
def test_lists(name):
    result = call(name, "--json", "--debug")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)[name]
    assert all(row["name"] and row["summary"] for row in rows)
    assert {"methods": "mem", "formats": "coco", "models": "small", "attacks": "jpeg-75"}[name] in [
        row["name"] for row in rows
    ]


def test_datasets_are_listed_with_where_they_can_be_had():
    result = call("datasets", "--json", "--debug")
    names = {row["name"]: row["summary"] for row in json.loads(result.stdout)["datasets"]}
    assert names.keys() == {"flickr8k", "flickr30k", "coco", "pubfig"}
    assert "https://" in names["coco"]


def test_doctor_says_that_the_bundled_model_is_intact():
    result = call("doctor", "--json", "--debug")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["bundled_intact"] is True
    assert found["language_model_intact"] is True
    assert found["packages"]["torch"] != "missing"
    assert call("--version").stdout.startswith("unlearnable ")
