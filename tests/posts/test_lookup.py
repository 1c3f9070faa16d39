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


def test_two_spellings_of_a_name_are_two_photos() -> None:
    both = Lookup(ROOT, ROOT, [NFC, NFD])
    assert [both.find(name, "") for name in (NFC, NFD)] == [NFC, NFD]


def test_names_that_become_alike_get_their_folders(tmp_path: Path) -> None:
    rows = {"one/b.tiff": "a dog", "two/b.png": "a cat", "three/k.png": "a bird"}
    touch(tmp_path / "in", *rows)
    lines = [json.dumps({"image": name.split("/")[1], "caption": text}) for name, text in rows.items()]
    captions(tmp_path / "in" / "c.jsonl", *lines)
    paths = {name: name.replace("tiff", "png") for name in rows}
    write_captions(open_dataset(tmp_path / "in" / "c.jsonl"), Edits({}, paths), tmp_path / "out" / "c.jsonl")
    written = [json.loads(line)["image"] for line in (tmp_path / "out" / "c.jsonl").read_text().splitlines()]
    assert written == ["one/b.png", "two/b.png", "k.png"]


def test_the_written_names_open_the_written_files_however_accents_were_encoded(tmp_path: Path) -> None:
    """A phone's photos come with decomposed names, a spreadsheet saves composed ones."""
    names = [unicodedata.normalize("NFD", name) for name in ("Übersee.jpg", "là/Übersee.jpg")]
    touch(tmp_path / "in", *names)
    rows = [f"{unicodedata.normalize('NFC', name)},a dog" for name in names]
    dataset = open_dataset(captions(tmp_path / "in" / "c.csv", "filename,caption", *rows))
    write_captions(dataset, Edits({}, {name: name for name in names}), tmp_path / "c.csv")
    written = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [row.split(",")[0] for row in written] == names


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
        ("/data/set/a.jpg", "", "a.jpg"),
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
        ("1.jpg", "ambiguous-photo"),
        ("1", "ambiguous-photo"),
        ("a.jpeg", "missing-photo"),  # it has a suffix
        ("../../a.jpg", "outside-folder"),
        ("/data/other/a.jpg", "outside-folder"),
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
        ("./a.jpg", "a.jpg", "a.jpg", "./a.jpg"),  # nothing changed
        ("./a.jpg", "a.jpg", "a.png", "a.png"),
        ("a", "a.jpg", "a.jpg", "a.jpg"),
        ("b.jpg", "Images/b.jpg", "Images/b.png", "b.png"),  # the folder stays left out
        ("b.jpg", "Images/b.jpg", "Images/b.jpg", "b.jpg"),
        ("b.jpg", "Images/b.jpg", "other/b.png", "other/b.png"),
        ("../Images/b.jpg", "Images/b.jpg", "Images/b.png", "Images/b.png"),
        ("d.jpg", "texts/d.jpg", "texts/d.jpg", "texts/d.jpg"),  # the caption file moves to the top
        ("set/a.jpg", "a.jpg", "a.png", "a.png"),
        ("/data/set/a.jpg", "a.jpg", "a.png", "a.png"),
        (NFC, NFD, NFD, NFD),  # elsewhere than on macOS, NFC opens no file of that name
        (f"./{NFC}", NFC, NFC, f"./{NFC}"),
        ("Images\\b.jpg", "Images/b.jpg", "Images/b.jpg", "Images/b.jpg"),  # no other system opens it with a backslash
        ("by\\hand.jpg", "by\\hand.jpg", "by\\hand.jpg", "by\\hand.jpg"),  # so the file is called
    ],
)
def test_a_path_keeps_its_style(value: str, photo: str, new: str, written: str, lookup: Lookup) -> None:
    assert lookup.renamed(value, photo, new) == written


def test_a_name_without_suffix_that_several_photos_have_is_not_guessed() -> None:
    both = Lookup(ROOT, ROOT, ["a.jpg", "a.HEIC", "b.jpg", "u/c.jpg", "v/c.jpg", "c.d.png"])
    assert isinstance(missed := both.find("a"), Miss)
    assert missed.reason == "ambiguous-photo"
    assert [both.find(name) for name in ("b", "c.d")] == ["b.jpg", "c.d.png"]


def test_a_link_to_the_root_is_the_root(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real", target_is_directory=True)
    lookup = Lookup(link, link, ["a.jpg"])
    assert lookup.find(str(tmp_path / "real" / "a.jpg")) == "a.jpg"
    assert lookup.find(str(link / "a.jpg")) == "a.jpg"


def test_a_path_of_any_length_leads_nowhere(tmp_path: Path) -> None:
    found = Lookup(tmp_path, tmp_path, ["a.jpg"]).find("9" * 5000)
    assert isinstance(found, Miss)
    assert found.reason == "missing-photo"


def test_a_path_in_another_case_is_the_photo_that_the_file_system_takes_it_for(tmp_path: Path) -> None:
    """A hard link stands for a file system that ignores case: the other name leads to the same file."""
    touch(tmp_path, "Trip/IMG_1.JPG", "other.jpg", "OTHER.jpg")
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip" / "img_1.jpg").hardlink_to(tmp_path / "Trip" / "IMG_1.JPG")
    lookup = Lookup(tmp_path, tmp_path, ["Trip/IMG_1.JPG", "OTHER.jpg"])
    assert lookup.find("trip/img_1.jpg") == "Trip/IMG_1.JPG"
    assert lookup.renamed("trip/img_1.jpg", "Trip/IMG_1.JPG", "Trip/IMG_1.jpg") == "Trip/IMG_1.jpg"
    assert isinstance(missed := lookup.find("other.jpg"), Miss)
    assert missed.reason == "not-a-photo"
    assert isinstance(lookup.find("trip/IMG_2.jpg"), Miss)


def test_a_path_in_another_case_is_the_one_photo_that_differs_in_nothing_else(tmp_path: Path) -> None:
    """As of a list from Windows, whose photos were renamed; a photo of the exact name elsewhere is meant first."""
    photos = ["img_1.jpg", "Trip/Img_2.JPG", "b.jpg", "B.JPG", "c.jpg", "old/C.JPG"]
    touch(tmp_path, *photos)
    lookup = Lookup(tmp_path, tmp_path, photos)
    assert lookup.find("IMG_1.JPG") == "img_1.jpg"
    assert lookup.renamed("IMG_1.JPG", "img_1.jpg", "img_1.jpg") == "img_1.jpg"
    assert lookup.find("trip/img_2.jpg") == "Trip/Img_2.JPG"
    assert lookup.find("C.JPG") == "old/C.JPG"
    assert isinstance(several := lookup.find("B.jpg"), Miss)
    assert several.reason == "ambiguous-photo"


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u3000", "\t", "\u200b", "\ufeff", "\u202a"])
def test_blanks_around_a_path_do_not_count(blank: str, tmp_path: Path) -> None:
    """As pages and spreadsheets leave them behind a name, and Windows puts a mark before a path that is copied."""
    touch(tmp_path / "in", "a.jpg", "deep/b.jpg", f"c.jpg{blank}.jpg")
    names = [f"a.jpg{blank}", f"{blank}C:\\x\\b.jpg{blank}", f"{blank}a", f"c.jpg{blank}.jpg"]
    rows = [json.dumps({"file": name, "caption": f"dog {n}"}) for n, name in enumerate(names)]
    dataset = open_dataset(captions(tmp_path / "in" / "c.jsonl", *rows))
    photos = ["a.jpg", "deep/b.jpg", "a.jpg", names[3]]
    assert [(pair.photo, pair.caption) for pair in dataset.pairs] == [(one, f"dog {n}") for n, one in enumerate(photos)]
    write_captions(dataset, Edits({}, {photo: photo for photo in photos}), tmp_path / "c.jsonl")
    written = (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["file"] for line in written] == photos


def test_any_blank_in_a_name_is_a_space_where_one_photo_alone_has_it(tmp_path: Path) -> None:
    """macOS puts a narrow one before PM, which nobody types."""
    photos = ["Screenshot at 3.04\u202fPM.png", "two\u00a0a.jpg", "two\u3000a.jpg", "two a.jpg"]
    lookup = Lookup(tmp_path, tmp_path, photos)
    assert lookup.find("Screenshot at 3.04 PM.png") == photos[0]
    assert lookup.renamed("Screenshot at 3.04 PM.png", photos[0], photos[0]) == photos[0]
    assert [lookup.find(photo) for photo in photos[1:]] == photos[1:]
    assert isinstance(several := lookup.find("two\u2003a.jpg"), Miss)
    assert several.reason == "ambiguous-photo"
