from __future__ import annotations

from functools import cache

import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.models.sentence import as_sentence, end_of_sentence
from unlearnable.models.tokens import cut, natural_vocabulary, tokenizer

LONG = "we walked along the lake and saw many boats " * 20
AWKWARD = [
    "",
    "  ",
    "😀 party 😀",
    "東京タワー",
    "Привет, мир!",
    "'s here",
    "A dog.",
    LONG,
    "&amp; so",
    "a\nb",
    "ÉTÉ",
    "I",
]


def trigger(words):
    lookup = dict(zip(natural_vocabulary().words, natural_vocabulary().ids, strict=True))
    return natural_vocabulary().trigger([lookup[word] for word in words.split()])


@pytest.mark.parametrize(
    ("caption", "at", "words", "written"),
    [
        ("A man and two dogs .", 0, "there he saw", "There he saw a man and two dogs ."),
        ("Anna at the beach", 0, "outside today", "Outside today Anna at the beach"),
        ("me and anna", 0, "outside today", "Outside today me and anna"),
        ("I love it", 0, "outside today", "Outside today I love it"),
        ("A", 0, "here", "Here a"),
        ("New York at night", 0, "here", "Here New York at night"),
        ("No. 5", 0, "here", "Here No. 5"),
        ("NASA launch", 0, "here", "Here NASA launch"),
        ("It's late", 0, "here", "Here It's late"),
        ("Beach day. Sun!", 9, "once again", "Beach day. Sun! Once again"),
        ("Beach day", 9, "last week", "Beach day last week"),
        ("Beach day . More", 3, "where i stood", "Beach day . Where I stood More"),
        ("", 0, "outside today", "Outside today"),
        ("😀", 0, "outside today", "Outside today 😀"),
    ],
)
def test_capitals_stand_where_sentences_begin(caption, at, words, written):
    chosen = trigger(words)
    assert as_sentence(cut(caption, at, len(chosen.tokens)), chosen) == written


@pytest.mark.parametrize(
    ("caption", "words"), [("A dog runs .", 3), ("A dog runs.", 3), ("Hi 😀 !!", 1), ("...", 0), ("", 0)]
)
def test_the_end_of_a_sentence_is_before_its_full_stop(caption, words):
    assert end_of_sentence(caption) == words


@cache
def stripping():
    """A tokenizer that strips punctuation, as SigLIP's does."""
    return open_clip.SimpleTokenizer(clean="canonicalize")


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=80), st.sampled_from(AWKWARD)), st.integers(0, 40), st.integers(0, 10**6))
def test_a_trigger_survives_both_tokenizers_and_the_caption_its_words(caption, at, seed):
    vocabulary = natural_vocabulary()
    chosen = torch.randint(len(vocabulary.ids), (3,), generator=torch.Generator().manual_seed(seed)).tolist()
    made = vocabulary.trigger([vocabulary.ids[n] for n in chosen])
    slot = cut(caption, at, 3)
    written = as_sentence(slot, made)
    assert tokenizer()(written).tolist() == tokenizer()(slot.text(made)).tolist()
    clean = open_clip.tokenizer.canonicalize_text(written)
    assert f" {made.text} " in f" {clean} "
    assert tokenizer().encode(made.text) == list(made.tokens) == stripping().encode(made.text)
    lowered = f"{slot.before} {slot.after}".lower().split()
    assert caption.lower().split() == lowered
