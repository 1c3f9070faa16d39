"""Names and captions that no file system, no encoding or no report can hold cost a photo at most, never the run."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.cli.program import POSIX
from tests.conftest import picture
from unlearnable import protect, verify
from unlearnable.errors import OutputError
from unlearnable.protect.records import check

HALF = "\ud83d"  # of a surrogate pair, as programs that cut texts at a number of letters leave it


def save(path, number=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number)).save(path)


def reasons(report):
    return {one.where: one.reason for one in report.skipped}


@POSIX
def test_a_photo_whose_name_is_no_text_is_left_out_and_named(posts, at_once, tmp_path):
    (posts / "p3.png").rename(posts / "caf\udce9.png")
    rows = (posts / "posts.jsonl").read_text().replace("p3.png", r"caf\udce9.png")
    (posts / "posts.jsonl").write_text(rows)
    report = protect(posts, **at_once)
    assert (report.protected, reasons(report)[r"caf\udce9.png"]) == (7, "bad-name")
    assert r"caf\\udce9.png" in (tmp_path / "photos-protected.private" / "manifest.jsonl").read_text()
    assert verify(posts, tmp_path / "photos-protected", victims=at_once["surrogate"], epochs=1, test_fraction=0.4)


def test_line_breaks_of_unicode_end_no_line_of_files_that_are_ours_and_stay_in_the_users(posts, at_once, tmp_path):
    caption = "a cat\x85on a\u2028mat\u2029today"
    (posts / "p3.png").rename(posts / "p\u20283.png")
    rows = list(map(json.loads, (posts / "posts.jsonl").read_text().splitlines()))
    rows[3] |= {"image": "p\u20283.png", "caption": caption}
    (posts / "posts.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    protect(posts, **at_once)
    written, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    for path in (private / "manifest.jsonl", written / "metadata.jsonl", written / "posts.jsonl"):
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert len(found) == 8
        assert any("\x85on a\u2028mat\u2029" in json.dumps(row, ensure_ascii=False) for row in found)
    assert check(written).problems == []


def test_an_output_whose_name_is_too_long_is_one_line(posts, at_once, tmp_path):
    long = posts.rename(tmp_path / ("x" * 250))
    with pytest.raises(OutputError, match="too long") as caught:
        protect(long, **at_once)
    assert "choose a shorter" in caught.value.hint


@POSIX
def test_folders_and_captions_whose_names_are_no_text_are_used(posts, at_once, tmp_path):
    captions = (posts / "posts.jsonl").rename(tmp_path / "c\udcff.jsonl")  # as Python names the byte 255
    folder = posts.rename(tmp_path / "f\udcfc")
    report = protect(folder, captions=captions, **at_once)
    assert report.protected == 8
    assert report.output.endswith(r"f\udcfc-protected")
    assert (tmp_path / "f\udcfc-protected" / captions.name).is_file()
    assert protect(folder, captions=captions, resume=True, **at_once) == report
    assert protect(folder, captions=captions, overwrite=True, **at_once).protected == 8
