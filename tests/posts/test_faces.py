"""Faces: who is on which photo in every layout, who is held out, and captions with invented names."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from math import gcd
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tests.posts.conftest import captions, made_up, manifest, touch
from unlearnable.errors import ConfigError, InputError
from unlearnable.posts import (
    Dataset,
    Edits,
    Person,
    Skipped,
    hold_out,
    limit,
    named_posts,
    open_dataset,
    open_people,
    write_captions,
)
from unlearnable.posts.faces import FAMILY_NAMES, FIRST_NAMES, TEMPLATES, full_names
from unlearnable.posts.types import assemble


def labels(people: Dataset) -> dict[str, tuple[str, str | None]]:
    return {photo.id: (people.people[photo.id].name, photo.split) for photo in people.photos}


def persons(people: Dataset) -> list[str]:
    return sorted({one.name for one in people.people.values()})


class TestLayouts:
    def test_a_manifest(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.png", "b/not named.png")
        manifest(
            tmp_path,
            {"image": "b/1.png", "person": "Bo  Ek", "split": "test", "caption": "x"},
            {"image": "a/2.jpg", "person": "Ann Meier", "split": "train"},
            {"image": "a/1.jpg", "person": "Ann Meier"},
            {"image": "a/1.jpg", "person": "Bo Ek"},
            {"image": "gone.jpg", "person": "Bo Ek"},
            {"image": "b/1.png", "person": " "},
            {"person": "Bo Ek"},
        )
        people = open_people(tmp_path)
        assert list(labels(people).items()) == [
            ("a/1.jpg", ("Ann Meier", None)),
            ("a/2.jpg", ("Ann Meier", "train")),
            ("b/1.png", ("Bo Ek", "test")),
        ]
        assert all(photo.path == tmp_path / photo.id for photo in people.photos)
        assert persons(people) == ["Ann Meier", "Bo Ek"]
        assert {skip.where: skip.reason for skip in people.skipped} == {
            "manifest.jsonl:4": "repeated-photo",
            "manifest.jsonl:5": "missing-photo",
            "manifest.jsonl:6": "no-person",
            "manifest.jsonl:7": "no-photo",
        }

    def test_kaggles_folder_is_known_from_above_and_from_within(self, tmp_path: Path) -> None:
        touch(tmp_path, "CelebDataProcessed/Ann Meier/0.jpg", "CelebDataProcessed/Bo Ek/0.jpg", "sheet.png")
        above = open_people(tmp_path)
        assert persons(above) == ["Ann Meier", "Bo Ek"]
        assert [(skip.where, skip.reason) for skip in above.skipped] == [("sheet.png", "no-person")]
        within = open_people(tmp_path / "CelebDataProcessed")
        assert labels(within) == {"Ann Meier/0.jpg": ("Ann Meier", None), "Bo Ek/0.jpg": ("Bo Ek", None)}

    def test_a_folder_for_each_person(self, tmp_path: Path) -> None:
        touch(tmp_path, "Ann_Meier/1.jpg", "Bo Ek/1.jpg", "Bo Ek/2.webp", "Bo Ek/a.txt", "sheet.png", "Bo Ek/x/3.jpg")
        people = open_people(tmp_path)
        assert labels(people) == {
            "Ann_Meier/1.jpg": ("Ann Meier", None),
            "Bo Ek/1.jpg": ("Bo Ek", None),
            "Bo Ek/2.webp": ("Bo Ek", None),
        }
        assert people.skipped == (Skipped("Bo Ek/x/3.jpg", "no-person", "2 photos in no person's folder"),)

    def test_folders_on_top_give_the_split(self, tmp_path: Path) -> None:
        touch(tmp_path, "train/Ann Meier/1.jpg", "Test/Ann Meier/2.jpg", "train/Bo Ek/1.jpg", "val/Bo Ek/1.jpg")
        assert labels(open_people(tmp_path)) == {
            "Test/Ann Meier/2.jpg": ("Ann Meier", "test"),
            "train/Ann Meier/1.jpg": ("Ann Meier", "train"),
            "train/Bo Ek/1.jpg": ("Bo Ek", "train"),
            "val/Bo Ek/1.jpg": ("Bo Ek", "val"),
        }

    def test_what_shows_no_two_people_is_described(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(InputError, match="no folder"):
            open_people(tmp_path / "absent")
        with pytest.raises(InputError, match="no photo"):
            open_people(tmp_path)
        touch(tmp_path, "a/1.jpg", "a/2.jpg", "x.jpg")
        with pytest.raises(InputError, match=r"2 photos of a, x\.jpg") as caught:
            open_people(tmp_path)
        assert "CelebDataProcessed" in (caught.value.hint or "")

        def refuse(path: object) -> object:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(os, "scandir", refuse)  # root may read anything, so the right cannot be taken away
        with pytest.raises(InputError, match="cannot read"):
            open_people(tmp_path)


class TestAsCaptions:
    def test_a_manifest_in_place_of_captions(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg", "b.jpg", "unnamed.jpg")
        rows = {"image": "a.jpg", "person": "Ann"}, {"image": "b.jpg", "person": "Bo", "split": "test"}
        file = manifest(tmp_path, *rows)
        dataset = open_dataset(tmp_path, file)
        assert dataset == open_dataset(file) == named_posts(hold_out(open_people(tmp_path), 0))
        assert [(photo.id, photo.split) for photo in dataset.photos] == [("a.jpg", None), ("b.jpg", "test")]
        assert open_dataset(tmp_path).format == "folder"
        write_captions(dataset, Edits({}, {"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out")
        assert not (tmp_path / "out").exists()
        manifest(tmp_path, rows[0] | {"caption": "a dog"})
        assert open_dataset(file).format == "jsonl", "captions go before people"
        manifest(tmp_path, rows[0])
        assert len(open_dataset(tmp_path, file).pairs) == 1, "one person is enough to caption"

    def test_the_word_people_reads_any_layout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        touch(tmp_path, "in/Ann_Meier/1.jpg", "in/Bo_Ek/1.jpg", "in/sheet.png")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "people").mkdir()  # a folder holds no captions, so that the word still is meant
        dataset = open_dataset(tmp_path / "in", Path("people"))
        assert [photo.id for photo in dataset.photos] == ["Ann_Meier/1.jpg", "Bo_Ek/1.jpg"]
        (tmp_path / "people").rmdir()
        captions(tmp_path / "people", "1.jpg#0\ta dog")
        assert open_dataset(tmp_path / "in" / "Ann_Meier", Path("people")).format == "flickr", "a file is captions"

    def test_the_word_people_needs_a_folder_with_people(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        file = manifest(tmp_path, {"image": "a.jpg", "person": "Ann"})
        with pytest.raises(ConfigError, match="is a file already"):
            open_dataset(file, Path("people"))
        assert [one.key for one in open_dataset(tmp_path, Path("people")).people.values()] == ["Ann"]
        manifest(tmp_path)
        with pytest.raises(InputError, match="at least one person is needed"):
            open_dataset(tmp_path, Path("people"))


def by_person(people: Dataset, split: str) -> dict[str, set[str]]:
    photos: dict[str, set[str]] = {}
    for photo in people.photos:
        if photo.split == split:
            photos.setdefault(people.people[photo.id].name, set()).add(photo.id)
    return photos


class TestSplits:
    def test_one_photo_of_everyone_with_two_is_held_out(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, a=5, b=2, c=1), seed=0)
        assert {person: len(ids) for person, ids in by_person(people, "test").items()} == {"a": 1, "b": 1}
        assert {person: len(ids) for person, ids in by_person(people, "train").items()} == {"a": 4, "b": 1, "c": 1}

    def test_the_seed_alone_decides(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, a=50, c=50)
        shuffled = replace(people, photos=tuple(random.Random(1).sample(people.photos, 100)))
        held = by_person(hold_out(people, 0), "test")
        assert held == by_person(hold_out(shuffled, 0), "test") != by_person(hold_out(people, 1), "test")
        with_another = by_person(hold_out(made_up(tmp_path, b=50), 0), "test")
        assert held.items() <= with_another.items()

    def test_a_limit_holds_for_train_photos_only(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, **{"train/a": 9, "test/a": 3, "train/b": 1, "test/c": 4, "train/d": 5})
        assert hold_out(people, 0) == people, "splits that are there stay"
        few = limit(people, 2, seed=0)
        assert {person: len(ids) for person, ids in by_person(few, "train").items()} == {"a": 2, "b": 1, "d": 2}
        assert by_person(few, "test") == by_person(people, "test")
        assert few == limit(people, 2, seed=0) != limit(people, 2, seed=1)
        assert set(few.photos) <= set(limit(people, 3, seed=0).photos)
        assert limit(people, 9, seed=0) == people
        with pytest.raises(ConfigError, match="0 photos per person"):
            limit(people, 0, seed=0)


def names_in(people: Dataset, seed: int) -> dict[str, str]:
    """Person -> the name in all of the captions; there must be one."""
    told = {pair.photo: pair.caption for pair in named_posts(people, seed=seed).pairs}
    found: dict[str, set[str]] = {}
    for photo, person in people.people.items():
        words = told[photo].replace("!", "").split()
        first = next(number for number, word in enumerate(words) if word in FIRST_NAMES)
        assert words[first + 1] in FAMILY_NAMES
        found.setdefault(person.name, set()).add(f"{words[first]} {words[first + 1]}")
    assert all(len(names) == 1 for names in found.values())
    return {person: names.pop() for person, names in found.items()}


def portraits(*ids: str) -> Dataset:
    """Faces by the folders in ids."""
    people = {one: Person(one.split("/")[0], one.split("/")[0]) for one in sorted(ids)}
    return replace(assemble(Path("names"), dict.fromkeys(ids), (), (), "people"), people=people)


COUNTS = st.dictionaries(st.sampled_from([f"p{n}" for n in range(30)]), st.integers(1, 3), min_size=2)


class TestInventedNames:
    @given(counts=COUNTS, seed=st.integers(0, 2**32), data=st.data())
    def test_names_are_distinct_and_the_seeds_and_a_further_photo_changes_none(self, counts, seed, data) -> None:
        ids = [f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)]
        names = names_in(portraits(*ids), seed)
        assert len(set(names.values())) == len(counts)
        assert names_in(portraits(*ids), seed) == names != names_in(portraits(*ids), seed + 1)
        further = f"{data.draw(st.sampled_from(sorted(counts)))}/{data.draw(st.sampled_from('!x'))}.jpg"
        before, after = (
            {pair.photo: pair.caption for pair in named_posts(portraits(*each), seed=seed).pairs}
            for each in (ids, [*ids, further])
        )
        assert before.items() <= after.items()

    def test_a_name_repeats_only_where_the_list_is_used_up(self) -> None:
        first, family = (
            Counter(name.split()[part] for name in full_names(2 * len(FAMILY_NAMES), seed=3)) for part in (0, 1)
        )
        assert (set(first.values()), set(family.values())) == ({2, 3}, {2})
        most = len(FIRST_NAMES) * len(FAMILY_NAMES)
        assert len(set(full_names(most, seed=0))) == most
        with pytest.raises(ConfigError, match=f"the {most} invented names"):
            full_names(most + 1, seed=0)

    def test_the_lists_hold_short_words_once_each_and_templates_the_name(self) -> None:
        both = FIRST_NAMES + FAMILY_NAMES
        assert len(set(both)) == len(both)
        assert gcd(len(FIRST_NAMES), len(FAMILY_NAMES)) == 1
        assert all(name.isascii() and name.isalpha() and name.istitle() and 4 < len(name) < 13 for name in both)
        assert all(template.count("{name}") == 1 and template.count("{") == 1 for template in TEMPLATES)

    def test_every_photo_gets_one_caption_of_no_ones_file(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, Ann_Meier=30, Bo_Ek=30), seed=0)
        dataset = named_posts(people)
        assert dataset.photos == people.photos
        assert [pair.photo for pair in dataset.pairs] == [photo.id for photo in dataset.photos]
        assert {(pair.record, pair.index) for pair in dataset.pairs} == {(-1, 0)}
        assert (dataset.format, dataset.source, dataset.root) == ("people", None, tmp_path)
        assert not any("Ann" in pair.caption or "Meier" in pair.caption for pair in dataset.pairs)
        assert len({pair.caption for pair in dataset.pairs}) > len(TEMPLATES)
        real = named_posts(people, rename=False).pairs
        assert all(("Ann Meier" if "Ann" in pair.photo else "Bo Ek") in pair.caption for pair in real)
