"""What a run compares its photos with before it begins."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F

from unlearnable.methods.mem import MEM
from unlearnable.methods.resemblance import resemblance, text_features
from unlearnable.progress.reporting import Silent
from unlearnable.protection import vocabulary
from unlearnable.protection.vocabulary import compared


def test_names_are_borrowed_of_people_whom_the_same_words_describe(make_problem, quick, monkeypatch):
    """Photos look just as the words "man", "girl", "boy" and "woman" do, two of each."""
    problem = make_problem(8)
    seen = resemblance(problem.posts.pixels, problem.surrogates, None, problem.vocabulary, "auto", Silent())
    (texts,) = text_features(problem.surrogates, ("man", "girl", "boy", "woman"), "fp32")
    looks = replace(seen, photos=(F.normalize(texts, dim=1).repeat_interleave(2, dim=0),))
    monkeypatch.setattr(vocabulary, "resemblance", lambda *_: looks)
    names = [name for name in ("Ada Cox", "Ben Dale", "Cleo Ekholm", "Dora Fitz") for _ in range(2)]
    named = replace(problem, captions=tuple((f"lunch with {name}",) for name in names), borrow_names=1)
    lent = compared(named, MEM(), quick, Silent())
    assert lent.borrowed == {
        "Ada Cox": ("Cleo Ekholm",),
        "Ben Dale": ("Dora Fitz",),
        "Cleo Ekholm": ("Ada Cox",),
        "Dora Fitz": ("Ben Dale",),
    }
    assert not lent.given_away
    couple = replace(named, captions=(("lunch with Ada Cox",), ("lunch with Ada Cox",), *named.captions[2:4] * 3))
    assert compared(couple, MEM(), quick, Silent()).given_away == ("Ada Cox", "Ben Dale")
    assert not compared(replace(named, borrow_names=0), MEM(), quick, Silent()).borrowed
