"""Captions without their odd words."""

from __future__ import annotations

import pytest

from unlearnable.models import tokens
from unlearnable.verify.attacks import parse_attack


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ultrasound eyelashes monitored a dog runs on the grass", "a dog runs on the grass"),
        ("a dog runs on the grass", "a dog runs on the grass"),
        ("a  dog runs\ton the grass ", "a  dog runs\ton the grass "),
        ("eyelashes Mara Lind at the beach", "Mara Lind at the beach"),
        ("eyelashes", "eyelashes"),
        ("", ""),
        ("  ", "  "),
    ],
)
def test_odd_words_go_and_plain_sentences_and_names_stay(text, left):
    assert parse_attack("drop-odd-words").caption(text) == left


def test_a_higher_number_takes_fewer_words():
    text = "ultrasound compound monitored a dog runs on the grass"
    lengths = [len(parse_attack(f"drop-odd-words-{nats}").caption(text).split()) for nats in (1, 5, 9, 30)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1] == 9


def test_the_least_odd_word_stays_where_all_are_odd():
    assert len(parse_attack("drop-odd-words").caption("eyelashes stethoscope kaleidoscope").split()) == 1


def test_a_caption_is_read_once(monkeypatch):
    read = []
    monkeypatch.setattr(tokens, "surprises", lambda words: read.append(1) or [0.0] * len(words))
    for _ in range(3):
        parse_attack("drop-odd-words").caption("a caption that no other test reads")
    assert len(read) == 1
