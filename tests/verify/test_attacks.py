"""Attacks by name, in chains, and on captions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from tests.conftest import picture
from unlearnable.cli.app import app
from unlearnable.errors import ConfigError
from unlearnable.models import tokens
from unlearnable.verify.attacks import ATTACKS, catalogue, is_adaptive, parse_attack

WORDS = st.lists(st.text("abcäß🐕'.", min_size=1, max_size=5), min_size=1, max_size=12)
SPACE = st.text(" \t\n\u00a0\u3000", min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("jpg-75", "no attack is called 'jpg-75'", "did you mean 'jpeg-75'?"),
        ("strip_trigger", "no attack is called 'strip_trigger'", "did you mean 'strip-trigger'?"),
        ("", "no attack is called ''", "there are: "),
        ("jpeg-7.5", "no attack is called", "'jpeg-"),
        ("jpeg-075", "no attack is called", "'jpeg-75'"),
        ("jpeg-७५", "no attack is called", "'jpeg-"),
        ("jpeg-" + "9" * 5000, "no attack is called", "there are: "),
        ("jpeg", "jpeg needs a number, from 1 to 100", "jpeg-95"),
        ("jpeg-0", "jpeg-0: the number must be from 1 to 100", "jpeg-95"),
        ("jpeg-101", "jpeg-101: the number must be", "jpeg-95"),
        ("median-4", "one of 3, 5, 7, 9", "median-3 or median-5"),
        ("strip-trigger-0", "from 1 to 77", "strip-trigger"),
        ("png-3", "png takes no number", "write png"),
        ("shuffle-words-0", "shuffle-words takes no number", "write shuffle-words"),
        ("png+jpg-75", "no attack is called 'jpg-75'", "did you mean 'jpeg-75'?"),
        ("png+", "no attack is called ''", "there are: "),
    ],
)
def test_a_wrong_name_says_what_to_write(name, message, hint):
    with pytest.raises(ConfigError) as caught:
        parse_attack(name)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_numbers_outside_the_catalogue_can_be_given():
    assert "jpeg-33" not in catalogue()
    assert parse_attack("jpeg-33").name == "jpeg-33"
    assert parse_attack("jpeg-1").image(picture(0)).shape == (48, 64, 3)


def test_a_chain_goes_from_left_to_right():
    pixels = picture(3, 400, 300)
    chain = parse_attack("resize-100+bits-1")
    assert chain.name == "resize-100+bits-1"
    step = parse_attack("bits-1").image(parse_attack("resize-100").image(pixels))
    assert np.array_equal(chain.image(pixels), step)
    assert not set(np.unique(parse_attack("bits-1+resize-100").image(pixels))) <= {64, 192}


def test_a_chain_changes_photos_and_captions():
    chain = parse_attack("img2dataset+strip-trigger")
    assert chain.image(picture(3, 300, 200)).shape == (256, 256, 3)
    assert chain.caption("one two three a dog runs") == "a dog runs"
    assert parse_attack("strip-trigger-1+strip-trigger-2").caption("one two three a dog runs") == "a dog runs"


def test_the_command_lists_the_catalogue():
    result = CliRunner().invoke(app, ["list", "attacks", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["attacks"]
    assert [row["name"] for row in rows] == catalogue()
    assert all(row["summary"] for row in rows)


def test_attacks_that_know_this_tool_are_marked_also_in_chains():
    assert [name for name, family in ATTACKS.items() if family.adaptive] == ["strip-trigger", "plain-letters"]
    names = ("strip-trigger-2", "jpeg-75+strip-trigger", "strip-trigger+jpeg-75", "jpeg-75+resize-224")
    assert [is_adaptive(name) for name in names] == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("strip-trigger", "ultrasound compound monitored She came to school.", "She came to school."),
        ("strip-trigger-1", "a  dog   runs ", "dog   runs "),
        ("strip-trigger", "\t one\n two  three\u00a0 four  five\n", "four  five\n"),
        ("strip-trigger", "one two three", "three"),
        ("strip-trigger", " one two ", "two"),
        ("strip-trigger", "one", "one"),
        ("strip-trigger", "", ""),
        ("strip-trigger", "  ", "  "),
        ("drop-odd-words", "ultrasound eyelashes monitored a dog runs on the grass", "a dog runs on the grass"),
        ("drop-odd-words", "a  dog runs\ton the grass ", "a  dog runs\ton the grass "),
        ("drop-odd-words", "eyelashes Mara Lind at the beach", "Mara Lind at the beach"),
        ("drop-odd-words", "eyelashes", "eyelashes"),
        ("drop-odd-words", "", ""),
        ("drop-odd-words", "  ", "  "),
    ],
)
def test_words_of_a_trigger_go_and_the_rest_stays_as_it_was_written(name, text, left):
    assert parse_attack(name).caption(text) == left


@given(WORDS, st.integers(1, 6), st.data())
def test_exactly_so_many_words_go_and_one_always_stays(words, number, data):
    text = data.draw(SPACE) + "".join(word + data.draw(SPACE) for word in words)
    left = parse_attack(f"strip-trigger-{number}").caption(text)
    assert left.split() == words[min(number, len(words) - 1) :]
    assert text.endswith(left) or len(words) <= number


@given(WORDS)
def test_shuffled_words_are_the_same_words(words):
    assert sorted(parse_attack("shuffle-words").caption(" ".join(words)).split()) == sorted(words)


def test_shuffled_words_are_in_an_order_of_the_captions_own():
    texts = ["one two three four five six seven", "one two three four five six eight"]
    orders = [parse_attack("shuffle-words").caption(text).split() for text in texts]
    places = [[order.index(word) for word in text.split()] for order, text in zip(orders, texts, strict=True)]
    assert places[0] != places[1]
    assert sorted(places[0]) not in places


def test_a_higher_number_takes_fewer_odd_words_and_the_least_odd_one_stays():
    text = "ultrasound compound monitored a dog runs on the grass"
    lengths = [len(parse_attack(f"drop-odd-words-{nats}").caption(text).split()) for nats in (1, 5, 9, 30)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] == 9
    assert len(parse_attack("drop-odd-words").caption("eyelashes stethoscope kaleidoscope").split()) == 1


def test_a_caption_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(tokens, "surprises", lambda words: read.append(1) or [0.0] * len(words))
    for _ in range(3):
        parse_attack("drop-odd-words").caption("a caption that no other test reads")
    assert len(read) == 1
