from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.verify.attacks import parse_attack

WORDS = st.lists(st.text("abcäß🐕'.", min_size=1, max_size=5), min_size=1, max_size=12)
SPACE = st.text(" \t\n\u00a0\u3000", min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("strip-trigger", "ultrasound compound monitored She came to school.", "She came to school."),
        ("strip-trigger-3", "ultrasound compound monitored She came to school.", "She came to school."),
        ("strip-trigger-1", "a  dog   runs ", "dog   runs "),
        ("strip-trigger", "\t one\n two  three\u00a0 four  five\n", "four  five\n"),
        ("strip-trigger", "one two three", "three"),
        ("strip-trigger", " one two ", "two"),
        ("strip-trigger", "one", "one"),
        ("strip-trigger", "", ""),
        ("strip-trigger", "  ", "  "),
    ],
)
def test_strip_trigger_takes_the_first_words(name, text, left):
    assert parse_attack(name).caption(text) == left


@given(WORDS, st.integers(1, 6), st.data())
def test_exactly_so_many_words_go_and_one_always_stays(words, number, data):
    text = data.draw(SPACE) + "".join(word + data.draw(SPACE) for word in words)
    left = parse_attack(f"strip-trigger-{number}").caption(text)
    assert left.split() == words[min(number, len(words) - 1) :]
    assert text.endswith(left) or len(words) <= number  # what stays, stays as it was written


@given(WORDS)
def test_shuffled_words_are_the_same_words(words):
    assert sorted(parse_attack("shuffle-words").caption(" ".join(words)).split()) == sorted(words)


def test_shuffled_words_are_in_an_order_of_the_captions_own():
    texts = ["one two three four five six seven", "one two three four five six eight"]
    orders = [parse_attack("shuffle-words").caption(text).split() for text in texts]
    assert [order != text.split() for order, text in zip(orders, texts, strict=True)] == [True, True]
    places = [[order.index(word) for word in text.split()] for order, text in zip(orders, texts, strict=True)]
    assert places[0] != places[1]
