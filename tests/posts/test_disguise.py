"""Names in disguise: letters of other alphabets that look the same."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.models.tokens import tokenizer
from unlearnable.posts.letters import look_alike, plain
from unlearnable.posts.names import all_names, disguised

LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_letters_that_look_alike_are_single_letters_of_the_same_case():
    for letter in LATIN:
        other = look_alike(letter)
        assert len(other) == 1
        assert plain(other) == letter
        assert other == letter or unicodedata.name(other).startswith(("CYRILLIC ", "GREEK CAPITAL "))
        assert unicodedata.category(other) == unicodedata.category(letter)
        assert unicodedata.normalize("NFKC", other) == other


@given(st.text(alphabet=st.characters(exclude_characters=look_alike(LATIN))))
def test_whoever_knows_the_letters_gets_the_text_back(text):
    assert plain(look_alike(text)) == text


def test_a_model_reads_other_tokens():
    clean, other = (tokenizer().encode(text) for text in ("Ada Cox", look_alike("Ada Cox")))
    assert not set(clean) & set(other)


@pytest.mark.parametrize(
    "marked",
    [
        "lunch with [Ada] [Cox]!",
        "[Ada] at home",
        "[Ada]'s birthday with [Jean]-[Luc] [O]'[Casey]",
        "ask @Ada and Ada@site.example about #Ada: https://site.example/Ada, says [Ada]",
        "[Ada] says: https://site.example/Ada-Cox, www.Cox.example, site.example/people/Ada.Cox",
        "[Anna van der Berg] in [Paris]",
        "[Ada Squirrel], our [Ada] and a Squirrel",
        "Kayaking on Sunday with friends",
        "with [Zoe\u0308] [Mu\u0308ller]",
        "a dog runs",
        "東京タワーの夜景",
        "",
    ],
)
def test_names_alone_are_in_disguise(marked):
    caption = re.sub(r"[\[\]]", "", marked)
    expected = re.sub(r"\[(.+?)\]", lambda found: look_alike(found[1]), marked)
    assert disguised(caption, all_names([[caption]])) == expected


def test_a_name_is_in_disguise_wherever_it_stands():
    """Also where the place alone does not tell that it is one, and beyond what models read."""
    long = "Ada " + "a" * 5000 + " with Ada"
    names = all_names([["I met Ada Cox"], [long], ["Cox was there. Will he come?"]])
    assert disguised(long, names).split() == [look_alike("Ada"), "a" * 5000, "with", look_alike("Ada")]
    assert disguised("Cox was there", names) == f"{look_alike('Cox')} was there"


def test_a_word_that_captions_have_in_small_letters_as_often_is_no_name():
    assert all_names([["Rose and a rose"], ["with Ben"]]) == {"Ben"}
