"""`protect --opt-out`: what the copies carry, and the files for a site."""

from __future__ import annotations

import json
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from PIL import Image

from tests.conftest import Told, picture, tree
from tests.imaging.test_opt_out import PACKETS
from unlearnable import protect
from unlearnable.errors import OutputError
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import encode
from unlearnable.imaging.xmp import PROHIBITED, opt_out_of
from unlearnable.workflows.protect.publishing.opt_out_site import SITE_FILES
from unlearnable.workflows.protect.writing import written


@pytest.fixture
def photos(tmp_path):
    """A photo of each kind that copies have, one with readable XMP and one with damaged."""
    folder = tmp_path / "photos"
    folder.mkdir()
    xmp: dict[str, Any] = {"a.jpg": {"xmp": PACKETS["attribute"]}, "c.webp": {"xmp": b"<x:xmpmeta>"}}
    for number, name in enumerate(("a.jpg", "b.png", "c.webp", "d.tif")):
        Image.fromarray(picture(number)).save(folder / name, **xmp.get(name, {}))
    return folder


def test_every_copy_and_the_manifest_say_it(photos, quick, tmp_path):
    report = protect(photos, opt_out=True, keep_metadata="all", **quick)
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    lines = {line["source"]: line for line in map(json.loads, (private / "manifest.jsonl").read_text().splitlines())}
    copies = {name: decode(output / line["output"]).xmp for name, line in lines.items()}
    assert {name: opt_out_of(xmp) for name, xmp in copies.items()} == dict.fromkeys(lines, PROHIBITED)
    assert {line["opt_out"] for line in lines.values()} == {PROHIBITED}
    assert report.opt_out == report.protected == 4
    assert b"dc:title" in copies["a.jpg"]
    assert lines["c.webp"]["notes"] == ["unreadable XMP replaced by the opt-out"]
    assert lines["a.jpg"]["notes"] == lines["b.png"]["notes"] == []
    assert any("opt-out" in note and "strip" in note for note in report.notes)
    assert set(tree(private / "opt-out")) == set(SITE_FILES)
    assert protect(photos, opt_out=True, keep_metadata="all", overwrite=True, **quick).opt_out == 4


def test_without_it_nothing_is_said(photos, quick, tmp_path):
    report = protect(photos, **quick)
    assert report.opt_out == 0
    assert not (tmp_path / "photos-protected.private" / "opt-out").exists()
    assert [decode(path).xmp for path in sorted((tmp_path / "photos-protected").glob("?.*"))] == [None] * 4


def test_what_the_user_made_of_the_files_for_a_site_is_kept(photos, quick, tmp_path):
    protect(photos, opt_out=True, **quick)
    private, site, told = tmp_path / "photos-protected.private", tmp_path / "site", Told()
    (private / "opt-out" / "robots.txt").write_text("my own")
    (private / "opt-out" / "notes.txt").write_text("mine")
    protect(photos, opt_out=True, overwrite=True, progress=told, **quick)
    assert (
        f"files in {private / 'opt-out'} that were not as they are written now lie in {private / 'changed'}"
        in told.notes
    )
    assert tree(private / "changed") == {"opt-out/robots.txt": b"my own"}
    assert tree(private / "opt-out").keys() == {*SITE_FILES, "notes.txt"}
    (private / "opt-out").rename(site)
    (site / "ai.txt").write_text("of the site")
    (private / "opt-out").symlink_to(site)
    before = tree(site)
    protect(photos, opt_out=True, overwrite=True, **quick)
    assert tree(site) == before
    assert tree(private / "opt-out") == {name: text.encode() for name, text in SITE_FILES.items()}


def test_a_copy_that_does_not_carry_it_is_refused(photos, quick, monkeypatch):
    monkeypatch.setattr(written, "encode", lambda *given, opt_out, **rest: encode(*given, **rest))
    with pytest.raises(OutputError, match="carries the opt-out None"):
        protect(photos, opt_out=True, **quick)


def test_the_files_for_a_site_are_read_as_they_are_meant():
    robots = RobotFileParser()
    robots.parse(SITE_FILES["robots.txt"].splitlines())
    assert [robots.can_fetch(agent, "/a.jpg") for agent in ("GPTBot", "CCBot", "Googlebot")] == [False, False, True]
    robots = RobotFileParser()
    robots.parse(SITE_FILES["ai.txt"].splitlines())
    assert not robots.can_fetch("anyone", "/a.jpg")
    assert json.loads(SITE_FILES[".well-known/tdmrep.json"]) == [{"location": "/*", "tdm-reservation": 1}]
    for name in ("nginx.conf", "apache.htaccess", "netlify.txt"):
        for header in ("TDM-Reservation", "X-Robots-Tag", "noai, noimageai", "Content-Usage", "train-ai=n"):
            assert header in SITE_FILES[f"headers/{name}"]
    assert all(name in SITE_FILES["README.txt"] for name in SITE_FILES if name != "README.txt")
