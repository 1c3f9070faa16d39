"""A run of `protect` that takes a second or two, what it lists, and posts whose captions name people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.presets import preset

QUICK: dict[str, Any] = {"preset": preset()}

PEOPLE = ["Ada Cox", "Ben Dale", "Cleo Ekholm", "Dora Fitz"]


@pytest.fixture
def quick(tiny_path):
    return {**QUICK, "surrogate": (str(tiny_path),)}


@pytest.fixture
def at_once(tiny_path):
    """Settings of a run that makes its noise at once, for tests of all else."""
    return {"method": "random", "surrogate": (str(tiny_path),)}


def manifest(report_folder):
    return [json.loads(line) for line in (report_folder / "manifest.jsonl").read_text().splitlines()]


@pytest.fixture
def named(posts):
    """Eight photos, two of each of four people."""
    photos = [*(f"p{n}.png" for n in range(7)), "trip/p7.png"]
    rows = [{"image": name, "caption": f"lunch with {PEOPLE[n // 2]}!"} for n, name in enumerate(photos)]
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return posts


def captions_of(folder):
    return [json.loads(row)["caption"] for row in (folder / "posts.jsonl").read_text().splitlines()]
