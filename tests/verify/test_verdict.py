"""What the figures are called, and when there is nothing to be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.errors import ConfigError
from unlearnable.report import ArmName, BothWays, Cell, RanksRecord, References, Retrieval
from unlearnable.verify.findings import findings, worst_finding
from unlearnable.verify.verdict import missed, parse_rule, tenths, verdict


def figures(hit10: float, medr: float = 20.0) -> Retrieval:
    return Retrieval(hit1=hit10 / 10, hit5=hit10 / 2, hit10=hit10, medr=medr)


def both(there: float, back: float | None = None) -> BothWays:
    return BothWays(image_to_text=figures(there), text_to_image=figures(there if back is None else back))


def cell(data: ArmName, hit10: float, seed: int = 0, through: str = "png", victim: str = "small", back=None) -> Cell:
    ways = both(hit10, back)
    return Cell(
        victim=victim, data=data, through=through, seed=seed, epochs=1, lr=1.0, loss_curve=[], medr_curve=[],
        image_to_text=ways.image_to_text, text_to_image=ways.text_to_image, seconds=0.0,
    )  # fmt: skip


REFERENCES = References(random=both(10.0), pretrained={"small": both(10.0)})


@pytest.mark.parametrize(
    ("clean", "protected", "back", "outcome"),
    [
        (60, 10, 10, "holds"),
        (60, 35, 35, "holds"),
        (60, 36, 36, "does not hold"),
        (60, 60, 60, "does not hold"),
        (60, 5, 5, "holds"),
        (19, 10, 10, "too few posts to tell"),
        (60, 37.5, 32.5, "holds"),  # 0.45 and 0.55
        (60, 10, 34, "holds"),
        (60, 34, 10, "holds"),
    ],
)
def test_outcomes(clean, protected, back, outcome):
    (found,) = findings([cell("clean", clean), cell("protected", protected, back=back)], REFERENCES)
    assert found.outcome == outcome
    assert verdict([found]).startswith(f"{outcome}: ")


@pytest.mark.parametrize(
    ("kept", "outcome"),
    [(2, "holds"), (14, "does not hold"), (8, "too few posts to tell"), (7, "too few posts to tell")],
)
def test_an_interval_on_both_sides_of_the_bound_is_too_few_posts(kept, outcome):
    """15 of 20 photos are found after training on clean posts, none by chance."""
    none = References(random=both(0.0), pretrained={})
    cells: list[Cell] = []
    arms: list[tuple[ArmName, int]] = [("clean", 15), ("protected", kept)]
    for data, found in arms:
        ranks = [1] * found + [20] * (20 - found)
        ranked = RanksRecord(image_to_text=ranks, text_to_image=ranks)
        cells.append(cell(data, 5 * found).model_copy(update={"ranks": ranked}))
    assert findings(cells, none)[0].outcome == outcome


def test_means_and_spread_are_over_the_seeds():
    cells = [cell("clean", 50, 0), cell("clean", 70, 1), cell("protected", 10, 0), cell("protected", 20, 1)]
    (found,) = findings(cells, REFERENCES)
    assert (found.clean_mean, found.clean_std, found.protected_mean, found.protected_std) == (60, 10, 15, 5)
    assert found.effect == pytest.approx(45 / 50)


def test_the_median_rank_of_a_finding_is_that_of_finding_photos():
    protected = cell("protected", 10).model_copy(update={"text_to_image": figures(10, medr=7)})
    assert findings([cell("clean", 60), protected], REFERENCES)[0].protected_medr == 7


def test_what_a_victim_knew_before_is_not_held_against_the_protection():
    references = References(random=both(10.0), pretrained={"small": both(40.0)})
    (found,) = findings([cell("clean", 80), cell("protected", 40)], references)
    assert found.effect == pytest.approx(40 / 70)
    assert found.effect_pretrained == pytest.approx(1.0)
    assert found.outcome == "holds"


def test_each_victim_and_attack_is_judged_by_itself_and_named():
    cells = [cell("clean", 60), cell("protected", 10), cell("protected", 58, through="grayscale")]
    cells += [cell("clean", 60, victim="a/b/vit.safetensors"), cell("protected", 30, victim="a/b/vit.safetensors")]
    found = findings(cells, References(random=both(10.0), pretrained={}))
    assert [one.outcome for one in found] == ["holds", "does not hold", "holds"]
    assert verdict(found) == (
        "does not hold: protection held against small, vit.safetensors; it did not hold against small through grayscale"
    )


def test_what_cannot_be_judged_is_no_protection():
    cells = [cell("clean", 60), cell("protected", 10)]
    cells += [cell("clean", 12, victim="b"), cell("protected", 12, victim="b")]
    assert verdict(findings(cells, REFERENCES)) == (
        "too few posts to tell: protection held against small; more posts or seeds are needed to judge it against b"
    )


def test_an_outcome_of_one_direction_alone_is_told_as_that():
    cells = [cell("clean", 15, back=60), cell("protected", 10)]
    (found,) = findings(cells, REFERENCES)
    assert (found.outcome, found.judged_by) == ("holds", ["text_to_image"])
    assert verdict([found]) == (
        "holds: protection held against small; one direction alone could be judged against small"
    )
    assert "one direction" not in verdict(findings([cell("clean", 60), cell("protected", 10)], REFERENCES))
    many = [found.model_copy(update={"victim": name}) for name in "abcdef"]
    assert "one direction alone could be judged against 6 of 6 tests" in verdict(many)


def test_an_attacker_is_compared_with_its_own_clean_cells_and_named():
    cells = [cell("clean", 60), cell("protected", 10)]
    cells += [one.model_copy(update={"attacker": "cutout"}) for one in (cell("clean", 40), cell("protected", 30))]
    found = findings(cells, REFERENCES)
    assert [(one.attacker, one.clean_mean, one.outcome) for one in found] == [
        ("plain", 60, "holds"), ("cutout", 40, "does not hold")
    ]  # fmt: skip
    assert verdict(found) == (
        "does not hold: protection held against small; it did not hold against small with attacker cutout"
    )
    assert missed([parse_rule("hit10<=20")], cells, found) == [
        "hit10<=20: small with attacker cutout, image -> text: 30",
        "hit10<=20: small with attacker cutout, text -> image: 30",
    ]


def test_ablations_are_no_findings():
    cells = [cell("clean", 60), cell("protected", 10), cell("noise-only", 40), cell("random", 60)]
    assert len(findings(cells, REFERENCES)) == 1


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("hit10<=16", 0), ("hit10 <= 14", 1), ("hit10<=10", 2), ("hit10>20", 2), ("medr>=20", 0), ("medr>20", 2),
        ("hit10<16", 1), ("hit1<1.4", 1), ("hit5<=7.5", 1), ("effect>=0.9", 1), ("effect>=0.8", 0),
        ("effect>=.9", 1), ("effect>=.8", 0), ("medr>20.", 2),
        ("effect>=-0.5", 0), ("effect<=-0.5", 2),
    ],
)  # fmt: skip
def test_requirements_hold_for_both_directions(rule, count):
    cells = [cell("clean", 60), cell("protected", 12, back=16)]
    found = findings(cells, REFERENCES)
    assert len(missed([parse_rule(rule)], cells, found)) == count


def test_a_figure_that_misses_is_given_so_that_it_shows():
    cells = [cell("clean", 60), cell("protected", 10.04)]
    assert missed([parse_rule("hit10<=10")], cells, findings(cells, REFERENCES))[0].endswith(": 10.04")


@pytest.mark.parametrize(
    ("photos", "clean", "protected", "bound"), [(22, 20, 15, 0.5), (30, 30, 12, 0.9), (70, 17, 17, 0)]
)
def test_a_figure_that_is_the_bound_meets_it_however_sums_are_rounded(photos, clean, protected, bound):
    """10 of 22 by chance, 20 learnt and 15 kept is an effect of a half; 7 of 70 above chance are 10 points."""
    by_chance = References(random=both(1000 / photos), pretrained={})
    cells = [cell("clean", 100 * clean / photos), cell("protected", 100 * protected / photos)]
    (found,) = findings(cells, by_chance)
    assert (found.effect, found.effect_image_to_text) == (bound, bound)
    assert found.outcome == ("holds" if bound >= 0.5 else "does not hold")
    assert not missed([parse_rule(f"effect>={bound}")], cells, [found])


def test_a_mean_over_seeds_that_is_the_bound_meets_it():
    """Of 35 queries 3, 13 and 26 are found: 42 of 105, whose mean is summed to more than 40."""
    cells = [cell("clean", 90, seed) for seed in range(3)]
    cells += [cell("protected", 100 * found / 35, seed) for seed, found in enumerate((3, 13, 26))]
    assert not missed([parse_rule("hit10<=40")], cells, findings(cells, REFERENCES))
    assert len(missed([parse_rule("hit10<=39")], cells, findings(cells, REFERENCES))) == 2


def test_an_effect_that_cannot_be_judged_is_missed():
    cells = [cell("clean", 12), cell("protected", 10)]
    assert "cannot be judged" in missed([parse_rule("effect>=0.1")], cells, findings(cells, REFERENCES))[0]


@pytest.mark.parametrize(
    "rule", ["hit10", "hit10=10", "hit10<=", "hit3<=1", "<=10", "hit10<=10,medr>3", "hit10<=-1", "hit10<=."]
)
def test_a_requirement_that_cannot_be_read_is_refused(rule):
    with pytest.raises(ConfigError, match="cannot read the requirement"):
        parse_rule(rule)


@given(st.floats(30, 100), st.floats(0, 100))
def test_less_learnt_is_never_judged_worse(clean, protected):
    order = ["does not hold", "too few posts to tell", "holds"]
    outcomes = [
        findings([cell("clean", clean), cell("protected", hit)], REFERENCES)[0].outcome
        for hit in (protected, protected / 2)
    ]
    assert order.index(outcomes[0]) <= order.index(outcomes[1])


def test_an_attack_that_knows_the_tool_is_named_beside_the_verdict_and_does_not_make_it():
    cells = [cell("clean", 60), cell("protected", 10), cell("protected", 50, through="strip-trigger")]
    found = findings(cells, REFERENCES)
    found[1] = found[1].model_copy(update={"adaptive": True})
    worst, adaptive = (worst_finding([one], cells, REFERENCES) for one in found)
    assert verdict(found, worst, adaptive) == (
        "holds: protection held against small; least effect 1.00 (interval not known) "
        "against small; made against this tool, 0.20 (interval not known) against small "
        "through strip-trigger"
    )
    assert "made against" not in verdict(found, worst, worst)
    assert verdict(found[1:], None, adaptive).startswith("does not hold: it did not hold against small through strip")


def test_a_share_is_said_in_times_out_of_ten():
    assert [tenths(per_cent) for per_cent in (0, 4, 6, 14, 16, 20, 94, 100)] == [
        "hardly ever", "hardly ever", "once in 10", "once in 10",
        "2 times in 10", "2 times in 10", "9 times in 10", "10 times in 10",
    ]  # fmt: skip


def test_many_are_counted():
    names = [f"jpeg-{quality}" for quality in range(10, 16)]
    cells = [cell("clean", 60), *(cell("protected", 10, through=name) for name in names)]
    assert verdict(findings(cells, REFERENCES)) == "holds: protection held against 6 of 6 tests"
    assert verdict(findings(cells[:5], REFERENCES)).count("small through") == 4


def test_the_effect_goes_by_untouched_clean_posts_and_that_of_the_attack_itself_stands_beside_it():
    cells = [cell("clean", 60), cell("clean", 35, through="jpeg-10"), cell("protected", 10)]
    cells += [cell("protected", 30, through="jpeg-10")]
    plain, attacked = findings(cells, REFERENCES)
    assert (plain.clean_mean, plain.clean_through_mean, plain.effect_through) == (60, None, None)
    assert (attacked.clean_mean, attacked.clean_through_mean) == (60, 35)
    assert [attacked.effect, attacked.effect_through] == pytest.approx([0.6, 0.2])


def test_intervals_need_ranks_and_hold_the_means():
    def ranked(data, share):
        ranks = [1 if n < share else 50 for n in range(100)]
        record = RanksRecord(image_to_text=ranks, text_to_image=ranks)
        return cell(data, share).model_copy(update={"ranks": record})

    cells = [ranked("clean", 60), ranked("protected", 20)]
    (found,) = findings(cells, REFERENCES)
    assert found.clean_low < 60 < found.clean_high
    assert found.protected_low < 20 < found.protected_high
    assert found.effect_low < found.effect < found.effect_high
    worst = worst_finding([found], cells, REFERENCES)
    assert worst.effect == pytest.approx(0.8)
    assert worst.effect_low < 0.8 < worst.effect_high
    for clean, protected in ((cell("clean", 60), cells[1]), (cells[0], cell("protected", 20))):
        (without,) = findings([clean, protected], REFERENCES)
        assert None in (without.clean_low, without.protected_low)
        assert without.effect_low is None


def ranked_both(data, there, back, captions=1):
    sides = ([1 if n < found else 50 for n in range(100)] for found in (there, back))
    photos, texts = (np.repeat(ranks, each).tolist() for ranks, each in zip(sides, (1, captions), strict=True))
    record = RanksRecord(image_to_text=photos, text_to_image=texts)
    return cell(data, there, back=back).model_copy(update={"ranks": record})


def test_intervals_are_over_photos_and_those_of_a_finding_are_of_finding_photos():
    def ends(captions):
        owners = np.repeat(range(100), captions).tolist()
        cells = [ranked_both("clean", 85, 60, captions), ranked_both("protected", 55, 20, captions)]
        (found,) = findings(cells, REFERENCES, owners)
        worst = worst_finding([found], cells, REFERENCES, owners)
        assert (found.effect, worst.effect) == pytest.approx((0.8, 0.6))
        assert found.clean_low < 60 < found.clean_high < 85
        assert found.effect_low < 0.8 < found.effect_high
        assert worst.effect_low < 0.6 < worst.effect_high
        named = {name: value for name, value in found if name.endswith(("_low", "_high"))}
        return [*named.values(), worst.effect_low, worst.effect_high]

    assert len(ends(1)) == 8
    assert ends(5) == pytest.approx(ends(1))  # captions of one photo that agree say no more than one


def test_a_direction_that_clean_posts_taught_too_little_of_is_in_no_interval():
    cells = [ranked_both("clean", 15, 60), ranked_both("protected", 15, 20)]
    (found,) = findings(cells, REFERENCES)
    worst = worst_finding([found], cells, REFERENCES)
    assert (worst.effect, worst.effect_low, worst.effect_high) == (found.effect, found.effect_low, found.effect_high)
