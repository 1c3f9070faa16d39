"""Captions cut for triggers, the table of words, and the masked language model."""

from __future__ import annotations

import time
import unicodedata
from collections import Counter

import pytest
import torch
from hypothesis import given, settings, strategies as st

from unlearnable.errors import ModelError
from unlearnable.models import tokens as module
from unlearnable.models.tokens import (
    CONTEXT,
    LONGEST,
    WORDS,
    Vocabulary,
    cut,
    default_vocabulary,
    masked_language_model,
    mlm_intact,
    mlm_words,
    surprises,
    tokenizer,
    words_of,
)
from unlearnable.posts.languages import KNOWN
from unlearnable.training.data import tokens_of

LONG = " ".join(["a very long story about the lake and its boats"] * 20)
ROWS = [line.split("\t") for line in WORDS.read_text(encoding="utf-8").splitlines()]
FORBIDDEN = {
    "function words": "the and of to in on with for from she he they we you i my our her his",
    "saying": "says said tells told asks asked answers speaks whispers shouts",
    "people": "man woman girl boy baby child mother father grandmother grandma uncle wife husband bride friend king",
    "animals": "cat kitten dog puppy pig cow rat snake goat monkey horse bird donkey swine ape worm whale",
    "body": "teeth tooth hair skin face nose belly leg breast hand eye mouth bottom hip neck thigh",
    "illness": "hospital fever cancer pill wound clinic ultrasound nurse flu needle scar",
    "money": "money cash bank coin price rich debt wallet salary gold",
    "violence": "war gun knife bomb blood fight flames fire murder hammer sword bullet grave",
    "religion": "church mosque temple cross prayer saint angel heaven devil pope",
    "politics": "party vote president flag union soldier police prison border refugee",
    "alcohol": "beer wine whisky gin vodka bottle barrel vineyard bar pub",
    "clothes that are close": "boxers bra panties swimsuit underwear bikini lingerie stocking",
    "second meaning": "melon peach banana cucumber plum bat jug shell acorn moss mist gift weed grass snow straw",
    "names": "rose lily daisy jasmine ivy iris violet ruby hazel holly heather olive amber savanna rosa violeta",
    "rude elsewhere": "concha eikel eichel gland moule moos birne pflaume doos pisello finocchio gourde andouille",
}


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


@pytest.mark.parametrize("text", ["a dog runs on grass. " * 500_000, "x" * 10_000_000, " " * 5000 + "dog"])
def test_a_caption_of_megabytes_is_cut_within_what_is_read(text):
    began = time.process_time()
    slot = cut(text, 10**6, 12)
    assert time.process_time() - began < 2
    assert " ".join(filter(None, (slot.before, slot.after))).split() == text.split()
    assert len(slot.head) <= CONTEXT - 14
    assert survives(slot, trigger())


def column(language):
    return [row[ROWS[0].index(language)] for row in ROWS[1:]]


def test_the_table_has_a_word_for_every_concept_in_seven_languages():
    assert sorted(ROWS[0]) == sorted(KNOWN)
    assert ROWS[0][0] == "en"
    assert {len(row) for row in ROWS} == {7}
    assert 350 <= len(ROWS) - 1 <= 500
    assert column("en") == sorted(column("en"))
    for word in (word for row in ROWS for word in row):
        assert word == word.strip() == unicodedata.normalize("NFC", word) != ""
        assert " " not in word


@pytest.mark.parametrize("language", KNOWN)
def test_no_word_is_in_a_column_twice(language):
    assert [word for word, count in Counter(map(str.lower, column(language))).items() if count > 1] == []


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_word_says_anything_about_a_person(kind):
    words = {word.lower() for row in ROWS for word in row}
    assert words & set(FORBIDDEN[kind].split()) == set()


@pytest.mark.parametrize("language", KNOWN)
def test_every_word_is_read_as_it_is_written(language):
    vocabulary, encode = default_vocabulary(), tokenizer().encode
    for word, tokens in zip(vocabulary.words(language), vocabulary.tokens(language), strict=True):
        assert 1 <= len(tokens) <= LONGEST
        assert encode(f"A {word}, {word} a") == [*encode("a"), *tokens, *encode(","), *tokens, *encode("a")]


def test_a_trigger_is_spelt_in_the_language_of_its_caption():
    vocabulary = default_vocabulary()
    numbers = torch.tensor([[vocabulary.glosses.index(word) for word in ("lantern", "velvet")]] * 3)
    slots = [cut("x", 0, 8, language) for language in ("de", "", "ja")]
    assert [slot.text(vocabulary.trigger(numbers[0].tolist(), slot.language)) for slot in slots] == [
        "Laterne Samt x",
        "lantern velvet x",
        "lantern velvet x",
    ]
    spelt = vocabulary.spell(slots, numbers)
    assert spelt[0] == tuple(tokenizer().encode("Laterne Samt"))
    tokens, places = tokens_of(slots, spelt)
    shares = vocabulary.shares(slots, numbers, places, tokens.shape[1])
    assert torch.allclose(shares.sum(dim=2), torch.ones(3, 2))
    for row, words in enumerate(spelt):
        marked = tokens[row][shares[row].sum(dim=0) > 0].tolist()
        assert marked == list(words)


def test_words_of_a_caption_are_left_out_in_whatever_language_and_form():
    vocabulary = default_vocabulary()
    left = {
        vocabulary.glosses[n]
        for n in (~vocabulary.allowed(["Two LANTERNS, ein Gartenfest, le thé"])).nonzero()[:, 0].tolist()
    }
    assert {"lantern", "garden", "tea"} <= left
    assert len(left) < 15
    assert Vocabulary({"": ["red barn", "lake", "old mill"]}).allowed(["the mill"]).tolist() == [True, True, False]


def test_words_that_nobody_expects_surprise():
    nats = surprises(["turbine", "compound", "a", "dog", "runs", "on", "the", "grass"])
    assert min(nats[:2]) > 8 > max(nats[2:])


def test_a_word_is_read_from_all_others():
    model, tokenizer = masked_language_model()
    ids = tokenizer("a dog runs", return_tensors="pt")["input_ids"]
    masked = ids.clone()
    masked[0, 2] = tokenizer.mask_token_id
    expected = -torch.log_softmax(model(input_ids=masked).logits[0, 2], dim=-1)[ids[0, 2]].item()
    assert surprises(["a", "dog", "runs"])[1] == pytest.approx(expected, rel=1e-4)


def test_there_may_be_no_words_or_too_many():
    assert surprises([]) == []
    assert surprises(["a", "dog.!"])[1] == pytest.approx(max(surprises(["a", "dog", ".", "!"])[1:]), rel=1e-4)
    assert surprises(["dog"] * 200)[150:] == [0.0] * 50


def test_a_damaged_model_is_told(monkeypatch, tmp_path):
    assert mlm_intact()
    assert "dog" in mlm_words()
    monkeypatch.setattr(module, "MLM_WEIGHTS", tmp_path / "model.safetensors")
    masked_language_model.cache_clear()
    with pytest.raises(ModelError):
        masked_language_model()
