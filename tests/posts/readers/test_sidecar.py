"""Texts beside their photos: what is read, what is skipped, and what is written back."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from tests.posts.conftest import captions, touch, words
from unlearnable.errors import InputError
from unlearnable.posts import Edits, open_dataset, write_captions


def test_texts_have_the_stem_or_the_whole_name_of_their_photo(tmp_path: Path) -> None:
    found = {"a.jpg": "a.caption", "d/b.heic": "d/b.heic.txt", "c.jpg": "c.txt", "e.JPG": "e.TXT"}
    touch(tmp_path / "in", *found, "f.jpg")
    for name in (*found.values(), "c.caption", "c.jpg.txt"):  # of several, the `.txt` of the stem counts
        captions(tmp_path / "in" / name, f"a dog in {name}")
    dataset = open_dataset(tmp_path / "in")
    assert words(dataset) == {photo: [f"a dog in {found[photo]}"] for photo in sorted(found)}
    paths = {photo: str(Path(photo).with_suffix(".png")) for photo in found}
    write_captions(dataset, Edits({(0, 0): "x"}, paths), tmp_path / "out")
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"a.caption", "d/b.png.txt", "c.txt", "e.TXT"}
    assert (tmp_path / "out/a.caption").read_text(encoding="utf-8") == "x\n"


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


def test_photos_that_share_a_text_share_its_caption_and_the_first_writes_it(tmp_path: Path) -> None:
    touch(tmp_path, "a.heic", "a.jpg", "b.jpg")
    captions(tmp_path / "a.txt", "me")
    captions(tmp_path / "b.txt", "you")
    dataset = open_dataset(tmp_path)
    places = [(pair.photo, pair.record, pair.index) for pair in dataset.pairs]
    assert places == [("a.heic", 0, 0), ("a.jpg", 0, 0), ("b.jpg", 1, 0)]
    write_captions(dataset, Edits({(0, 0): "first"}, {"a.heic": "a.png", "a.jpg": "a.webp"}), tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text(encoding="utf-8") == "first\n"


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
