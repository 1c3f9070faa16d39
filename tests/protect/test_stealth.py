from __future__ import annotations

from unlearnable.protect.write import variety


def test_variety_counts_words_and_triggers():
    found = variety(["there he saw", "there he saw", "here we go", "just last week"])
    assert (found.distinct, found.distinct_1) == (3, 9 / 12)
    assert (found.most_frequent, found.most_frequent_share) == ("there he saw", 0.5)
