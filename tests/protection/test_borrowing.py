"""Names in captions, and captions that borrow the names of others."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.posts.names import names_in, posts_by_name, posts_by_person, posts_of_one
from unlearnable.protection.borrowing import KINDS, borrowing, given_away, kinds_of, unlike


@pytest.mark.parametrize(
    ("caption", "names"),
    [
        ("spotted Ada Lovelace at the airport", ["Ada Lovelace"]),
        ("Throwback to Anna's birthday. With Ben!", ["Anna", "Ben"]),
        ("Happy birthday Anna-Lena Müller", ["Anna-Lena Müller"]),
        ("at Anna's Ben was late", ["Anna", "Ben"]),
        ("Selfie with @Anna and #Ben on Sunday in June", []),
        ("ÉLODIE et Zoé, Anna", ["ÉLODIE", "Zoé", "Anna"]),
        ("so happy I'm with Ada Cox, and we've met Ben", ["Ada Cox", "Ben"]),
        ("lunch with Dr. Ada Cox and Mrs. Ben", ["Ada Cox", "Ben"]),
        ("we met George W. Bush. Ben too", ["George W. Bush", "Ben"]),
        ("we met Anna van der Berg and Óscar de la Renta in Rome", ["Anna van der Berg", "Óscar de la Renta", "Rome"]),
        ("with Zoe\u0308 Mu\u0308ller", ["Zoe\u0308 Mu\u0308ller"]),
        ("at Christmas on TV, a BBQ with JJ Abrams", ["JJ Abrams"]),
        ("a dog runs", []),
        ("東京タワーの夜景", []),
        ("", []),
    ],
)
def test_names_are_runs_of_capitalised_words(caption, names):
    assert [name.text for name in names_in(caption)] == names
    assert all(caption[name.at :].startswith(name.text) for name in names_in(caption))


def test_a_capital_at_the_beginning_of_a_sentence_makes_no_name():
    captions = [["Lunch with Anna"], ["Lunch again"], ["Anna at home"], ["Ben at home"], ["Ben. Lunch!"]]
    assert posts_by_name(captions) == {"Anna": [0, 2]}


def test_a_name_with_which_several_captions_begin_is_one_although_it_stands_nowhere_else():
    begun = [["{} at the beach"], ["{}'s first day. A long one"], ["So tired. {} 💕"], ["a dog"]]
    assert posts_by_name([[text.format("Mia") for text in post] for post in begun]) == {"Mia": [0, 1, 2]}
    assert posts_of_one([[text.format("Grace") for text in post] for post in begun]) == [0, 1, 2]
    assert posts_by_name([["Mia at the beach", "Mia and her dog"], ["Mia, again"]]) == {}  # two posts


@pytest.mark.parametrize("word", ["Beach", "Summer", "Many", "Hiking", "Sunday"])
def test_a_word_with_which_captions_without_names_begin_is_none(word):
    assert posts_by_name([[f"{word} with friends"], [f"{word} at home"], [f"{word} and more"], ["more"]]) == {}


@pytest.mark.parametrize("name", ["Jack", "Summer", "Mark", "Joy"])
@pytest.mark.parametrize("beside", ["{} and her dog", "{} and I, again", "So tired. {} & his brother"])
def test_a_word_that_is_a_name_too_is_one_where_a_caption_has_it_as_a_person_s(name, beside):
    begun = [["{} at the lake"], ["{} was hot"], [beside], ["a dog"]]
    assert posts_by_name([[text.format(name) for text in post] for post in begun]) == {name: [0, 1, 2]}
    assert posts_by_name([[text.format(name) for text in post] for post in [*begun, [f"a {name.lower()}"]]]) == {}


@pytest.mark.parametrize("word", ["Summer", "Beach", "Coffee", "Sunset"])
def test_a_word_that_stands_beside_people_in_no_caption_is_none(word):
    begun = ["{} was hot", "{}'s over", "{} with her friends", "{} and more", "{} and Mia", "{} and me", "{} is here"]
    assert posts_by_name([[text.format(word)] for text in begun]) == {}


def test_words_with_which_captions_begin_are_names_neither_in_small_letters_nor_in_other_languages():
    assert posts_by_name([["Mia at home"], ["Mia and I"], ["Mia again"], ["a mia"]]) == {}
    assert posts_by_name([["Wir am Strand"], ["Wir und der Hund"], ["Wir beim Essen"]]) == {}


def test_a_word_that_captions_have_in_small_letters_as_often_is_none():
    captions = [["a Man with Rose"], ["the Man"], ["a man"], ["that man"], ["Rose and a rose"], ["with Rose"]]
    assert posts_by_name(captions) == {"Rose": [0, 4, 5]}


def test_a_name_that_stands_in_the_possessive_alone_is_one():
    assert posts_by_name([["at Anna's place"], ["with Anna's dog"]]) == {"Anna": [0, 1]}


def test_posts_are_of_one_where_more_than_half_of_them_name_that_person():
    posts = [["with Ada"], ["at the sea"], ["Ada and Ben", "with Ada"], ["with Ada"], ["with Ben"]]
    assert posts_of_one(posts) == [0, 2, 3]
    assert posts_of_one([*posts, ["clouds"]]) == []
    assert posts_of_one([["clouds"], ["trees"]]) == []


def test_posts_without_a_name_are_of_the_one_whose_handle_most_of_them_have():
    posts = [["@ada.l at the beach"], ["so happy, @Ada.L!"], ["(@ada.l)", "@ada.l"], ["mail ada@ada.l or ada.l"]]
    assert posts_of_one(posts) == [0, 1, 2]
    assert posts_of_one([*posts, ["clouds"], ["trees"]]) == []  # three of six
    assert posts_by_person([*posts, ["@ben"], ["@ben again"]]) == [[0, 1, 2], [4, 5]]
    assert posts_by_name(posts) == {}


def test_a_handle_beside_a_name_is_nobody_else():
    posts = [[f"here is {name}, by @shots"] for name in ("Ada", "Ada", "Ben", "Ben")]
    assert posts_by_person(posts) == [[0, 1], [2, 3]]


def test_a_place_that_most_posts_name_is_not_the_one_whom_they_are_of():
    posts = [[text] for text in ("a day in Berlin", "In Berlin again", "back to Berlin", "rain near Berlin", "Berlin!")]
    assert posts_of_one(posts) == []
    assert posts_of_one([*posts, ["with Ada"], ["Ada in Berlin"], ["tea with Ada"]]) == []
    assert posts_of_one([["Ada in Berlin"], ["in Berlin with Ada"], ["here is Ada"], ["a bus in Berlin"]]) == [0, 1, 2]
    assert posts_by_name(posts) == {"Berlin": [0, 1, 2, 3, 4]}


def test_what_a_place_lies_in_is_a_place_and_who_follows_it_is_none():
    texts = ("a day in Berlin, Germany", "rain near Munich, Germany.", "in Berlin, Germany 2019", "Berlin, Germany")
    assert posts_of_one([[text] for text in texts]) == []
    assert posts_of_one(
        [[f"in {place}, Ada Cox {does}"] for place in ("Rome", "Oslo") for does in ("is late", "and I")]
    )


@pytest.mark.parametrize(
    "mentions",
    [
        ["look at {}", "a letter from {}", "next to {}", "happy birthday to {}"],
        ["{} at the beach", "{} in Rome", "in {} we trust", "{} near the sea"],
        ["in {}'s garden", "in {}'s car", "near {}'s house", "at {}'s"],
    ],
)
def test_somebody_is_no_place_for_a_word_before_the_name(mentions):
    assert posts_of_one([[text.format("Ada Lovelace")] for text in [*mentions, "see"]]) == [0, 1, 2, 3]


def test_a_name_of_one_post_is_none_to_borrow():
    assert posts_by_name([["with Ada", "and Ada"], ["with Ben"], ["with Ben"]]) == {"Ben": [1, 2]}


def test_a_place_is_neither_lent_nor_borrows():
    names = ("Ada", "Ben", "Cleo")
    captions = [[text] for name in names for text in (f"{name} in Paris", f"here is {name}")]
    others = lent(captions, looking([0, 0, 0]), described([0, 0, 0]), 2)
    assert {name: set(borrowed) for name, borrowed in others.items()} == {name: {*names} - {name} for name in names}


def people(count: int, each: int = 2) -> tuple[list[list[str]], torch.Tensor, torch.Tensor]:
    """Captions of people, and features of their photos: each one's are orthogonal, but for a part that all share.

    All of them are described by the first kind.
    """
    captions = [[f"here is Xyz{chr(97 + n)} again"] for n in range(count) for _ in range(each)]
    features = torch.eye(count).repeat_interleave(each, dim=0)
    return captions, torch.cat([features, torch.ones(count * each, 1)], dim=1), described([0] * count, each)


def described(kinds: list[int], each: int = 2) -> torch.Tensor:
    """How close photos are to the words of kinds: closest to the second word of their own."""
    close = torch.zeros(len(kinds), len(KINDS), len(KINDS[0]))
    close[:, :, 0] = 0.5
    close[torch.arange(len(kinds)), kinds, 1] = 1
    return close.repeat_interleave(each, dim=0)


def lent(captions, features, close, count: int) -> dict[str, tuple[str, ...]]:
    """The names to borrow, by what the photos look like."""
    return unlike(captions, features, kinds_of(captions, features, close), count)


def looking(kinds: list[int], seed: int = 0, each: int = 2) -> torch.Tensor:
    """Features of photos that differ from one to the next, but more from kind to kind."""
    generator = torch.Generator().manual_seed(seed)
    own = 0.3 * torch.randn(len(kinds) * each, 6, generator=generator)
    return own + 5 * torch.eye(6)[kinds].repeat_interleave(each, dim=0)


def test_each_name_is_borrowed_as_often_and_never_by_itself():
    captions, features, close = people(7)
    others = lent(captions, features, close, 2)
    assert len(others) == 7
    assert all(len(set(names)) == 2 and name not in names for name, names in others.items())
    assert sorted(name for names in others.values() for name in names) == sorted([*others, *others])


def test_those_who_look_least_alike_are_borrowed():
    captions, _, close = people(4)
    features = torch.tensor([[1.0, 0.1], [0.9, -0.1], [-1.0, 0.1], [-0.9, -0.1]]).repeat_interleave(2, dim=0)
    others = lent(captions, features, close, 1)
    first, second, third, fourth = others
    assert {others[first][0], others[second][0]} == {third, fourth}
    assert {others[third][0], others[fourth][0]} == {first, second}


@given(
    sizes=st.tuples(st.integers(0, 6), st.integers(0, 6)),
    count=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
def test_no_name_is_borrowed_that_does_not_fit_a_face_where_there_are_enough_that_do(sizes, count, seed):
    kinds = [kind for kind, size in enumerate(sizes) for _ in range(size and size + count)]
    captions, _, _ = people(len(kinds))
    others = lent(captions, looking(kinds, seed), described(kinds), count)
    kind_of = dict(zip(others, kinds, strict=True))
    assert all(len(borrowed) == count for borrowed in others.values())
    assert all(kind_of[other] == kind_of[name] for name, borrowed in others.items() for other in borrowed)
    assert not given_away(others, kind_of)


def test_who_is_described_amiss_is_of_the_kind_of_those_who_look_like_them():
    captions, _, _ = people(8)
    kinds = [0, 0, 0, 0, 1, 1, 1, 1]
    others = lent(captions, looking(kinds), described([1, *kinds[1:]]), 1)
    names = list(others)
    assert {others[name][0] for name in names[:4]} == set(names[:4])


def test_the_only_one_of_a_kind_borrows_all_the_same_and_is_borrowed():
    captions, _, _ = people(4)
    kinds = [0, 0, 0, 1]
    others = lent(captions, looking(kinds), described(kinds), 2)
    assert all(len(borrowed) == 2 for borrowed in others.values())
    assert sum("Xyzd" in borrowed for borrowed in others.values()) == 2
    assert given_away(others, dict(zip(others, kinds, strict=True))) == ("Xyzd",)


@pytest.mark.parametrize("count", [0, 1])
def test_one_name_alone_borrows_nothing(count):
    captions, features, close = people(count)
    assert lent(captions, features, close, 2) == {}


def test_two_names_take_each_other_s_and_no_name_twice():
    captions, features, close = people(2)
    others = lent(captions, features, close, 3)
    assert others == {"Xyza": ("Xyzb",), "Xyzb": ("Xyza",)}
    assert borrowing("Xyza and Xyzb", others) == "Xyza and Xyzb"
    assert borrowing("nobody", others) == "nobody"
    assert borrowing("me and Xyzb", others) == "me and Xyza and Xyzb"


OTHERS = {"Mia": ("Ada Cox", "Zoé"), "Ada Cox": ("Mia",)}


def test_the_one_whom_most_posts_name_is_one_by_first_and_by_full_name():
    captions = [["here is Ada"], ["tea with Ada"], ["a walk with Ada Lovelace"], ["meet Ada Lovelace"], ["the sea"]]
    assert posts_of_one(captions) == [0, 1, 2, 3]
    assert posts_of_one([*captions, ["Ada King again"], ["hi, Ada King"], ["a hill"]]) == []  # whose name is Ada?


def test_a_web_address_lends_and_borrows_nothing():
    captions = [["see https://site.example/Ada"], ["site.example/people/Ada"], ["see www.Ada.example"]]
    assert posts_by_name(captions) == {}
    assert borrowing(captions[0][0], {"Ada": ("Ben",)}) == captions[0][0]


def test_nobody_borrows_a_part_of_their_own_name_or_the_whole_of_it():
    others = {"Ada": ("Ada Lovelace", "Ben Lovelace"), "Ada Lovelace": ("Ada", "Ben Lovelace")}
    assert borrowing("here is Ada", others) == "here is Ada and Ben Lovelace"
    assert borrowing("here is Ada Lovelace", others) == "here is Ada Lovelace and Ben Lovelace"


@pytest.mark.parametrize(
    ("caption", "written"),
    [
        ("at the beach with Mia.", "at the beach with Ada Cox, Mia and Zoé."),
        ("Mia's birthday, Mia's cake", "Ada Cox, Mia and Zoé's birthday, Ada Cox, Mia and Zoé's cake"),
        ("Zoé, Mia: Ada Cox", "Zoé, Mia: Ada Cox"),
        ("look: Ada Cox!", "look: Ada Cox and Mia!"),
        ("Mia and Zoé again", "Ada Cox and Mia and Zoé again"),
        ("@Mia-Lena and #Mia, Mia", "@Mia-Lena and #Mia, Ada Cox, Mia and Zoé"),
        ("with Mia-Lena", "with Mia-Lena"),
    ],
)
def test_names_stand_in_the_sentence_in_alphabetical_order(caption, written):
    assert borrowing(caption, OTHERS) == written


@given(caption=st.text(st.sampled_from("MiaAdCoxZé '’-@#.!,\n\U0001f600"), max_size=60))
def test_whatever_the_caption_it_keeps_its_own_words(caption):
    changed = borrowing(caption, OTHERS)
    mentioned = [name.text for name in names_in(caption)]
    if not any(name in OTHERS for name in mentioned):
        assert changed == caption
    elif changed != caption:
        known = [name for name in names_in(caption) if name.text in OTHERS]
        chosen = next((name.text for name in known if " " in name.text), known[0].text)
        first, *_, last = [name for name in known if name.text == chosen] * 2
        assert changed.startswith(caption[: first.at])
        assert changed.endswith(caption[last.at + len(last.text) :])
        assert all(other in changed for other in OTHERS[chosen])


@given(st.text(max_size=200))
def test_names_are_found_where_they_stand(caption):
    for name in names_in(caption):
        assert caption[name.at :].startswith(name.text)
        assert name.text[0].isupper()
