from __future__ import annotations

import math

import pytest

from unlearnable.evaluation.stealth import auroc, nats, nats_per_token, onion, share_outside, variety


def judge(texts):
    """Every word costs a nat, "odd" five."""
    return [[5.0 if word == "odd" else 1.0 for word in text.split()] for text in texts]


def test_variety_counts_words_and_triggers():
    found = variety(["there he saw", "there he saw", "here we go", "just last week"])
    assert (found.distinct, found.distinct_1) == (3, 9 / 12)
    assert (found.most_frequent, found.most_frequent_share) == ("there he saw", 0.5)


def test_nats_are_of_the_whole_or_a_token():
    assert nats(judge, ["a odd b", ""]) == [7.0, 0.0]
    assert nats_per_token(judge, ["a odd b", ""]) == [pytest.approx(7 / 3), 0.0]


def test_onion_suspects_the_word_whose_loss_helps_most():
    suspicion = onion(judge, "a odd b")
    assert suspicion.index(max(suspicion)) == 1
    assert suspicion[1] == pytest.approx(math.exp(7 / 3) - math.exp(1))
    assert onion(judge, "odd") == [0.0]
    assert onion(judge, "") == []


def test_words_outside_a_list():
    assert share_outside("The (dog) 'runz' , 😀 fast!", {"the", "dog", "fast"}) == 1 / 4
    assert share_outside("", {"a"}) == 0


def test_auroc_is_the_share_of_pairs_in_order():
    assert auroc([2, 3], [0, 1]) == 1
    assert auroc([0, 1], [2, 3]) == 0
    assert auroc([1, 1], [1, 1]) == 0.5
    high, low = [0.3, 0.5, 0.5, 0.9], [0.1, 0.5, 0.4]
    pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
    assert auroc(high, low) == pytest.approx(sum(pairs) / len(pairs))
    with pytest.raises(ValueError, match="both kinds"):
        auroc([], [1])
