"""`protect` on photos whose captions are in themselves: what is published, and what `verify` and `--add` find again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from tests.conftest import picture
from tests.datasets.formats.unpublished import iptc_into, xmp_of
from unlearnable import protect
from unlearnable.datasets import open_dataset
from unlearnable.imaging.descriptions import Described, described
from unlearnable.verify.matching import match, open_protected
from unlearnable.workflows import last_run
from unlearnable.workflows.protect.check import check

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
def test_they_are_published_in_metadata_alone(photos, quick, tmp_path, keep):
    report = protect(photos, keep_metadata=keep, **quick)
    output = tmp_path / "photos-protected"
    assert (report.caption_format, report.captions_found, report.captions_file) == ("embedded", 3, None)
    texts = {row["file_name"]: row["text"] for row in rows_of(output)}
    assert [texts[f"p{n}.jpg"][-len(words) :] for n, words in enumerate(WORDS)] == WORDS
    assert all(len(texts[f"p{n}.jpg"]) > len(words) for n, words in enumerate(WORDS))
    copies = [described(path) for path in sorted(output.glob("*.jpg"))]
    if keep == "safe":
        assert copies == [Described(b"", ())] * 5
    else:
        assert any("descriptions, which are captions without added words" in note for note in report.notes)
        assert copies[0].xmp
        assert copies[2].others == (WORDS[2],)
    assert {problem.kind for problem in check(output).problems} == ({"private"} if keep == "all" else set())
    originals = open_dataset(photos)
    posts, skipped = match(originals, open_protected(output, originals, None))
    assert ([post.clean[0] for post in posts[:3]], skipped) == (WORDS, [])
    assert [post.published[0] for post in posts[:3]] == [texts[f"p{n}.jpg"] for n in range(3)]


def test_one_is_added_to_photos_without_any(photos, quick, tmp_path):
    for number in range(3):
        (photos / f"p{number}.jpg").rename(tmp_path / f"p{number}.jpg")
    protect(photos, **quick)
    (tmp_path / "p1.jpg").rename(photos / "p1.jpg")
    report = protect(photos, add=True)
    output = tmp_path / "photos-protected"
    assert (report.protected, report.captions_found) == (3, 1)
    assert [row["text"][-len(WORDS[1]) :] for row in rows_of(output) if row["file_name"] == "p1.jpg"] == [WORDS[1]]
    assert check(output).problems == []


def test_where_they_are_chosen_over_a_caption_file_verify_and_add_take_them_too(photos, quick, tmp_path):
    (photos / "posts.csv").write_text("image,caption\np0.jpg,of the table\n", encoding="utf-8")
    assert protect(photos, captions=photos, **quick).captions_found == 3
    assert last_run.captions_of_last(photos, tmp_path / "photos-protected") == photos
    Image.fromarray(picture(5)).save(photos / "p5.jpg", xmp=xmp_of("a new one").encode())
    assert protect(photos, add=True).captions_found == 4
    assert last_run.captions_of_last(photos, tmp_path / "photos-protected") == photos
