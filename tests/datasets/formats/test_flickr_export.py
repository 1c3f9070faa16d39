"""Flickr's export: photos and their JSON in different folders, joined by the number in the name."""

from __future__ import annotations

import json
from pathlib import Path

from tests.datasets.conftest import captions
from tests.datasets.formats.exports import Look, goes_round, lay_out, text
from unlearnable.datasets import open_dataset

LINK = '<a href="https://a.b/?c=1&amp;d">there</a>'


def photo(number: int) -> str:
    suffix = "heic" if number % 7 == 3 else "jpg"
    return (
        f"photos/lake-2024_{5_000_000 + number}_o.{suffix}"
        if number % 2
        else f"photos/{5_000_000 + number}_x_o.{suffix}"
    )


def made(look: Look) -> dict[str, str]:
    """24 photos: some are named by a camera, one has no words at all; the JSON lies in another folder."""
    texts = {}
    for n in range(24):
        name = look.caption(f"at the lake {n}") if n % 3 else f"DSC_{n:04}"
        words = look.caption("").rstrip()
        body = f"{words + ' ' if words else ''}seen &amp; photographed {LINK}\n{n}" if n != 6 else ""
        value = {"id": str(5_000_000 + n), "name": name, "description": body, "views": 1e3, "geo": []}
        if look.complete or body:
            texts[f"data/photo_{5_000_000 + n}.json"] = json.dumps(value, indent=2)
    if look.complete:
        texts["data/albums.json"] = json.dumps({"albums": [{"title": "Lake", "photos": ["5000000"]}]})
    return texts


def test_all_but_captions_stays(tmp_path: Path) -> None:
    dataset = goes_round(made, tmp_path, *map(photo, range(24)), "photos/stray_1_o.jpg")
    assert dataset.format == "flickr-export"
    words = dataset.captions_by_photo()
    assert words[photo(0)] == ["seen & photographed there\n0"]
    assert words[photo(1)] == ["at the lake 1", "seen & photographed there\n1"]
    assert dataset.uncaptioned == {photo(6), "photos/stray_1_o.jpg"}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("data/photo_5000006.json", "no-caption")]


def test_numbers_inside_of_words_do_not_count(tmp_path: Path) -> None:
    value = {"id": "77", "name": "two dogs", "description": text(0)}
    lay_out(
        tmp_path, {"photo_77.json": json.dumps(value), "photo_78.json": "[]"}, "a77_o.jpg", "a_778_o.jpg", "b_78_o.jpg"
    )
    assert open_dataset(tmp_path).format == "folder"
    lay_out(tmp_path, {}, "a_77_o.jpg")
    dataset = open_dataset(tmp_path)
    assert {pair.photo for pair in dataset.pairs if pair.record >= 0} == {"a_77_o.jpg"}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("photo_78.json", "bad-row")]


def test_private_photos_are_not_published_even_if_a_caption_of_ones_own_names_them(tmp_path: Path) -> None:
    kinds = {"1": "public", "2": "private", "3": "friends"}
    rows = {one: {"id": one, "name": f"lake {one}", "description": "", "privacy": kind} for one, kind in kinds.items()}
    texts = {f"data/photo_{one}.json": json.dumps(row) for one, row in rows.items()}
    lay_out(tmp_path, texts, *(f"photos/lake_{one}_o.jpg" for one in kinds))
    own = captions(tmp_path / "own.jsonl", '{"image": "photos/lake_2_o.jpg", "caption": "a lake"}')
    for dataset in (open_dataset(tmp_path), open_dataset(tmp_path, own)):
        assert [photo.id for photo in dataset.photos] == ["photos/lake_1_o.jpg", "photos/lake_3_o.jpg"]
        assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("photos/lake_2_o.jpg", "withheld")]
