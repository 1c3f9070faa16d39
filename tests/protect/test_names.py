"""Names and captions that no file system, no encoding or no report can hold cost a photo at most, never the run."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.program import POSIX
from tests.conftest import picture, tree
from unlearnable import protect, verify
from unlearnable.errors import OutputError
from unlearnable.protect.check import check
from unlearnable.storage import files

HALF = "\ud83d"  # of a surrogate pair, as programs that cut texts at a number of letters leave it


def save(path, number=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number)).save(path)


def reasons(report):
    return {one.where: one.reason for one in report.skipped}


@POSIX
def test_a_photo_whose_name_is_no_text_is_left_out_and_named(posts, quick, tmp_path):
    (posts / "p3.png").rename(posts / "caf\udce9.png")
    rows = (posts / "posts.jsonl").read_text().replace("p3.png", r"caf\udce9.png")
    (posts / "posts.jsonl").write_text(rows)
    report = protect(posts, **quick)
    assert (report.protected, reasons(report)) == (7, {r"caf\udce9.png": "bad-name"})
    assert r"caf\\udce9.png" in (tmp_path / "photos-protected.private" / "manifest.jsonl").read_text()
    assert verify(posts, tmp_path / "photos-protected", victims=quick["surrogate"], epochs=1, test_fraction=0.4)


def test_line_breaks_of_unicode_end_no_line_of_files_that_are_ours_and_stay_in_the_users(posts, quick, tmp_path):
    caption = "a cat\x85on a\u2028mat\u2029today"
    (posts / "p3.png").rename(posts / "p\u20283.png")
    rows = list(map(json.loads, (posts / "posts.jsonl").read_text().splitlines()))
    rows[3] |= {"image": "p\u20283.png", "caption": caption}
    (posts / "posts.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    protect(posts, **quick)
    written, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    for path in (private / "manifest.jsonl", written / "metadata.jsonl", written / "posts.jsonl"):
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert len(found) == 8
        assert any("\x85on a\u2028mat\u2029" in json.dumps(row, ensure_ascii=False) for row in found)
    assert check(written).problems == []


def test_the_name_of_a_folder_or_of_the_captions_is_taken(posts, quick, tmp_path):
    save(posts / "x.bmp")
    save(posts / "x.png" / "in.png", 21)
    save(posts / "METADATA.jsonl" / "in.png", 22)
    save(posts / "posts.jsonl.d" / "in.png", 23)
    report = protect(posts, **quick)
    assert (report.protected, reasons(report)) == (11, {"METADATA.jsonl/in.png": "bad-name"})
    assert {"x-2.png", "x.png/in.png", "posts.jsonl.d/in.png", "metadata.jsonl"} <= set(
        tree(tmp_path / "photos-protected")
    )


def test_a_caption_file_called_as_a_photo_does_not_replace_it(posts, quick, tmp_path):
    captions = tmp_path / "p0.png"
    captions.write_bytes((posts / "posts.jsonl").read_bytes())
    (posts / "posts.jsonl").unlink()
    protect(posts, captions=captions, **quick)
    written = tree(tmp_path / "photos-protected")
    assert b'"p0-2.png"' in written["p0.png"]
    assert written["p0-2.png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("output", [None, "o" * 250])
def test_an_output_whose_name_is_too_long_is_one_line(posts, quick, tmp_path, output):
    long = posts.rename(tmp_path / ("x" * 250))
    with pytest.raises(OutputError, match="too long") as caught:
        protect(long, output=output and tmp_path / output, **quick)
    assert "choose a shorter" in caught.value.hint


def test_a_place_that_may_not_be_looked_at_is_not_called_too_long(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", closed)
    assert files.can_exist(tmp_path / "closed" / "output")


@POSIX
def test_folders_and_captions_whose_names_are_no_text_are_used(posts, quick, tmp_path):
    captions = (posts / "posts.jsonl").rename(tmp_path / "c\udcff.jsonl")  # as Python names the byte 255
    folder = posts.rename(tmp_path / "f\udcfc")
    report = protect(folder, captions=captions, **quick)
    assert report.protected == 8
    assert report.output.endswith(r"f\udcfc-protected")
    assert (tmp_path / "f\udcfc-protected" / captions.name).is_file()
    assert protect(folder, captions=captions, resume=True, **quick) == report
    assert protect(folder, captions=captions, overwrite=True, **quick).protected == 8
