"""A package from outside adds a method with settings of its own, a caption format and an attack."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from unlearnable_demo.stripes import Stripes

from tests.workflows.conftest import QUICK
from unlearnable import protect
from unlearnable.errors import ConfigError
from unlearnable.verify.attacks import parse_attack


@pytest.fixture
def arrows(posts):
    """The posts with their captions in the format of the plugin."""
    rows = [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]
    (posts / "posts.jsonl").unlink()
    (posts / "posts.arrows").write_text("".join(f"{row['image']} => {row['caption']}\n" for row in rows))
    return posts / "posts.arrows"


def noise_of(posts, output):
    before, after = (np.asarray(Image.open(folder / "p0.png")).astype(int) for folder in (posts, output))
    return after - before


def test_its_method_takes_its_own_option_and_its_format_is_written_back(posts, arrows, tiny_path, tmp_path):
    quick = {**QUICK, "surrogate": (str(tiny_path),), "captions": arrows, "method": "stripes"}
    wide = protect(posts, output=tmp_path / "wide", options={"stripe_width": 16}, **quick)
    narrow = protect(posts, output=tmp_path / "narrow", **quick)
    assert (wide.protected, wide.caption_format) == (8, "arrows")
    assert wide.run != narrow.run
    changes = [
        int((np.diff(noise_of(posts, tmp_path / name)[:, :, 0], axis=1) != 0).sum()) for name in ("wide", "narrow")
    ]
    assert 0 < changes[0] < changes[1]
    assert (tmp_path / "wide" / "posts.arrows").read_text() == arrows.read_text()
    assert "[options]\nstripe_width = 16\n" in (tmp_path / "wide.private" / "run.toml").read_text()


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("stripes", {"width": 3}, "width"),
        ("stripes", {"stripe_width": 0}, "greater than or equal to 1"),
        ("em", {"stripe_width": 3}, "stripe_width"),
    ],
)
def test_an_option_that_a_method_has_not_is_refused_before_anything_is_made(posts, tiny_path, method, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        protect(posts, method=method, options=options, surrogate=(str(tiny_path),), **QUICK)
    assert "options" in caught.value.hint
    assert not (posts.parent / "photos-protected.private").exists()


@pytest.mark.parametrize(
    ("part", "made", "said"),
    [
        ("start", None, "the session of the method stripes is a NoneType (it has to be a Session)"),
        ("rounds", None, "the method stripes ended without a round (it has to yield each as a Round)"),
        ("rounds", [None, None], "the method stripes ended without a round (it has to yield each as a Round)"),
        ("rounds", [None, 0.5], "a round of the method stripes is a float (it has to be a Round)"),
    ],
)
def test_a_method_of_a_package_that_makes_no_rounds_is_named(posts, tiny_path, monkeypatch, part, made, said):
    monkeypatch.setattr(Stripes, part, lambda *_: made)
    with pytest.raises(ConfigError) as caught:
        protect(posts, surrogate=(str(tiny_path),), method="stripes", **QUICK)
    assert caught.value.line == said


def test_its_attack_has_a_place_in_chains():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert (parse_attack("mirror+mirror").image(pixels) == pixels).all()
    assert (parse_attack("mirror").image(pixels) == pixels[:, ::-1]).all()


@pytest.mark.parametrize(("command", "name"), [("methods", "stripes"), ("formats", "arrows"), ("attacks", "mirror")])
def test_lists_name_the_package_that_added_a_row(command, name):
    line = [sys.executable, "-m", "unlearnable", "list", command, "--json"]
    result = subprocess.run(line, capture_output=True, text=True, check=True)
    rows = {row["name"]: row["summary"] for row in json.loads(result.stdout)[command]}
    assert rows[name] == "Added by unlearnable-demo 0.1."
