"""Faces as a caption format: a manifest in place of captions, and the word `people` for any layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.posts.conftest import touch
from tests.posts.faces.conftest import made_up, manifest
from unlearnable.errors import ConfigError, InputError
from unlearnable.posts import Edits, hold_out, named_posts, open_dataset, open_people, write_captions
from unlearnable.posts.faces.opening import read_manifest


def test_a_manifest_in_place_of_captions(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "unnamed.jpg")
    manifest(tmp_path, {"image": "a.jpg", "person": "Ann"}, {"image": "b.jpg", "person": "Bo", "split": "test"})
    dataset = open_dataset(tmp_path, tmp_path / "manifest.jsonl")
    assert dataset == named_posts(hold_out(open_people(tmp_path), 0))
    assert [(photo.id, photo.split) for photo in dataset.photos] == [("a.jpg", None), ("b.jpg", "test")]
    assert open_dataset(tmp_path / "manifest.jsonl") == dataset
    assert open_dataset(tmp_path).format == "folder"


def test_captions_go_before_people(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    manifest(tmp_path, {"image": "a.jpg", "person": "Ann", "caption": "a dog"})
    assert open_dataset(tmp_path / "manifest.jsonl").format == "jsonl"


def test_a_manifest_of_one_person_is_enough_to_caption(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    manifest(tmp_path, {"image": "a.jpg", "person": "Ann"})
    assert len(open_dataset(tmp_path, tmp_path / "manifest.jsonl").pairs) == 1


def test_a_manifest_without_photos_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    manifest(tmp_path, {"image": "gone.jpg", "person": "Ann"})
    with pytest.raises(InputError, match=r"manifest.jsonl names no photo .*manifest.jsonl:1 is skipped as missing"):
        open_dataset(tmp_path, tmp_path / "manifest.jsonl")


def test_a_manifest_that_is_no_json_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "manifest.jsonl").write_text('[{"image": "a.jpg", "person"', encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot read .*manifest.jsonl"):
        read_manifest(tmp_path / "manifest.jsonl", tmp_path)


def test_the_word_people_reads_any_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "Ann_Meier/1.jpg", "Bo_Ek/1.jpg", "sheet.png")
    monkeypatch.chdir(tmp_path)
    dataset = open_dataset(tmp_path, Path("people"))
    assert dataset == named_posts(hold_out(open_people(tmp_path), 0))
    assert [photo.id for photo in dataset.photos] == ["Ann_Meier/1.jpg", "Bo_Ek/1.jpg"]
    (tmp_path / "people").mkdir()  # a folder holds no captions, so that the word still is meant
    assert open_dataset(tmp_path, Path("people")) == dataset


def test_a_file_called_people_is_a_caption_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "photos/a.jpg")
    (tmp_path / "people").write_text("a.jpg#0\ta dog\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert open_dataset(tmp_path / "photos", Path("people")).format == "flickr"


def test_the_word_people_wants_a_folder_with_people(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    manifest(tmp_path, {"image": "a.jpg", "person": "Ann"})
    with pytest.raises(ConfigError, match="is a file already"):
        open_dataset(tmp_path / "manifest.jsonl", Path("people"))
    assert [one.key for one in open_dataset(tmp_path, Path("people")).people.values()] == ["Ann"]
    manifest(tmp_path)
    with pytest.raises(InputError, match="at least one person is needed"):
        open_dataset(tmp_path, Path("people"))
    with pytest.raises(InputError, match="there is no"):
        open_dataset(tmp_path / "absent", Path("people"))


def test_templates_are_not_written_back(tmp_path: Path) -> None:
    dataset = named_posts(made_up(tmp_path / "in", a=1, b=1))
    write_captions(dataset, Edits({}, {photo.id: photo.id for photo in dataset.photos}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
