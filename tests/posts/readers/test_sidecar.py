"""Texts beside their photos: what is read, what is skipped, and what is written back."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from tests.posts.conftest import captions, touch
from unlearnable.errors import InputError
from unlearnable.posts import Edits, open_dataset, write_captions


def test_caption_files_are_read_and_written_as_texts_are(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.jpg", "d/b.jpg", "c.jpg", "e.JPG", "f.jpg")
    for name in ("a.caption", "d/b.caption", "c.txt", "c.caption", "e.TXT", "f.CAPTION"):
        captions(tmp_path / "in" / name, f"a dog in {name}")
    dataset = open_dataset(tmp_path / "in")
    found = {"a.jpg": "a.caption", "d/b.jpg": "d/b.caption", "c.jpg": "c.txt"}  # of two, the `.txt` counts
    found |= {"e.JPG": "e.TXT", "f.jpg": "f.CAPTION"}
    assert dataset.captions_by_photo() == {photo: [f"a dog in {name}"] for photo, name in found.items()}
    paths = {photo: str(Path(photo).with_suffix(".png")) for photo in found}
    write_captions(dataset, Edits({(0, 0): "x"}, paths), tmp_path / "out")
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert written == set(found.values())
    assert (tmp_path / "out/a.caption").read_text(encoding="utf-8") == "x\n"


def test_texts_that_have_the_whole_name_of_their_photo(tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.jpg", "b.heic", "c.jpg")
    for name in ("a.jpg.txt", "b.heic.txt", "c.txt", "c.jpg.txt"):
        captions(tmp_path / "in" / name, f"a dog in {name}")
    dataset = open_dataset(tmp_path / "in")
    found = {"a.jpg": "a.jpg.txt", "b.heic": "b.heic.txt", "c.jpg": "c.txt"}  # of two, that of the stem counts
    assert dataset.captions_by_photo() == {photo: [f"a dog in {name}"] for photo, name in found.items()}
    paths = {"a.jpg": "a.jpg", "b.heic": "b.jpg", "c.jpg": "c.png"}
    write_captions(dataset, Edits({(1, 0): "x"}, paths), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.jpg.txt", "b.jpg.txt", "c.txt"]
    assert (tmp_path / "out/b.jpg.txt").read_text(encoding="utf-8") == "x\n"


def test_the_text_of_a_post_is_that_of_all_its_photos(tmp_path: Path) -> None:
    day = "2024-01-02_12-00-00_UTC"
    touch(tmp_path / "in", f"{day}_1.jpg", f"{day}_2.jpg", "2024-01-03_12-00-00_UTC.jpg", "a_1.jpg")
    captions(tmp_path / "in" / f"{day}.txt", "two dogs")
    captions(tmp_path / "in" / "a.txt", "no dog")
    dataset = open_dataset(tmp_path / "in")
    words = dataset.captions_by_photo()
    assert [words[f"{day}_{n}.jpg"] for n in (1, 2)] == [["two dogs"]] * 2
    assert dataset.uncaptioned == {"2024-01-03_12-00-00_UTC.jpg", "a_1.jpg"}
    paths = {photo.id: photo.id for photo in dataset.photos}
    write_captions(dataset, Edits({(0, 0): "x"}, paths), tmp_path / "out")
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out").iterdir()}
    assert written == {f"{day}_1.txt": "x\n", f"{day}_2.txt": "x\n"}


def test_a_text_that_a_link_leads_out_for_is_no_caption(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/b.jpg")
    captions(tmp_path / "key", "secret")
    captions(tmp_path / "in" / "b.txt", "a dog")
    (tmp_path / "in" / "a.txt").symlink_to(tmp_path / "key")
    dataset = open_dataset(tmp_path / "in")
    assert dataset.captions_by_photo() == {"a.jpg": [""], "b.jpg": ["a dog"]}


@pytest.mark.parametrize("now", ["a cat", " ", "a dog\na line that has no words"])
def test_a_sidecar_that_changed_is_not_written_back(tmp_path: Path, now: str) -> None:
    touch(tmp_path, "a.jpg")
    captions(tmp_path / "a.txt", "a dog")
    dataset = open_dataset(tmp_path)
    captions(tmp_path / "a.txt", now)
    with pytest.raises(InputError, match="has changed"):
        write_captions(dataset, Edits({}, {"a.jpg": "a.jpg"}), tmp_path / "out")


def test_of_two_photos_with_one_text_the_first_has_the_say(tmp_path: Path) -> None:
    touch(tmp_path, "a.heic", "a.jpg")
    captions(tmp_path / "a.txt", "a dog")
    dataset = open_dataset(tmp_path)
    edits = Edits({(0, 0): "first", (1, 0): "second"}, {"a.heic": "a.png", "a.jpg": "a.webp"})
    write_captions(dataset, edits, tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == "first\n"


def test_photos_that_share_a_text_share_its_caption(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png", "b.jpg")
    captions(tmp_path / "a.txt", "me")
    captions(tmp_path / "b.txt", "you")
    places = [(pair.photo, pair.record, pair.index) for pair in open_dataset(tmp_path).pairs]
    assert places == [("a.jpg", 0, 0), ("a.png", 0, 0), ("b.jpg", 1, 0)]


@pytest.mark.parametrize(("of_photo", "of_text"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_text_that_spells_accents_otherwise_is_the_one_beside_its_photo(
    tmp_path: Path, of_photo: Literal["NFC", "NFD"], of_text: Literal["NFC", "NFD"]
) -> None:
    photo = unicodedata.normalize(of_photo, "Zoé.jpg")
    touch(tmp_path, photo)
    captions(tmp_path / unicodedata.normalize(of_text, "Zoé.txt"), "a dog")
    dataset = open_dataset(tmp_path)
    assert [pair.caption for pair in dataset.pairs] == ["a dog"]
    write_captions(dataset, Edits({(0, 0): "words a dog"}, {photo: photo}), tmp_path / "out")
    assert (tmp_path / "out" / photo).with_suffix(".txt").read_text(encoding="utf-8") == "words a dog\n"
