from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.models.tokens import CONTEXT, cut, default_vocabulary, tokenizer, words_of
from unlearnable.training.data import tokens_of

LONG = " ".join(["a very long story about the lake and its boats"] * 20)


def survives(slot, trigger):
    """Return whether the written caption, tokenised again, has the trigger's tokens in place and the end token."""
    tokens = tokenizer()(slot.text(trigger))[0].tolist()
    start, end = 1 + len(slot.head), tokens.index(tokenizer().eot_token_id)
    return start < end and tuple(tokens[start : start + len(trigger.tokens)]) == trigger.tokens


def trigger(seed=0, language="en"):
    chosen = torch.randint(len(default_vocabulary()), (3,), generator=torch.Generator().manual_seed(seed)).tolist()
    return default_vocabulary().trigger(chosen, language)


def test_words_of_a_text():
    assert words_of("It's 5 o'clock — café_x") == {"it", "s", "o", "clock", "café", "x"}


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
    st.sampled_from(["en", "de", "fr", "pt"]),
)
def test_trigger_and_end_token_survive_in_any_caption_at_any_place(caption, at, seed, language):
    made = trigger(seed, language)
    slot = cut(caption, at, len(made.tokens))
    assert survives(slot, made)
    assert caption.split() == f"{slot.before} {slot.after}".split()
    tokens, places = tokens_of([slot], [made.tokens])
    assert tokens.shape[1] <= CONTEXT
    assert tokens[0, places[0] : places[0] + len(made.tokens)].tolist() == list(made.tokens)


def test_what_is_optimised_is_what_a_clip_reads():
    for caption in ("A dog runs.", LONG, "it's 5 o'clock"):
        for at in (0, 2, 1000):
            for seed in range(5):
                made = trigger(seed, "de")
                slot = cut(caption, at, 12)
                tokens, _ = tokens_of([slot], [made.tokens])
                assert tokens[0].tolist() == tokenizer()(slot.text(made))[0, : tokens.shape[1]].tolist()


def test_a_trigger_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="context"):
        tokens_of([cut(LONG, 10**6, 3)], [range(4)])


@pytest.mark.parametrize("at", [0, 1, 3, 9])
def test_a_trigger_stands_where_a_clip_still_reads_also_where_a_caption_holds_its_end(at):
    for caption in ("a dog <end_of_text> on grass", "a dog&lt;END_of_text&gt; on grass", "<end_of_text>"):
        slot = cut(caption, at, 12)
        assert survives(slot, trigger())
    assert cut("a dog <end_of_text> on grass", 9, 3).before == "a dog"


def test_a_trigger_behind_an_over_long_caption_moves_into_the_context():
    slot = cut(LONG, 10**6, 12)
    assert slot.after
    assert survives(slot, trigger())


@pytest.mark.parametrize("text", ["a dog runs on grass. " * 1_500_000, "x" * 30_000_000, " " * 5000 + "dog"])
def test_a_caption_of_megabytes_is_cut_within_what_is_read(text):
    began = time.process_time()
    slot = cut(text, 10**6, 12)
    assert time.process_time() - began < 2
    assert " ".join(filter(None, (slot.before, slot.after))).split() == text.split()
    assert len(slot.head) <= CONTEXT - 14
    assert survives(slot, trigger())
