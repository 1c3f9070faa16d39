"""How a path in a caption file finds its photo, and what it becomes in the output."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tests.posts.conftest import captions, touch
from unlearnable.posts import Edits, open_dataset, write_captions
from unlearnable.posts.readers.caption_file import Lookup, Miss, renamed

ROOT = Path("/data/set")
NFC, NFD = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
IDS = ["a.jpg", "Images/b.jpg", "Images/deep/c.jpg", "u/1.jpg", "v/1.jpg", "texts/d.jpg", NFD, "back\\slash.jpg"]


@pytest.fixture
def lookup() -> Lookup:
    return Lookup(ROOT, IDS)


@pytest.mark.parametrize(
    ("value", "folder", "photo"),
    [
        ("a.jpg", "", "a.jpg"),
        ("./Images//b.jpg", "", "Images/b.jpg"),
        ("Images\\b.jpg", "", "Images/b.jpg"),
        ("back\\slash.jpg", "", "back\\slash.jpg"),
        ("../Images/b.jpg", "", "Images/b.jpg"),
        ("d.jpg", "", "texts/d.jpg"),
        ("b.jpg", "", "Images/b.jpg"),
        ("deep/c.jpg", "", "Images/deep/c.jpg"),
        ("set/a.jpg", "", "a.jpg"),
        ("/data/set/../set/a.jpg", "", "a.jpg"),
        ("1.jpg", "v", "v/1.jpg"),
        ("b.jpg", "nowhere", "Images/b.jpg"),
        (NFC, "", NFD),
        (NFD, "", NFD),
        ("C:\\photos\\v\\1.jpg", "", "v/1.jpg"),  # u/1.jpg has less of it
    ],
)
def test_a_path_finds_its_photo(value: str, folder: str, photo: str, lookup: Lookup) -> None:
    assert lookup.find(value, ROOT / "texts", folder) == photo


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("gone.jpg", "missing-photo"),
        ("w/1.jpg", "missing-photo"),  # another folder's 1.jpg is not meant
        ("", "missing-photo"),
        (".", "missing-photo"),
        ("9" * 5000, "missing-photo"),
        ("1.jpg", "ambiguous-photo"),
        ("a", "missing-photo"),
        ("../../a.jpg", "outside-folder"),
        ("/data/set-2/a.jpg", "outside-folder"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(value: str, reason: str, lookup: Lookup) -> None:
    found = lookup.find(value, ROOT / "texts")
    assert isinstance(found, Miss)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("value", "photo", "new", "written"),
    [
        ("a.jpg", "a.jpg", "a.png", "a.png"),
        ("b.jpg", "Images/b.jpg", "Images/b.png", "b.png"),  # the folder stays left out
        ("b.jpg", "Images/b.jpg", "other/b.png", "other/b.png"),
        ("../Images/b.jpg", "Images/b.jpg", "Images/b.png", "Images/b.png"),
        ("/data/set/a.jpg", "a.jpg", "a.png", "a.png"),
        (NFC, NFD, NFD, NFD),  # elsewhere than on macOS, NFC opens no file of that name
        ("Images\\b.jpg", "Images/b.jpg", "Images/b.jpg", "Images/b.jpg"),  # no other system opens it with a backslash
    ],
)
def test_a_path_keeps_its_style(value: str, photo: str, new: str, written: str) -> None:
    assert renamed(value, photo, new) == written


def test_names_that_become_alike_get_their_folders(tmp_path: Path) -> None:
    rows = {"one/b.tiff": "a dog", "two/b.png": "a cat", "three/k.png": "a bird"}
    touch(tmp_path / "in", *rows)
    lines = [json.dumps({"image": name.split("/")[1], "caption": text}) for name, text in rows.items()]
    captions(tmp_path / "in" / "c.jsonl", *lines)
    paths = {name: name.replace("tiff", "png") for name in rows}
    write_captions(open_dataset(tmp_path / "in" / "c.jsonl"), Edits({}, paths), tmp_path / "out" / "c.jsonl")
    written = [json.loads(line)["image"] for line in (tmp_path / "out" / "c.jsonl").read_text().splitlines()]
    assert written == ["one/b.png", "two/b.png", "k.png"]


def test_names_that_several_photos_have_are_not_guessed(tmp_path: Path) -> None:
    both = Lookup(tmp_path, ["u/a.jpg", "v/a.jpg", "old/E.JPG", NFC, NFD])
    assert isinstance(missed := both.find("a.jpg", tmp_path), Miss)
    assert missed.reason == "ambiguous-photo"
    assert [both.find(name, tmp_path) for name in ("E.JPG", NFC, NFD)] == ["old/E.JPG", NFC, NFD]
    touch(tmp_path, "a.txt")
    assert isinstance(missed := both.find("a.txt", tmp_path), Miss)
    assert missed.reason == "not-a-photo"
