"""Photos that lie in a folder twice, as an export's albums have them: one photo, one copy."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.conftest import tree
from tests.presets import preset
from tests.protect.conftest import manifest
from unlearnable import protect

SETTINGS: dict[str, Any] = {"preset": preset(proxy_weight=1.0, proxy_tuning_steps=2)}


@pytest.fixture
def twice(posts):
    """The posts with two of their photos a second time, one under a caption of its own."""
    rows = (posts / "posts.jsonl").read_text()
    for old, new, caption in (("p1.png", "album/p1.png", "mia again"), ("trip/p7.png", "album/q.png", "by the lake")):
        (posts / "album").mkdir(exist_ok=True)
        shutil.copyfile(posts / old, posts / new)
        rows += json.dumps({"image": new, "caption": caption}) + "\n"
    (posts / "posts.jsonl").write_text(rows)
    return posts


@pytest.mark.parametrize("method", ["mem", "em", "random"])
def test_a_photo_that_is_there_twice_gets_one_noise_and_one_trigger(twice, tiny_path, tmp_path, method):
    protect(twice, captions=twice / "posts.jsonl", surrogate=(str(tiny_path),), method=method, **SETTINGS)
    copies = tree(tmp_path / "photos-protected")
    lines = {line["source"]: line for line in manifest(tmp_path / "photos-protected.private")}
    for first, second in (("p1.png", "album/p1.png"), ("trip/p7.png", "album/q.png")):
        assert copies[first] == copies[second]
        assert lines[first]["trigger"] == lines[second]["trigger"]
        assert lines[first]["captions"] != lines[second]["captions"]
    assert copies["p1.png"] != copies["p2.png"]
    assert lines["p1.png"]["trigger"] != lines["p2.png"]["trigger"] or method != "mem"
