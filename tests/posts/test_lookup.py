"""How a path in a caption file finds its photo, and what it becomes in the output."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tests.posts.conftest import captions, touch
from unlearnable.posts import Edits, open_dataset, write_captions
from unlearnable.posts.lookup import Lookup, Miss

ROOT = Path("/data/set")
NFC, NFD = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
IDS = ["a.jpg", "Images/b.jpg", "Images/deep/c.jpg", "u/1.jpg", "v/1.jpg", "texts/d.jpg", NFD, "back\\slash.jpg"]


@pytest.fixture
def lookup() -> Lookup:
    return Lookup(ROOT, ROOT / "texts", IDS)


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
        ("a", "", "a.jpg"),  # as lists for people have it
        ("deep/c", "", "Images/deep/c.jpg"),
        ("C:\\photos\\b", "", "Images/b.jpg"),
        ("C:\\photos\\v\\1.jpg", "", "v/1.jpg"),  # u/1.jpg has less of it
        ("1", "v", "v/1.jpg"),
        ("A.JPG", "", "a.jpg"),  # as of a list from Windows
        ("images/B.jpg", "", "Images/b.jpg"),
    ],
)
def test_a_path_finds_its_photo(value: str, folder: str, photo: str, lookup: Lookup) -> None:
    assert lookup.find(value, folder) == photo


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("gone.jpg", "missing-photo"),
        ("w/1.jpg", "missing-photo"),  # another folder's 1.jpg is not meant
        ("", "missing-photo"),
        (".", "missing-photo"),
        ("9" * 5000, "missing-photo"),
        ("1.jpg", "ambiguous-photo"),
        ("1", "ambiguous-photo"),
        ("a.jpeg", "missing-photo"),  # it has a suffix
        ("../../a.jpg", "outside-folder"),
        ("/data/set-2/a.jpg", "outside-folder"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(value: str, reason: str, lookup: Lookup) -> None:
    found = lookup.find(value)
    assert isinstance(found, Miss)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("value", "photo", "new", "written"),
    [
        ("a.jpg", "a.jpg", "a.png", "a.png"),
        ("a", "a.jpg", "a.jpg", "a.jpg"),
        ("b.jpg", "Images/b.jpg", "Images/b.png", "b.png"),  # the folder stays left out
        ("b.jpg", "Images/b.jpg", "other/b.png", "other/b.png"),
        ("../Images/b.jpg", "Images/b.jpg", "Images/b.png", "Images/b.png"),
        ("/data/set/a.jpg", "a.jpg", "a.png", "a.png"),
        (NFC, NFD, NFD, NFD),  # elsewhere than on macOS, NFC opens no file of that name
        ("Images\\b.jpg", "Images/b.jpg", "Images/b.jpg", "Images/b.jpg"),  # no other system opens it with a backslash
    ],
)
def test_a_path_keeps_its_style(value: str, photo: str, new: str, written: str, lookup: Lookup) -> None:
    assert lookup.renamed(value, photo, new) == written


def test_names_that_become_alike_get_their_folders(tmp_path: Path) -> None:
    rows = {"one/b.tiff": "a dog", "two/b.png": "a cat", "three/k.png": "a bird"}
    touch(tmp_path / "in", *rows)
    lines = [json.dumps({"image": name.split("/")[1], "caption": text}) for name, text in rows.items()]
    captions(tmp_path / "in" / "c.jsonl", *lines)
    paths = {name: name.replace("tiff", "png") for name in rows}
    write_captions(open_dataset(tmp_path / "in" / "c.jsonl"), Edits({}, paths), tmp_path / "out" / "c.jsonl")
    written = [json.loads(line)["image"] for line in (tmp_path / "out" / "c.jsonl").read_text().splitlines()]
    assert written == ["one/b.png", "two/b.png", "k.png"]


def test_of_a_photo_and_its_copy_a_name_means_the_photo(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in-protected/a.jpg", "in-protected.private/manifest.jsonl", "more-protected/a.jpg")
    copies = ["in-protected/a.jpg", "more-protected/a.jpg"]
    named = ["a.jpg", "C:\\photos\\a.jpg"]
    with_one, with_more = (Lookup(tmp_path, tmp_path, ["in/a.jpg", *copies[:count]]) for count in (1, 2))
    assert [with_one.find(name) for name in named] == ["in/a.jpg"] * 2
    assert [type(with_more.find(name)) for name in named] == [Miss] * 2, "a folder without a manifest is the user's own"
    touch(tmp_path, "more-protected.private/manifest.jsonl")
    assert [with_more.find(name) for name in named] == ["in/a.jpg"] * 2
    assert isinstance(Lookup(tmp_path, tmp_path, copies).find("a.jpg"), Miss), "of copies alone neither is meant"


def test_names_that_several_photos_have_are_not_guessed(tmp_path: Path) -> None:
    ids = ["a.jpg", "a.HEIC", "b.jpg", "B.JPG", "c.d.png", "old/E.JPG", "e.jpg", NFC, NFD]
    both = Lookup(tmp_path, tmp_path, ids)
    for name in ("a", "B.jpg"):
        assert isinstance(missed := both.find(name), Miss)
        assert missed.reason == "ambiguous-photo"
    assert [both.find(name) for name in ("c.d", "E.JPG", NFC, NFD)] == ["c.d.png", "old/E.JPG", NFC, NFD]
    touch(tmp_path, "a.txt")
    assert isinstance(missed := both.find("a.txt"), Miss)
    assert missed.reason == "not-a-photo"


@pytest.mark.parametrize("blank", ["\u00a0", "\t", "\u200b", "\ufeff", "\u202a"])
def test_blanks_around_a_path_do_not_count_and_any_blank_in_it_is_a_space(blank: str) -> None:
    """As pages and spreadsheets leave them behind a name, Windows marks a copied path, and macOS spells "3.04 PM"."""
    photos = ["a.jpg", "deep/b.jpg", f"c.jpg{blank}.jpg", "at 3.04\u202fPM.png"]
    lookup = Lookup(ROOT, ROOT, photos)
    names = [f"a.jpg{blank}", f"{blank}C:\\x\\b.jpg{blank}", f"c.jpg{blank}.jpg", "at 3.04 PM.png", f"{blank}a"]
    assert [lookup.find(name) for name in names] == [*photos, "a.jpg"]
