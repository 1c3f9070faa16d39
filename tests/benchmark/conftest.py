"""Data sets in the layouts they are published in, of small pictures made in code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import CAPTIONS, picture
from unlearnable.benchmark import run
from unlearnable.settings import BenchmarkSettings
from unlearnable.storage import files

SPLIT = ["train"] * 8 + ["val"] + ["test"] * 4


def photos(folder: Path, count: int = len(SPLIT)) -> list[str]:
    folder.mkdir(parents=True)
    for n in range(count):
        Image.fromarray(picture(n)).save(folder / f"{n:04d}.jpg")
    return [f"{n:04d}.jpg" for n in range(count)]


def captions(n: int) -> list[str]:
    return [f"{CAPTIONS[n % 5]} {n}", f"photo {n} of {CAPTIONS[(n + 1) % 5]}"]


@pytest.fixture
def flickr(tmp_path):
    """Flickr8k as a JSONL with a split."""
    root = tmp_path / "flickr8k"
    names = photos(root / "images")
    rows = [{"image": f"images/{x}", "captions": captions(n), "split": SPLIT[n]} for n, x in enumerate(names)]
    (root / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


@pytest.fixture
def faces(tmp_path):
    """PubFig as a folder for each of four people with three photos."""
    root = tmp_path / "pubfig"
    for person in range(4):
        (root / f"Person_{person}").mkdir(parents=True)
        for n in range(3):
            Image.fromarray(picture(10 * person + n)).save(root / f"Person_{person}" / f"{n}.png")
    return root


@pytest.fixture
def asked(tiny_path, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(
        run, "draw", lambda report, path: files.write_text(path, "figure")
    )  # takes longer than all else

    def make(dataset: str, data: Path, **changes) -> BenchmarkSettings:
        given = {
            "dataset": dataset, "data": data, "scale": "tiny", "surrogate": str(tiny_path),
            "victims": (str(tiny_path),), "output": tmp_path / "out", "device": "cpu",
        }  # fmt: skip
        return BenchmarkSettings(**{**given, **changes})

    return make
