"""Who is on which photo, in every layout of faces that is in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.posts.conftest import touch
from tests.posts.faces.conftest import labels, made_up, manifest, url_list
from unlearnable.errors import InputError
from unlearnable.posts import Skipped, open_people


def test_a_manifest(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.png", "b/not named.png")
    manifest(
        tmp_path,
        {"image": "b/1.png", "person": "Bo  Ek", "split": "test"},
        {"image": "a/2.jpg", "person": "Ann Meier", "split": "train"},
        {"image": "a/1.jpg", "person": "Ann Meier"},
        {"image": "a/1.jpg", "person": "Bo Ek"},
        {"image": "gone.jpg", "person": "Bo Ek"},
        {"image": "b/1.png", "person": " "},
        {"person": "Bo Ek"},
    )
    people = open_people(tmp_path)
    assert labels(people) == {
        "a/1.jpg": ("Ann Meier", None),
        "a/2.jpg": ("Ann Meier", "train"),
        "b/1.png": ("Bo Ek", "test"),
    }
    assert list(labels(people)) == sorted(labels(people))
    assert all(portrait.photo.path == tmp_path / portrait.photo.id for portrait in people.portraits)
    assert people.persons == ("Ann Meier", "Bo Ek")
    assert {skip.where: skip.reason for skip in people.skipped} == {
        "manifest.jsonl:4": "repeated-photo",
        "manifest.jsonl:5": "missing-photo",
        "manifest.jsonl:6": "no-person",
        "manifest.jsonl:7": "no-photo",
    }


def test_a_manifest_with_captions_still_tells_the_people(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "2.jpg")
    manifest(tmp_path, *({"image": f"{n}.jpg", "person": f"P{n}", "caption": "x"} for n in (1, 2)))
    assert open_people(tmp_path).persons == ("P1", "P2")


@pytest.mark.parametrize(
    "photo",
    [
        "Ann Meier/7.png",
        "Ann_Meier/7.jpg",
        "Ann Meier/ann%2Bred.jpg",
        "Ann Meier/ann+red.jpg",
        "Ann_Meier_0007.jpg",
        "f00d.jpeg",
    ],
)
@pytest.mark.parametrize("folder", ["", "images/"])
def test_a_row_of_pubfig_finds_its_file(folder: str, photo: str, tmp_path: Path) -> None:
    touch(tmp_path, folder + photo, f"{folder}Bo_Ek_0001.jpg", "Bo Ek/other.jpg")
    url_list(tmp_path, "dev_urls.txt", "Ann Meier|7|http://x.org/a/ann%2Bred.jpg?s=1|1,2,3,4|f00d")
    url_list(tmp_path, "eval_urls_sample30.txt", "Bo Ek|1|http://x.org/1|1,2,3,4|beef")
    people = open_people(tmp_path)
    assert labels(people) == {folder + photo: ("Ann Meier", None), f"{folder}Bo_Ek_0001.jpg": ("Bo Ek", None)}
    assert people.skipped == ()


def test_rows_of_pubfig_without_a_file_are_counted_once(tmp_path: Path) -> None:
    touch(tmp_path, "Ann Meier/1.jpg", "Bo Ek/1.jpg")
    rows = [f"{person}|{number}|http://x.org/1.jpg|0,0,1,1|" for person in ("Ann Meier", "Bo Ek") for number in (2, 1)]
    url_list(tmp_path, "dev_urls.txt", *rows, "Ann Meier|three|http://x.org/3.jpg|0,0,1,1|", "Ann Meier 4")
    url_list(tmp_path, "dev_urls_sample30.txt", *rows[:2])  # the same rows again
    people = open_people(tmp_path)
    assert labels(people) == {"Ann Meier/1.jpg": ("Ann Meier", None), "Bo Ek/1.jpg": ("Bo Ek", None)}
    assert [(skip.where, skip.reason) for skip in people.skipped] == [
        ("dev_urls.txt:7", "bad-row"),
        ("dev_urls.txt:8", "bad-row"),
        ("dev_urls.txt, dev_urls_sample30.txt", "missing-photo"),
    ]
    assert people.skipped[-1].detail == "no file for 2 of 4 rows"


def test_lists_without_any_of_their_photos_leave_it_to_the_folders(tmp_path: Path) -> None:
    touch(tmp_path, "Ann_Meier/x.jpg", "Bo_Ek/y.jpg")
    url_list(tmp_path, "dev_urls.txt", "Cy Or|1|http://x.org/1.jpg|1,2,3,4|beef")
    people = open_people(tmp_path)
    assert people.persons == ("Ann Meier", "Bo Ek")
    assert people.skipped == (Skipped("dev_urls.txt", "missing-photo", "no file for 1 of 1 row"),)


def test_kaggles_folder_is_known_from_above_and_from_within(tmp_path: Path) -> None:
    touch(tmp_path, "CelebDataProcessed/Ann Meier/0.jpg", "CelebDataProcessed/Bo Ek/0.jpg", "other/sheet.png")
    above = open_people(tmp_path)
    assert labels(above)["CelebDataProcessed/Bo Ek/0.jpg"] == ("Bo Ek", None)
    assert above.persons == ("Ann Meier", "Bo Ek")
    assert [(skip.where, skip.reason) for skip in above.skipped] == [("other/sheet.png", "no-person")]
    within = open_people(tmp_path / "CelebDataProcessed")
    assert labels(within) == {"Ann Meier/0.jpg": ("Ann Meier", None), "Bo Ek/0.jpg": ("Bo Ek", None)}


def test_a_folder_for_each_person(tmp_path: Path) -> None:
    touch(tmp_path, "Ann_Meier/1.jpg", "Bo Ek/1.jpg", "Bo Ek/2.webp", "Bo Ek/notes.txt", "sheet.png", "Bo Ek/x/3.jpg")
    (tmp_path / "empty").mkdir()
    people = open_people(tmp_path)
    assert labels(people) == {
        "Ann_Meier/1.jpg": ("Ann Meier", None),
        "Bo Ek/1.jpg": ("Bo Ek", None),
        "Bo Ek/2.webp": ("Bo Ek", None),
    }
    assert people.skipped == (Skipped("Bo Ek/x/3.jpg", "no-person", "this and 1 more photo are in no person's folder"),)


def test_folders_on_top_give_the_split(tmp_path: Path) -> None:
    touch(tmp_path, "train/Ann Meier/1.jpg", "Test/Ann Meier/2.jpg", "train/Bo Ek/1.jpg", "val/Bo Ek/1.jpg")
    assert labels(open_people(tmp_path)) == {
        "Test/Ann Meier/2.jpg": ("Ann Meier", "test"),
        "train/Ann Meier/1.jpg": ("Ann Meier", "train"),
        "train/Bo Ek/1.jpg": ("Bo Ek", "train"),
        "val/Bo Ek/1.jpg": ("Bo Ek", "val"),
    }


def test_what_shows_no_two_people_is_described(tmp_path: Path) -> None:
    for name in ("a", "b", "c", ".git"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="holds 3 sub-folders without photos") as caught:
        open_people(tmp_path)
    assert str(tmp_path) in caught.value.message
    for layout in ("manifest.jsonl", "dev_urls.txt", "CelebDataProcessed", "a folder for each person"):
        assert layout in (caught.value.hint or "")
    touch(tmp_path, "a/1.jpg", "a/2.jpg", "x.jpg")
    url_list(tmp_path, "dev_urls.txt", "Cy Or|1|http://x.org/1.jpg|1,2,3,4|beef")
    with pytest.raises(InputError, match=r"2 photos of a, 2 sub-folders without photos, x\.jpg") as caught:
        open_people(tmp_path)
    assert "dev_urls.txt (no file for 1 of 1 row)" in caught.value.message
    touch(tmp_path, "bare/notes.txt")
    with pytest.raises(InputError, match="holds no photo"):
        open_people(tmp_path / "bare")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*absent"):
        open_people(tmp_path / "absent")


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(tmp_path, a=1, b=1)

    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)  # root may read anything, so the right cannot be taken away
    with pytest.raises(InputError, match="cannot read"):
        open_people(tmp_path)
