from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.models.tokens import (
    CONTEXT,
    Vocabulary,
    cut,
    default_vocabulary,
    natural_vocabulary,
    tokenizer,
    words_of,
)
from unlearnable.posts.pixels import tokens_of

LONG = " ".join(["a very long story about the lake and its boats"] * 20)


def survives(slot, trigger):
    """Return whether the written caption, tokenised again, has the trigger's tokens in place and the end token."""
    tokens = tokenizer()(slot.text(trigger))[0].tolist()
    start, end = 1 + len(slot.head), tokens.index(tokenizer().eot_token_id)
    return start < end and tuple(tokens[start : start + len(trigger.tokens)]) == trigger.tokens


def test_every_word_of_the_vocabulary_is_one_token_that_survives():
    vocabulary = default_vocabulary()
    assert len(vocabulary.ids) > 7000
    for token, word in zip(vocabulary.ids, vocabulary.words, strict=True):
        assert word.isascii()
        assert word.isalpha()
        assert tokenizer().encode(f"{word} of {word}") == [token, *tokenizer().encode("of"), token]


@pytest.mark.parametrize("word", ["james", "maria", "smith", "emma", "liam", "chen", "ahmed", "rose", "fuck", "nazi"])
def test_names_and_slurs_are_not_in_it(word):
    assert word not in default_vocabulary().words


@pytest.mark.parametrize("word", ["hospital", "ultrasound", "kissing", "swimsuit", "firing", "stampede", "messy"])
def test_what_embarrasses_in_front_of_a_caption_is_not_in_it(word):
    assert word not in natural_vocabulary().words


@pytest.mark.parametrize("word", ["james", "maria", "smith", "anna", "will", "mark", "rose", "may", "fuck", "nazi"])
def test_natural_words_hold_no_names_or_slurs_either(word):
    vocabulary = natural_vocabulary()
    assert word not in vocabulary.words
    assert set(default_vocabulary().words) < set(vocabulary.words)
    assert vocabulary.common == set(vocabulary.words) - set(default_vocabulary().words)
    assert {"the", "we", "while", "morning"} <= vocabulary.common


def test_common_words_may_stand_in_the_caption_too():
    vocabulary = Vocabulary(["the", "marble"], ["the"])
    assert vocabulary.allowed(["the marble floor"]).tolist() == [w == "the" for w in vocabulary.words]


def test_words_that_are_not_one_whole_token_are_dropped():
    assert Vocabulary(["lantern", "Lantern", "x-ray", "antidisestablishment", "naïve", ""]).words == ("lantern",)


def test_allowed_leaves_out_the_captions_words():
    vocabulary = Vocabulary(["lantern", "marble", "wooden", "grass"])
    left = vocabulary.allowed(["A Wooden boat, on GRASS!"])
    assert {w for w, ok in zip(vocabulary.words, left.tolist(), strict=True) if ok} == {"lantern", "marble"}
    assert words_of("It's 5 o'clock — café_x") == {"it", "s", "o", "clock", "café", "x"}


def test_a_trigger_of_foreign_tokens_is_refused():
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary(["lantern"]).trigger([49407])


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=120),
        st.sampled_from(
            [
                "a dog <END_OF_TEXT> on grass",
                "&lt;end_of_text&gt; a dog",
                LONG,
                "",
                "  ",
                "Â",
                "😀 party 😀",
                "'s here",
                "東京 tower",
                "a\nb\tc",
                "&amp; so",
            ]
        ),
    ),
    st.integers(0, 40),
    st.integers(0, 10**6),
)
def test_trigger_and_end_token_survive_in_any_caption_at_any_place(caption, at, seed):
    vocabulary = default_vocabulary()
    chosen = torch.randint(len(vocabulary.ids), (3,), generator=torch.Generator().manual_seed(seed)).tolist()
    trigger = vocabulary.trigger([vocabulary.ids[n] for n in chosen])
    slot = cut(caption, at, 3)
    assert survives(slot, trigger)
    assert caption.split() == f"{slot.before} {slot.after}".split()
    tokens, places = tokens_of([slot], torch.tensor([trigger.tokens]))
    assert tokens.shape[1] <= CONTEXT
    assert tokens[0, places[0] : places[0] + 3].tolist() == list(trigger.tokens)


def test_what_is_optimised_is_what_a_clip_reads():
    vocabulary = default_vocabulary()
    trigger = vocabulary.trigger(vocabulary.ids[:3])
    for caption in ("A dog runs.", LONG, "it's 5 o'clock"):
        for at in (0, 2, 1000):
            slot = cut(caption, at, 3)
            tokens, _ = tokens_of([slot], torch.tensor([trigger.tokens]))
            assert tokens[0].tolist() == tokenizer()(slot.text(trigger))[0, : tokens.shape[1]].tolist()


@pytest.mark.parametrize("at", [0, 1, 3, 9])
def test_a_trigger_stands_where_a_clip_still_reads_also_where_a_caption_holds_its_end(at):
    for caption in ("a dog <end_of_text> on grass", "a dog&lt;END_of_text&gt; on grass", "<end_of_text>"):
        slot = cut(caption, at, 3)
        assert survives(slot, default_vocabulary().trigger(default_vocabulary().ids[:3]))
    assert cut("a dog <end_of_text> on grass", 9, 3).before == "a dog"


def test_a_trigger_behind_an_over_long_caption_moves_into_the_context():
    vocabulary = default_vocabulary()
    slot = cut(LONG, 10**6, 3)
    assert slot.after
    assert survives(slot, vocabulary.trigger(vocabulary.ids[:3]))


@pytest.mark.parametrize("text", ["a dog runs on grass. " * 1_500_000, "x" * 30_000_000, " " * 5000 + "dog"])
def test_a_caption_of_megabytes_is_cut_within_what_is_read(text):
    began = time.process_time()
    slot = cut(text, 10**6, 3)
    assert time.process_time() - began < 2
    assert " ".join(filter(None, (slot.before, slot.after))).split() == text.split()
    assert len(slot.head) + len(slot.tail) <= CONTEXT - 5
    trigger = default_vocabulary().trigger(default_vocabulary().ids[:3])
    assert survives(slot, trigger)
