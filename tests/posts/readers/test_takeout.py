"""Google Takeout: the names that sidecars have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.posts.conftest import lay_out, touch, words
from unlearnable.posts import open_dataset

ALBUM = "Takeout/Google Photos/Lake 2024"
LONG = "a photo with quite a long name from a phone 20240102"


def sidecar(title: str, description: str) -> str:
    place = {"latitude": 0.0, "longitude": 0.0}  # of a photo whose place is not known
    time = {"timestamp": "1700", "formatted": "Jan 1"}
    return json.dumps({"title": title, "description": description, "photoTakenTime": time, "geoData": place}, indent=2)


PAIRS = {
    "IMG_1.jpg": "IMG_1.jpg.supplemental-metadata.json",
    "IMG_12.jpg": "IMG_12.jpg.supplemental-metadata.json",
    "old.jpg": "old.jpg.json",
    "old(1).jpg": "old.jpg(1).json",
    "image.jpg": "image.jpg.supplemental-metadata.json",
    "image(1).jpg": "image.jpg.supplemental-metadata(1).json",
    "image(2).jpg": "image(2).jpg.supplemental-metadata.json",
    "a photo with rather a long name.jpg": "a photo with rather a long name.jpg.supplemen.json",
    "a photo with rather a long name(1).jpg": "a photo with rather a long name.jpg.supplemen(1).json",
    "a photo with a name of more than 40 letters.jpg": "a photo with a name of more than 40 letters.jp.json",
    "a photo with a name of 41 letters in it 0.jpg": "a photo with a name of 41 letters in it 0.jpg..json",
    f"{LONG}.jpg": f"{LONG[:46]}.json",
    "Negative0-36(1).png": "Negative0-36(1).png.supplemental-metadata.json",
    "Negative0-36(1)(1).png": "Negative0-36(1).png.supplemental-metadata(1).json",
    "a cake.jpg": "a cake.supplemental-metadata.json",
    "a cake(1).jpg": "a cake.supplemental-metadata(1).json",
    "20030616.jpg": "20030616.json",
    "197_197.jpg": "197_197.JPG.json",
    "197_197(1).jpg": "197_197.JPG(1).json",
    "größe 日本.png": "größe 日本.png.supplemental-metadata.json",
}


def test_each_photo_finds_its_sidecar_among_all(tmp_path: Path) -> None:
    texts = {f"{ALBUM}/{name}": sidecar(title, f"of {title}") for title, name in PAIRS.items()}
    lay_out(tmp_path, texts, *(f"{ALBUM}/{name}" for name in PAIRS))
    assert words(open_dataset(tmp_path)) == {f"{ALBUM}/{photo}": [f"of {photo}"] for photo in sorted(PAIRS)}


@pytest.mark.parametrize("word", ["edited", "modifie\u0301", "ha editado", "編集済み"])
def test_an_edited_photo_shares_that_of_its_original(word: str, tmp_path: Path) -> None:
    edited = (f"IMG_1-{word}.jpg", f"IMG_1-{word}(1).jpg")
    texts = {
        "IMG_1.jpg.supplemental-metadata.json": sidecar("IMG_1.jpg", "a dog"),
        "IMG_1.jpg.supplemental-metadata(1).json": sidecar("IMG_1.jpg", "a cat"),
    }
    lay_out(tmp_path, texts, "IMG_1.jpg", *edited)
    captions = open_dataset(tmp_path).captions_by_photo()
    assert [captions[photo] for photo in edited] == [["a dog"], ["a cat"]]


@pytest.mark.parametrize("original", ["IMG_1.JPG", "IMG_1.HEIC", "IMG_1.dng"])
def test_an_edited_photo_shares_that_of_an_original_with_another_suffix(original: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {f"{original}.supplemental-metadata.json": sidecar(original, "a dog")}, "IMG_1-edited.jpg")
    assert open_dataset(tmp_path).captions_by_photo()["IMG_1-edited.jpg"] == ["a dog"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("takeout-20250203T030726Z-001/Takeout", "takeout-20250203T030726Z-002/Takeout"),
        ("Takeout", "Takeout 2"),
        ("Takeout", "Takeout(1)"),
    ],
)
def test_a_photo_and_its_sidecar_may_be_in_different_parts(first: str, second: str, tmp_path: Path) -> None:
    photo = f"{first}/Google Photos/2024/a.jpg"
    lay_out(tmp_path, {f"{second}/Google Photos/2024/a.jpg.json": sidecar("a.jpg", "mine")}, photo)
    assert open_dataset(tmp_path).captions_by_photo() == {photo: ["mine"]}


def test_the_sidecar_that_has_most_of_the_name_is_taken(tmp_path: Path) -> None:
    photo = f"{'a' * 50}.jpg"
    texts = {f"{photo[:43]}.json": sidecar("", "another"), f"{photo[:46]}.json": sidecar("", "mine")}
    lay_out(tmp_path, texts, photo)
    assert open_dataset(tmp_path).captions_by_photo()[photo] == ["mine"]


def test_an_edited_photo_lies_in_the_trash_with_its_original(tmp_path: Path) -> None:
    row = json.loads(sidecar("a.jpg", "of a")) | {"trashed": True}
    edited = ("a-ha editado.jpg", "a-modifie\u0301.jpg", "a-แก้ไข.jpg")
    lay_out(tmp_path, {"a.jpg.json": json.dumps(row)}, "a.jpg", *edited, "b.jpg")
    assert [photo.id for photo in open_dataset(tmp_path).photos] == ["b.jpg"]


def test_names_that_only_begin_alike_are_not_matched(tmp_path: Path) -> None:
    names = ("IMG_.json", "IMG_12.jpg.json", "b/IMG_3.jpg.json", "IMG_20230101.json")
    photos = ("IMG_12.jpg", "IMG_1.jpg", "IMG_3.jpg", "IMG_20230101_1200.jpg")
    lay_out(tmp_path, {name: sidecar("", name) for name in names}, *photos)
    assert words(open_dataset(tmp_path)) == {"IMG_12.jpg": ["IMG_12.jpg.json"]}


def test_other_json_beside_a_photo_is_no_takeout(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.jpg.json": '{"title": "a", "description": "b"}', "b.jpg.json": "{"}, "a.jpg", "b.jpg")
    assert open_dataset(tmp_path).format == "folder"
    (tmp_path / "c.jpg.json").write_text(sidecar("c.jpg", "c"), encoding="utf-8")
    touch(tmp_path, "c.jpg")
    dataset = open_dataset(tmp_path)
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [
        ("a.jpg.json", "bad-row"),
        ("b.jpg.json", "bad-row"),
    ]
