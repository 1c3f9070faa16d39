from __future__ import annotations

import pytest

from unlearnable.evaluation.stealth import auroc, nats_per_token, variety


def judge(texts):
    """Every word costs a nat, "odd" five."""
    return [[5.0 if word == "odd" else 1.0 for word in text.split()] for text in texts]


def test_variety_counts_words_and_triggers():
    found = variety(["there he saw", "there he saw", "here we go", "just last week"])
    assert (found.distinct, found.distinct_1) == (3, 9 / 12)
    assert (found.most_frequent, found.most_frequent_share) == ("there he saw", 0.5)


def test_nats_are_means_over_the_tokens():
    assert nats_per_token(judge, ["a odd b", ""]) == [pytest.approx(7 / 3), 0.0]


def test_auroc_is_the_share_of_pairs_in_order():
    assert auroc([2, 3], [0, 1]) == 1
    assert auroc([0, 1], [2, 3]) == 0
    assert auroc([1, 1], [1, 1]) == 0.5
    high, low = [0.3, 0.5, 0.5, 0.9], [0.1, 0.5, 0.4]
    pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
    assert auroc(high, low) == pytest.approx(sum(pairs) / len(pairs))
    with pytest.raises(ValueError, match="both kinds"):
        auroc([], [1])
