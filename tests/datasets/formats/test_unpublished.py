"""XMP and JSON of gallery-dl beside photos: their words are captions, and nothing of them is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.datasets.conftest import touch
from tests.datasets.formats.unpublished import gallery_dl_of, xmp_of
from unlearnable.datasets import Edits, open_dataset, write_captions


@pytest.mark.parametrize("name", ["a.xmp", "a.jpg.xmp", "a.XMP"])
def test_descriptions_in_every_language_and_the_title_are_captions(name: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / name).write_text(xmp_of("Rex & me", "Rex und ich", title="at home"), encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert (dataset.format, dataset.captions_by_photo()) == ("xmp", {"a.jpg": ["Rex & me", "Rex und ich", "at home"]})


@pytest.mark.parametrize(
    ("description", "title"), [("", ""), (" \u200b ", "DSC_0001"), ("DCIM\\100MEDIA\\DJI_0001.JPG", "IMG_1.jpg")]
)
def test_xmp_without_words_is_as_if_it_were_not_there(description: str, title: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "a.xmp").write_text(xmp_of(description, title=title), encoding="utf-8")
    assert open_dataset(tmp_path).format == "folder"


def test_photos_without_words_in_their_xmp_are_not_listed_as_left_out(tmp_path: Path) -> None:
    names = [f"{n:03}.jpg" for n in range(60)]
    touch(tmp_path, *names)
    for name in names:  # more than are looked at of files that are written back, and the last alone has words
        (tmp_path / f"{name}.xmp").write_text(xmp_of("my boat" if name == names[-1] else ""), encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert (dataset.format, dataset.skipped) == ("xmp", ())
    assert {photo.id for photo in dataset.photos} - dataset.uncaptioned == {names[-1]}


@pytest.mark.parametrize("text", ["<x>description", '<!DOCTYPE a [<!ENTITY b "c">]><a>description &b;</a>'])
def test_damaged_xmp_is_listed(text: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "a.xmp").write_text(text, encoding="utf-8")
    (tmp_path / "b.xmp").write_text(xmp_of("my boat"), encoding="utf-8")
    (skip,) = open_dataset(tmp_path).skipped
    assert (skip.where, skip.reason) == ("a.xmp", "bad-row")
    assert skip.detail.endswith("as xmp: it is no XMP, or damaged")


@pytest.mark.parametrize(
    ("words", "captions"),
    [
        ({"content": "<p>my boat &amp; me</p>", "title": "DSC_0001"}, ["my boat & me"]),
        ({"description": "my boat", "title": "a day off", "caption": "my boat"}, ["my boat", "a day off"]),
        ({"text": "I <3 my boat\nand you"}, ["I <3 my boat\nand you"]),
    ],
)
def test_words_in_what_gallery_dl_writes_are_captions(
    words: dict[str, str], captions: list[str], tmp_path: Path
) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "a.jpg.json").write_text(gallery_dl_of(**words), encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert (dataset.format, dataset.captions_by_photo()) == ("gallery-dl", {"a.jpg": captions})


@pytest.mark.parametrize("value", [[], {"content": "my boat"}, {"category": "x", "subcategory": "y"}])
def test_other_json_is_none_of_gallery_dl(value: object, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "a.jpg.json").write_text(json.dumps(value), encoding="utf-8")
    assert open_dataset(tmp_path).format == "folder"


@pytest.mark.parametrize(("suffix", "text"), [(".xmp", xmp_of("my boat")), (".json", gallery_dl_of(content="my boat"))])
def test_nothing_is_written_and_each_file_is_a_record(suffix: str, text: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / f"{name}{suffix}").write_text(text, encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert len({pair.record for pair in dataset.pairs}) == 2  # or both would get the same words
    (tmp_path / "out").mkdir()
    write_captions(dataset, Edits({}, {"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
