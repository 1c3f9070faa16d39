"""Posts made of portraits: who is held out, how many photos stay, and what they are captioned with."""

from __future__ import annotations

import random
from collections import Counter
from math import gcd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.posts.conftest import touch
from tests.posts.faces.conftest import made_up
from unlearnable.errors import ConfigError
from unlearnable.posts import People, Photo, Portrait, hold_out, limit, named_posts
from unlearnable.posts.faces.names import FAMILY_NAMES, FIRST_NAMES, TEMPLATES, full_names


def by_person(people: People, split: str | None) -> dict[str, list[str]]:
    photos: dict[str, list[str]] = {}
    for portrait in people.portraits:
        if portrait.photo.split == split:
            photos.setdefault(portrait.person, []).append(portrait.photo.id)
    return photos


class TestSplits:
    def test_one_photo_of_everyone_with_two_is_held_out(self, tmp_path: Path) -> None:
        people = hold_out(made_up(tmp_path, a=5, b=2, c=1), seed=0)
        assert {person: len(ids) for person, ids in by_person(people, "test").items()} == {"a": 1, "b": 1}
        assert {person: len(ids) for person, ids in by_person(people, "train").items()} == {"a": 4, "b": 1, "c": 1}

    def test_the_seed_alone_decides(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, a=50, b=50)
        shuffled = random.Random(1).sample(people.portraits, len(people.portraits))
        other_order = People(people.root, tuple(shuffled), ())
        assert (
            by_person(hold_out(people, 0), "test")
            == by_person(hold_out(people, 0), "test")
            != by_person(hold_out(people, 1), "test")
        )
        assert sorted(by_person(hold_out(other_order, 0), "test").items()) == sorted(
            by_person(hold_out(people, 0), "test").items()
        )

    def test_another_person_changes_no_ones_photo(self, tmp_path: Path) -> None:
        before = by_person(hold_out(made_up(tmp_path, a=50, c=50), 0), "test")
        after = by_person(hold_out(made_up(tmp_path, b=50), 0), "test")
        assert before.items() <= after.items()

    def test_splits_that_are_there_stay(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, **{"train/a": 3, "train/b": 1, "test/b": 2})
        assert hold_out(people, 0) == people

    def test_a_limit_holds_for_train_photos_only(self, tmp_path: Path) -> None:
        people = made_up(tmp_path, **{"train/a": 9, "test/a": 3, "train/b": 1, "test/c": 4, "train/d": 5})
        few = limit(people, 2, seed=0)
        assert {person: len(ids) for person, ids in by_person(few, "train").items()} == {"a": 2, "b": 1, "d": 2}
        assert by_person(few, "test") == by_person(people, "test")
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
    return People(root, tuple(portraits), ())


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
