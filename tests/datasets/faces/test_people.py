"""Who is on which photo, in every layout of faces that is in use, and what the photos are captioned with."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from math import gcd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.datasets import (
    Edits,
    People,
    Photo,
    Portrait,
    Skipped,
    hold_out,
    limit,
    named_posts,
    open_dataset,
    open_people,
    write_captions,
)
from unlearnable.datasets.faces.names import FAMILY_NAMES, FIRST_NAMES, TEMPLATES, full_names
from unlearnable.datasets.faces.opening import read_manifest
from unlearnable.errors import ConfigError, InputError

HEADER = "# PubFig Dataset v1.2 - dev_urls.txt\n#\tperson\timagenum\turl\trect\tmd5sum\n"


def touch(root: Path, *photos: str) -> None:
    for photo in photos:
        (root / photo).parent.mkdir(parents=True, exist_ok=True)
        (root / photo).touch()


def manifest(root: Path, *rows: dict[str, object]) -> None:
    (root / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def urls(root: Path, name: str, *rows: str) -> None:
    text = "".join("\t".join(row.split("|")) + "\n" for row in rows)
    (root / name).write_text(HEADER + text, encoding="utf-8")


def told(people: People) -> dict[str, tuple[str, str | None]]:
    return {portrait.photo.id: (portrait.person, portrait.photo.split) for portrait in people.portraits}


def made_up(root: Path, **counts: int) -> People:
    touch(root, *(f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)))
    return open_people(root)


def of(people: People, split: str | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for portrait in people.portraits:
        if portrait.photo.split == split:
            found.setdefault(portrait.person, []).append(portrait.photo.id)
    return found


class TestLayouts:
    def test_a_manifest(self, tmp_path: Path) -> None:
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
        assert people.layout == "manifest"
        assert told(people) == {
            "a/1.jpg": ("Ann Meier", None),
            "a/2.jpg": ("Ann Meier", "train"),
            "b/1.png": ("Bo Ek", "test"),
        }
        assert list(told(people)) == sorted(told(people))
        assert all(portrait.photo.path == tmp_path / portrait.photo.id for portrait in people.portraits)
        assert people.persons == ("Ann Meier", "Bo Ek")
        assert {skip.where: skip.reason for skip in people.skipped} == {
            "manifest.jsonl:4": "repeated-photo",
            "manifest.jsonl:5": "missing-photo",
            "manifest.jsonl:6": "no-person",
            "manifest.jsonl:7": "no-photo",
        }

    def test_a_manifest_with_captions_still_tells_the_people(self, tmp_path: Path) -> None:
        touch(tmp_path, "1.jpg", "2.jpg")
        manifest(tmp_path, *({"image": f"{n}.jpg", "person": f"P{n}", "caption": "x"} for n in (1, 2)))
        assert open_people(tmp_path).persons == ("P1", "P2")

    def test_a_broken_manifest_is_named(self, tmp_path: Path) -> None:
        touch(tmp_path, "1.jpg", "2.jpg")
        (tmp_path / "manifest.jsonl").write_bytes(b'{"image": "caf\xe9.jpg", "person": "x"}')
        with pytest.raises(InputError, match=r"manifest.jsonl is not text"):
            open_people(tmp_path)

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
    def test_a_row_of_pubfig_finds_its_file(self, folder: str, photo: str, tmp_path: Path) -> None:
        touch(tmp_path, folder + photo, f"{folder}Bo_Ek_0001.jpg", "Bo Ek/other.jpg")
        urls(tmp_path, "dev_urls.txt", "Ann Meier|7|http://x.org/a/ann%2Bred.jpg?s=1|1,2,3,4|f00d")
        urls(tmp_path, "eval_urls_sample30.txt", "Bo Ek|1|http://x.org/1|1,2,3,4|beef")
        people = open_people(tmp_path)
        assert people.layout == "pubfig"
        assert told(people) == {folder + photo: ("Ann Meier", None), f"{folder}Bo_Ek_0001.jpg": ("Bo Ek", None)}
        assert people.skipped == ()

    def test_rows_of_pubfig_without_a_file_are_counted_once(self, tmp_path: Path) -> None:
        touch(tmp_path, "Ann Meier/1.jpg", "Bo Ek/1.jpg")
        rows = [
            f"{person}|{number}|http://x.org/1.jpg|0,0,1,1|" for person in ("Ann Meier", "Bo Ek") for number in (2, 1)
        ]
        urls(tmp_path, "dev_urls.txt", *rows, "Ann Meier|three|http://x.org/3.jpg|0,0,1,1|", "Ann Meier 4")
        urls(tmp_path, "dev_urls_sample30.txt", *rows[:2])  # the same rows again
        people = open_people(tmp_path)
        assert told(people) == {"Ann Meier/1.jpg": ("Ann Meier", None), "Bo Ek/1.jpg": ("Bo Ek", None)}
        assert [(skip.where, skip.reason) for skip in people.skipped] == [
            ("dev_urls.txt:7", "bad-row"),
            ("dev_urls.txt:8", "bad-row"),
            ("dev_urls.txt, dev_urls_sample30.txt", "missing-photo"),
        ]
        assert people.skipped[-1].detail == "2 of 4 rows have no file"

    def test_lists_without_any_of_their_photos_leave_it_to_the_folders(self, tmp_path: Path) -> None:
        touch(tmp_path, "Ann_Meier/x.jpg", "Bo_Ek/y.jpg")
        urls(tmp_path, "dev_urls.txt", "Cy Or|1|http://x.org/1.jpg|1,2,3,4|beef")
        people = open_people(tmp_path)
        assert (people.layout, people.persons) == ("folders", ("Ann Meier", "Bo Ek"))
        assert people.skipped == (Skipped("dev_urls.txt", "missing-photo", "1 of 1 rows have no file"),)

    def test_kaggles_folder_is_known_from_above_and_from_within(self, tmp_path: Path) -> None:
        touch(tmp_path, "CelebDataProcessed/Ann Meier/0.jpg", "CelebDataProcessed/Bo Ek/0.jpg", "other/sheet.png")
        above = open_people(tmp_path)
        assert above.layout == "celebdata"
        assert told(above)["CelebDataProcessed/Bo Ek/0.jpg"] == ("Bo Ek", None)
        assert above.persons == ("Ann Meier", "Bo Ek")
        assert [(skip.where, skip.reason) for skip in above.skipped] == [("other/sheet.png", "no-person")]
        within = open_people(tmp_path / "CelebDataProcessed")
        assert within.layout == "celebdata"
        assert told(within) == {"Ann Meier/0.jpg": ("Ann Meier", None), "Bo Ek/0.jpg": ("Bo Ek", None)}

    def test_a_folder_for_each_person(self, tmp_path: Path) -> None:
        touch(
            tmp_path, "Ann_Meier/1.jpg", "Bo Ek/1.jpg", "Bo Ek/2.webp", "Bo Ek/notes.txt", "sheet.png", "Bo Ek/x/3.jpg"
        )
        (tmp_path / "empty").mkdir()
        people = open_people(tmp_path)
        assert people.layout == "folders"
        assert told(people) == {
            "Ann_Meier/1.jpg": ("Ann Meier", None),
            "Bo Ek/1.jpg": ("Bo Ek", None),
            "Bo Ek/2.webp": ("Bo Ek", None),
        }
        assert people.skipped == (
            Skipped("Bo Ek/x/3.jpg", "no-person", "it and 1 more photo are in no person's folder"),
        )

    def test_folders_on_top_give_the_split(self, tmp_path: Path) -> None:
        touch(tmp_path, "train/Ann Meier/1.jpg", "Test/Ann Meier/2.jpg", "train/Bo Ek/1.jpg", "val/Bo Ek/1.jpg")
        assert told(open_people(tmp_path)) == {
            "Test/Ann Meier/2.jpg": ("Ann Meier", "test"),
            "train/Ann Meier/1.jpg": ("Ann Meier", "train"),
            "train/Bo Ek/1.jpg": ("Bo Ek", "train"),
            "val/Bo Ek/1.jpg": ("Bo Ek", "val"),
        }

    def test_what_shows_no_two_people_is_described(self, tmp_path: Path) -> None:
        for name in ("a", "b", "c", ".git"):
            (tmp_path / name).mkdir()
        with pytest.raises(InputError, match="holds 3 sub-folders without photos") as caught:
            open_people(tmp_path)
        assert str(tmp_path) in caught.value.message
        for layout in ("manifest.jsonl", "dev_urls.txt", "CelebDataProcessed", "a folder for each person"):
            assert layout in (caught.value.hint or "")
        touch(tmp_path, "a/1.jpg", "a/2.jpg", "x.jpg")
        urls(tmp_path, "dev_urls.txt", "Cy Or|1|http://x.org/1.jpg|1,2,3,4|beef")
        with pytest.raises(InputError, match=r"2 photos of a, 2 sub-folders without photos, x\.jpg") as caught:
            open_people(tmp_path)
        assert "dev_urls.txt (1 of 1 rows have no file)" in caught.value.message
        touch(tmp_path, "bare/notes.txt")
        with pytest.raises(InputError, match="holds no photo"):
            open_people(tmp_path / "bare")

    def test_a_folder_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"no folder .*absent"):
            open_people(tmp_path / "absent")

    def test_a_folder_that_cannot_be_read_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made_up(tmp_path, a=1, b=1)

        def refuse(path: object) -> object:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(os, "scandir", refuse)  # root may read anything, so the right cannot be taken away
        with pytest.raises(InputError, match="cannot read"):
            open_people(tmp_path)


class TestSplits:
    def test_one_photo_of_everyone_with_two_is_held_out(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, a=5, b=2, c=1), seed=0)
        assert {person: len(ids) for person, ids in of(people, "test").items()} == {"a": 1, "b": 1}
        assert {person: len(ids) for person, ids in of(people, "train").items()} == {"a": 4, "b": 1, "c": 1}

    def test_the_seed_alone_decides(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, a=50, b=50)
        shuffled = random.Random(1).sample(people.portraits, len(people.portraits))
        other_order = People(people.root, tuple(shuffled), (), people.layout)
        assert of(hold_out(people, 0), "test") == of(hold_out(people, 0), "test") != of(hold_out(people, 1), "test")
        assert sorted(of(hold_out(other_order, 0), "test").items()) == sorted(of(hold_out(people, 0), "test").items())

    def test_another_person_changes_no_ones_photo(self, tmp_path: Path) -> None:
        before = of(hold_out(made_up(tmp_path, a=50, c=50), 0), "test")
        after = of(hold_out(made_up(tmp_path, b=50), 0), "test")
        assert before.items() <= after.items()

    def test_splits_that_are_there_stay(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, **{"train/a": 3, "train/b": 1, "test/b": 2})
        assert hold_out(people, 0) == people

    def test_a_limit_holds_for_train_photos_only(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, **{"train/a": 9, "test/a": 3, "train/b": 1, "test/c": 4, "train/d": 5})
        few = limit(people, 2, seed=0)
        assert {person: len(ids) for person, ids in of(few, "train").items()} == {"a": 2, "b": 1, "d": 2}
        assert of(few, "test") == of(people, "test")
        assert few.persons == people.persons
        assert few == limit(people, 2, seed=0) != limit(people, 2, seed=1)
        assert set(few.portraits) <= set(limit(people, 3, seed=0).portraits)
        assert limit(people, 9, seed=0) == people

    def test_without_splits_there_is_nothing_to_limit(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, a=9, b=9)
        assert limit(people, 2, seed=0) == people

    def test_a_limit_of_nothing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="0 photos per person"):
            limit(made_up(tmp_path, a=1, b=1), 0, seed=0)


def names_in(people: People, seed: int) -> dict[str, str]:
    """Person -> the name in all of the captions; there must be one."""
    captions = {pair.photo: pair.caption for pair in named_posts(people, seed=seed).pairs}
    found: dict[str, set[str]] = {}
    for portrait in people.portraits:
        words = captions[portrait.photo.id].replace("!", "").split()
        first = next(number for number, word in enumerate(words) if word in FIRST_NAMES)
        assert words[first + 1] in FAMILY_NAMES
        found.setdefault(portrait.person, set()).add(f"{words[first]} {words[first + 1]}")
    assert all(len(names) == 1 for names in found.values())
    return {person: names.pop() for person, names in found.items()}


def named(root: Path, *ids: str) -> People:
    """People by the folders in ids."""
    touch(root, *ids)
    portraits = [Portrait(Photo(photo, root / photo), photo.split("/")[0]) for photo in sorted(ids)]
    return People(root, tuple(portraits), (), "folders")


PEOPLE = st.dictionaries(st.sampled_from([f"p{n}" for n in range(30)]), st.integers(1, 3), min_size=2)


class TestCaptions:
    @given(counts=PEOPLE, seed=st.integers(0, 2**32))
    def test_names_are_distinct_and_the_seeds(
        self, counts: dict[str, int], seed: int, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        root = tmp_path_factory.getbasetemp() / "names"
        people = named(root, *(f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)))
        names = names_in(people, seed)
        assert len(set(names.values())) == len(counts)
        assert names_in(people, seed) == names != names_in(people, seed + 1)

    @given(counts=PEOPLE, seed=st.integers(0, 9), data=st.data())
    def test_a_further_photo_leaves_the_other_captions(
        self, counts: dict[str, int], seed: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        root = tmp_path_factory.getbasetemp() / "further"
        ids = [f"{person}/{number}.jpg" for person, count in counts.items() for number in range(count)]
        further = f"{data.draw(st.sampled_from(sorted(counts)))}/{data.draw(st.sampled_from('!x'))}.jpg"
        before = {pair.photo: pair.caption for pair in named_posts(named(root, *ids), seed=seed).pairs}
        after = {pair.photo: pair.caption for pair in named_posts(named(root, *ids, further), seed=seed).pairs}
        assert before.items() <= after.items()

    def test_people_share_a_first_or_family_name_only_where_the_list_is_used_up(self) -> None:
        count = 2 * len(FAMILY_NAMES)
        first, family = (Counter(name.split()[part] for name in full_names(count, seed=3)) for part in (0, 1))
        assert set(family.values()) == {2}
        assert set(first.values()) == {2, 3}

    def test_there_are_as_many_names_as_pairs_and_no_more(self) -> None:
        most = len(FIRST_NAMES) * len(FAMILY_NAMES)
        assert len(set(full_names(most, seed=0))) == most >= 400
        with pytest.raises(ConfigError, match=f"the {most} invented names"):
            full_names(most + 1, seed=0)

    def test_the_lists_hold_short_words_once_each(self) -> None:
        both = FIRST_NAMES + FAMILY_NAMES
        assert len(set(both)) == len(both)
        assert gcd(len(FIRST_NAMES), len(FAMILY_NAMES)) == 1
        assert all(name.isascii() and name.isalpha() and name.istitle() and 4 < len(name) < 13 for name in both)

    def test_every_template_holds_the_name_once(self) -> None:
        assert len(set(TEMPLATES)) == len(TEMPLATES)
        assert all(template.count("{name}") == 1 and template.count("{") == 1 for template in TEMPLATES)

    def test_every_photo_gets_one_caption_of_no_ones_file(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, Ann_Meier=30, Bo_Ek=30), seed=0)
        dataset = named_posts(people)
        assert [(photo.id, photo.split) for photo in dataset.photos] == [
            (portrait.photo.id, portrait.photo.split) for portrait in people.portraits
        ]
        assert [pair.photo for pair in dataset.pairs] == [photo.id for photo in dataset.photos]
        assert {(pair.record, pair.index) for pair in dataset.pairs} == {(-1, 0)}
        assert (dataset.format, dataset.source, dataset.root) == ("people", None, tmp_path)
        assert not any("Ann" in pair.caption or "Meier" in pair.caption for pair in dataset.pairs)
        assert len({pair.caption for pair in dataset.pairs}) > len(TEMPLATES)

    def test_the_real_names_may_stay(self, tmp_path: Path) -> None:
        dataset = named_posts(made_up(tmp_path, Ann_Meier=3, Bo_Ek=3), rename=False)
        assert all(("Ann Meier" if "Ann" in pair.photo else "Bo Ek") in pair.caption for pair in dataset.pairs)

    def test_a_name_no_text_can_hold_is_a_name_too(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, **{"caf\udce9": 2, "{x}": 2}), seed=0)
        assert len(named_posts(people).pairs) == len(named_posts(people, rename=False).pairs) == 4


class TestOpening:
    def test_a_manifest_in_place_of_captions(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg", "b.jpg", "unnamed.jpg")
        manifest(tmp_path, {"image": "a.jpg", "person": "Ann"}, {"image": "b.jpg", "person": "Bo", "split": "test"})
        dataset = open_dataset(tmp_path, tmp_path / "manifest.jsonl")
        assert dataset == named_posts(hold_out(open_people(tmp_path), 0))
        assert [(photo.id, photo.split) for photo in dataset.photos] == [("a.jpg", None), ("b.jpg", "test")]
        assert open_dataset(tmp_path / "manifest.jsonl") == dataset
        assert open_dataset(tmp_path).format == "folder"

    def test_captions_go_before_people(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        manifest(tmp_path, {"image": "a.jpg", "person": "Ann", "caption": "a dog"})
        assert open_dataset(tmp_path / "manifest.jsonl").format == "jsonl"

    def test_a_manifest_of_one_person_is_enough_to_caption(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        manifest(tmp_path, {"image": "a.jpg", "person": "Ann"})
        assert len(open_dataset(tmp_path, tmp_path / "manifest.jsonl").pairs) == 1

    def test_a_manifest_without_photos_is_named(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        manifest(tmp_path, {"image": "gone.jpg", "person": "Ann"})
        with pytest.raises(InputError, match=r"manifest.jsonl names no photo .*manifest.jsonl:1 is skipped as missing"):
            open_dataset(tmp_path, tmp_path / "manifest.jsonl")

    def test_a_manifest_that_is_no_json_is_named(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        (tmp_path / "manifest.jsonl").write_text('[{"image": "a.jpg", "person"', encoding="utf-8")
        with pytest.raises(InputError, match=r"cannot read .*manifest.jsonl"):
            read_manifest(tmp_path / "manifest.jsonl", tmp_path)

    def test_the_word_people_reads_any_layout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        touch(tmp_path, "Ann_Meier/1.jpg", "Bo_Ek/1.jpg", "sheet.png")
        monkeypatch.chdir(tmp_path)
        dataset = open_dataset(tmp_path, Path("people"))
        assert dataset == named_posts(hold_out(open_people(tmp_path), 0))
        assert [photo.id for photo in dataset.photos] == ["Ann_Meier/1.jpg", "Bo_Ek/1.jpg"]
        (tmp_path / "people").mkdir()  # a folder holds no captions, so that the word still is meant
        assert open_dataset(tmp_path, Path("people")) == dataset

    def test_a_file_called_people_is_a_caption_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        touch(tmp_path, "photos/a.jpg")
        (tmp_path / "people").write_text("a.jpg#0\ta dog\n", encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        assert open_dataset(tmp_path / "photos", Path("people")).format == "flickr"

    def test_the_word_people_wants_a_folder_with_people(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.jpg")
        manifest(tmp_path, {"image": "a.jpg", "person": "Ann"})
        with pytest.raises(ConfigError, match="is a file already"):
            open_dataset(tmp_path / "manifest.jsonl", Path("people"))
        with pytest.raises(InputError, match="two people"):
            open_dataset(tmp_path, Path("people"))
        with pytest.raises(InputError, match="there is no"):
            open_dataset(tmp_path / "absent", Path("people"))

    def test_templates_are_not_written_back(self, tmp_path: Path) -> None:
        dataset = named_posts(made_up(tmp_path / "in", a=1, b=1))
        write_captions(dataset, Edits({}, {photo.id: photo.id for photo in dataset.photos}), tmp_path / "out")
        assert not (tmp_path / "out").exists()
