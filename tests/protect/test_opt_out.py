"""`protect --opt-out`: what the copies carry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from tests.conftest import picture
from tests.imaging.test_metadata import PACKETS
from unlearnable import protect
from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import encode
from unlearnable.imaging.metadata import PROHIBITED, opt_out_of
from unlearnable.protect import photo


@pytest.fixture
def photos(tmp_path):
    """A photo of each kind that copies have, one with readable XMP and one with damaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    xmp: dict[str, Any] = {"a.jpg": {"xmp": PACKETS["attribute"]}, "c.webp": {"xmp": b"<x:xmpmeta>"}}
    for number, name in enumerate(("a.jpg", "b.png", "c.webp", "d.tif")):
        Image.fromarray(picture(number)).save(folder / name, **xmp.get(name, {}))
    return folder


def test_every_copy_and_the_manifest_say_it(photos, at_once, tmp_path):
    report = protect(photos, opt_out=True, keep_metadata="all", **at_once)
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    lines = {line["source"]: line for line in map(json.loads, (private / "manifest.jsonl").read_text().splitlines())}
    copies = {name: decode(output / line["output"]).xmp for name, line in lines.items()}
    assert {name: opt_out_of(xmp) for name, xmp in copies.items()} == dict.fromkeys(lines, PROHIBITED)
    assert {line["opt_out"] for line in lines.values()} == {PROHIBITED}
    assert report.opt_out == report.protected == 4
    assert b"dc:title" in copies["a.jpg"]
    assert lines["a.jpg"]["notes"] == lines["b.png"]["notes"] == []
    assert protect(photos, opt_out=True, keep_metadata="all", overwrite=True, **at_once).opt_out == 4


def test_a_copy_that_does_not_carry_it_is_refused(photos, at_once, monkeypatch):
    monkeypatch.setattr(photo, "encode", lambda *given, opt_out, **rest: encode(*given, **rest))
    with pytest.raises(OutputError, match="carries the opt-out None"):
        protect(photos, opt_out=True, **at_once)
