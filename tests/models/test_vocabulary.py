"""The table of words, and words of one's own."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
import torch

from unlearnable.models.tokens import LONGEST, WORDS, Vocabulary, cut, default_vocabulary, tokenizer
from unlearnable.posts.languages import KNOWN
from unlearnable.training.data import tokens_of

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


def test_only_german_nouns_have_a_capital():
    assert all(word == word.lower() for language in KNOWN if language != "de" for word in column(language))
    assert sum(word[0].isupper() for word in column("de")) > 400


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
