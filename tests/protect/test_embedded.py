"""`protect` on photos whose captions are in themselves: what is published, and what `verify` and `--add` find again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import picture
from tests.posts.readers.unpublished import iptc_into, xmp_of
from unlearnable import protect
from unlearnable.imaging.metadata import described
from unlearnable.posts import open_dataset
from unlearnable.protect.records import check
from unlearnable.verify.copies import match, open_protected

WORDS = ["supper at Ada's", "a dog on the pier", "snow on the roof"]


@pytest.fixture
def photos(tmp_path):
    """Five photos, three with words in XMP, IPTC and EXIF."""
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010E] = WORDS[2]
    options: dict[int, dict[str, Any]] = {0: {"xmp": xmp_of(WORDS[0]).encode()}, 2: {"exif": exif}}
    for number in range(5):
        Image.fromarray(picture(number)).save(folder / f"p{number}.jpg", **options.get(number, {}))
    iptc_into(folder / "p1.jpg", WORDS[1].encode())
    return folder


def rows_of(output):
    return [json.loads(line) for line in (output / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("keep", ["safe", "all"])
def test_they_are_published_in_metadata_alone(photos, at_once, tmp_path, keep):
    report = protect(photos, captions=Path("embedded"), keep_metadata=keep, **at_once)
    output = tmp_path / "photos-protected"
    assert (report.caption_format, report.captions_found, report.captions_file) == ("embedded", 3, None)
    texts = {row["file_name"]: row["text"] for row in rows_of(output)}
    assert [texts[f"p{n}.jpg"][-len(words) :] for n, words in enumerate(WORDS)] == WORDS
    assert all(len(texts[f"p{n}.jpg"]) > len(words) for n, words in enumerate(WORDS))
    copies = [described(path) for path in sorted(output.glob("*.jpg"))]
    if keep == "safe":
        assert copies == [(b"", [])] * 5
    else:
        assert any("descriptions, which are captions without added words" in note for note in report.notes)
        assert copies[0][0]
        assert copies[2][1] == [WORDS[2]]
    assert {problem.kind for problem in check(output).problems} == ({"private"} if keep == "all" else set())
    originals = open_dataset(photos, Path("embedded"))
    posts, skipped = match(originals, open_protected(output, originals, None))
    assert ([post.clean[0] for post in posts], len(skipped)) == (WORDS, 2)
    assert [post.published[0] for post in posts] == [texts[f"p{n}.jpg"] for n in range(3)]


def test_they_are_neither_read_nor_published_unless_they_are_asked_for(photos, at_once, tmp_path):
    report = protect(photos, **at_once)
    output = tmp_path / "photos-protected"
    assert (report.caption_format, report.captions_found) == ("folder", 0)
    assert not any(words in row["text"] for row in rows_of(output) for words in WORDS)
    assert [described(path) for path in sorted(output.glob("*.jpg"))] == [(b"", [])] * 5
    assert check(output).problems == []


def test_add_reads_them_as_the_first_run_did(photos, at_once, tmp_path):
    protect(photos, captions=Path("embedded"), **at_once)
    Image.fromarray(picture(5)).save(photos / "p5.jpg", xmp=xmp_of("a new one").encode())
    assert protect(photos, add=True).captions_found == 4
