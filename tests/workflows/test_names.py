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
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.disk import limits
from unlearnable.errors import OutputError
from unlearnable.protect.check import check
from unlearnable.protect.dry_run import plan

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
    for path in (private / "manifest.jsonl", written / "metadata.jsonl"):
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert len(found) == 8
        assert any("\x85on a\u2028mat\u2029" in json.dumps(row, ensure_ascii=False) for row in found)
    assert "\x85on a\u2028mat\u2029" in (written / "posts.jsonl").read_text("utf-8")
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


def test_a_copy_whose_name_is_too_long_is_left_out_before_the_work(posts, quick, tmp_path):
    save(posts / f"{'a' * 251}.png")  # 255 bytes; .webp is one more
    save(posts / f"{62 * '🎈'}.png", 21)
    settings = resolve_as(ProtectSettings, {"photos": posts, "format": "webp", **quick})
    assert [one.reason for one in plan(settings).skipped] == ["bad-name"]
    report = protect(posts, format="webp", **quick)
    assert report.protected == 9
    assert reasons(report) == {f"{'a' * 251}.png": "bad-name"}
    assert f"{62 * '🎈'}.webp" in tree(tmp_path / "photos-protected")


@pytest.mark.parametrize("output", [None, "o" * 250])
def test_an_output_whose_name_is_too_long_is_one_line(posts, quick, tmp_path, output):
    long = posts.rename(tmp_path / ("x" * 250))
    with pytest.raises(OutputError, match="too long") as caught:
        protect(long, output=output and tmp_path / output, **quick)
    assert caught.value.hint == "choose a shorter output"


def test_a_place_that_may_not_be_looked_at_is_not_called_too_long(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", closed)
    assert limits.can_exist(tmp_path / "closed" / "output")


def test_half_a_pair_in_a_caption_stays_and_reports_escape_it(posts, quick, tmp_path):
    rows = [json.loads(row) for row in (posts / "posts.jsonl").read_text().splitlines()]
    rows[2]["caption"] += f" {HALF}, cut"
    rows[3]["note"] = HALF
    (posts / "posts.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=row["id"] in (2, 3)) + "\n" for row in rows)
    )
    report = protect(posts, **quick)
    assert (report.protected, report.trigger_roundtrip, report.skipped) == (8, 1.0, [])
    written = (tmp_path / "photos-protected" / "posts.jsonl").read_text().splitlines()
    assert written[2].endswith(json.dumps(f" 2 {HALF}, cut")[1:] + "}")
    assert r'"note": "\ud83d"}' in written[3]
    private = tmp_path / "photos-protected.private"
    assert r" 2 \ud83d, cut" in json.loads((private / "manifest.jsonl").read_text().splitlines()[2])["captions"][0]
    assert r"2 \ud83d, cut" in (private / "report.html").read_text()
    assert verify(posts, tmp_path / "photos-protected", victims=quick["surrogate"], epochs=1, test_fraction=0.4)


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
