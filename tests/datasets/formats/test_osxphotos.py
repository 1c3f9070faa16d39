"""Sidecars of osxphotos: a description in several tags is one caption, changed in all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.datasets.formats.exports import Look, goes_round, lay_out, text
from unlearnable.datasets import open_dataset


def made(look: Look, groups: bool) -> dict[str, str]:
    """24 photos with a description three times, of which every fifth has a title, with or without groups of tags."""
    texts = {}
    for n in range(24):
        name = f"2024/IMG_{n}.{'heic' if n % 7 == 3 else 'jpg'}"
        words = look.caption(text(n))
        tags = {"EXIF:ImageDescription": words, "XMP:Description": words, "IPTC:Caption-Abstract": words}
        title = {"XMP:Title": look.caption(f"title {n}")} if n % 5 == 0 else {}
        row = {"SourceFile": name, **tags, **title, "XMP:Subject": ["X"], "EXIF:ISO": 1e2}
        row = {key if groups else key.rpartition(":")[2]: value for key, value in row.items()}
        texts[f"{look.photo(name)}.json"] = json.dumps([row])
    return texts


@pytest.mark.parametrize("groups", [True, False])
def test_all_but_captions_stays(groups: bool, tmp_path: Path) -> None:
    photos = [f"2024/IMG_{n}.{'heic' if n % 7 == 3 else 'jpg'}" for n in range(24)]
    dataset = goes_round(lambda look: made(look, groups), tmp_path, *photos)
    assert (dataset.format, dataset.skipped, dataset.uncaptioned) == ("osxphotos", (), set())
    captions = dataset.captions_by_photo()
    assert (captions[photos[0]], captions[photos[1]]) == ([text(0), "title 0"], [text(1)])


@pytest.mark.parametrize("value", [[], [1], [{"Description": "x"}], {"SourceFile": "x"}, [{"SourceFile": "x"}] * 2])
def test_other_json_beside_a_photo_is_left_alone(value: object, tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.jpg.json": json.dumps(value)}, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"
