"""The finding where protection held least, and its sentence."""

from __future__ import annotations

import pytest

from tests.verify.test_verdict import REFERENCES, both, cell, figures
from unlearnable.report import References
from unlearnable.verify.findings import findings, matrix, worst_finding
from unlearnable.verify.verdict import in_words, verdict


def test_the_worst_finding_is_the_one_of_the_smallest_effect_in_the_mean_of_both_directions():
    cells = [
        cell("clean", 70), cell("protected", 20), cell("protected", 50, through="jpeg-75"),
        cell("protected", 30, through="blur-1", back=75), cell("clean", 70, victim="b"),
        cell("protected", 45, victim="b"),
    ]  # fmt: skip
    worst = worst_finding(findings(cells, REFERENCES), cells, REFERENCES)
    assert (worst.victim, worst.through, worst.attacker) == ("small", "blur-1", "plain")
    assert worst.effect == pytest.approx(((70 - 30) / 60 + (70 - 75) / 60) / 2)
    assert (worst.image_to_text.hit10, worst.text_to_image.hit10) == (30, 75)


def test_scores_are_means_over_the_seeds():
    cells = [cell("clean", 60, 0), cell("clean", 80, 1), cell("protected", 20, 0), cell("protected", 40, 1)]
    assert worst_finding(findings(cells, REFERENCES), cells, REFERENCES).text_to_image == figures(30)


def test_where_nothing_can_be_judged_nothing_is_worst():
    cells = [cell("clean", 12), cell("protected", 12)]
    assert worst_finding(findings(cells, REFERENCES), cells, REFERENCES) is None


def test_no_effect_is_least_of_a_victim_that_knew_such_photos_already():
    references = References(random=both(10.0), pretrained={"small": both(70.0)})
    cells = [cell("clean", 72), cell("protected", 90), cell("clean", 72, victim="b"), cell("protected", 30, victim="b")]
    found = findings(cells, references)
    assert [(one.outcome, one.effect is None) for one in found] == [
        ("too few posts to tell", False),
        ("holds", False),
    ]
    assert worst_finding(found, cells, references).victim == "b"
    assert worst_finding(found[:1], cells, references) is None
    assert matrix(found)[0].effects == {"small": None, "b": pytest.approx(42 / 62)}
    assert "effect" not in verdict(found[:1], worst_finding(found[:1], cells, references))


def test_the_sentence_is_for_people():
    cells = [cell("clean", 71), cell("protected", 28, through="jpeg-75")]
    worst = worst_finding(findings(cells, REFERENCES), cells, REFERENCES)
    assert in_words(worst, cells, REFERENCES, 75) == (
        "At worst (small, jpeg-75), a model trained on the protected posts finds the right photo for a caption, among "
        "the first 10 of 75, 3 times in 10; trained on the clean posts 7 times in 10; guessing, once in 10."
    )


def test_seldom_is_hardly_ever():
    cells = [cell("clean", 60), cell("protected", 4)]
    worst = worst_finding(findings(cells, REFERENCES), cells, REFERENCES)
    assert "hardly ever; trained on the clean posts 6 times in 10" in in_words(worst, cells, REFERENCES, 75)
