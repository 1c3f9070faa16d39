"""Effects, their intervals, outcomes, the worst finding, requirements, and the words for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from unlearnable.errors import ConfigError
from unlearnable.report import ArmName, BothWays, Cell, RanksRecord, References, Retrieval
from unlearnable.verify.findings import (
    Direction,
    findings,
    hit_interval,
    hits,
    in_words,
    interval,
    interval_of_effect,
    matrix,
    missed,
    parse_rule,
    tenths,
    verdict,
    worst_finding,
)


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


def ranked(data: ArmName, there: int, back: int | None = None, captions: int = 1, photos: int = 100) -> Cell:
    """A cell in which so many of the photos are found in both directions."""
    sides = [1 if n < there else 50 for n in range(photos)], [1 if n < (back or there) else 50 for n in range(photos)]
    record = RanksRecord(image_to_text=sides[0], text_to_image=np.repeat(sides[1], captions).tolist())
    shares = 100 * there / photos, None if back is None else 100 * back / photos
    return cell(data, shares[0], back=shares[1]).model_copy(update={"ranks": record})


REFERENCES = References(random=both(10.0), pretrained={"small": both(10.0)})
NOTHING = References(random=both(0.0), pretrained={})


@pytest.mark.parametrize(
    ("clean", "protected", "back", "outcome"),
    [
        (60, 10, 10, "holds"),
        (60, 35, 35, "holds"),
        (60, 36, 36, "does not hold"),
        (60, 60, 60, "does not hold"),
        (19, 10, 10, "too few posts to tell"),
        (60, 37.5, 32.5, "holds"),  # 0.45 and 0.55
        (60, 10, 34, "holds"),
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
    cells = [ranked("clean", 15, photos=20), ranked("protected", kept, photos=20)]
    assert findings(cells, NOTHING)[0].outcome == outcome


def test_means_and_spread_are_over_the_seeds():
    cells = [cell("clean", 50, 0), cell("clean", 70, 1), cell("protected", 10, 0), cell("protected", 20, 1)]
    cells[2] = cells[2].model_copy(update={"text_to_image": figures(10, medr=4)})
    (found,) = findings(cells, REFERENCES)
    assert (found.clean_mean, found.clean_std, found.protected_mean, found.protected_std) == (60, 10, 15, 5)
    assert [found.effect, found.protected_medr] == pytest.approx([45 / 50, 12])
    assert worst_finding([found], cells, REFERENCES).text_to_image == figures(15, medr=12)


def test_what_a_victim_knew_before_is_not_held_against_the_protection():
    references = References(random=both(10.0), pretrained={"small": both(40.0)})
    (found,) = findings([cell("clean", 80), cell("protected", 40)], references)
    assert [found.effect, found.effect_pretrained] == pytest.approx([40 / 70, 1.0])
    assert found.outcome == "holds"


def test_each_victim_and_attack_is_judged_by_itself_and_named():
    cells = [cell("clean", 60), cell("protected", 10), cell("protected", 58, through="grayscale")]
    cells += [cell("clean", 60, victim="a/b/vit.safetensors"), cell("protected", 30, victim="a/b/vit.safetensors")]
    found = findings([*cells, cell("noise-only", 40), cell("random", 60)], References(random=both(10.0), pretrained={}))
    assert [one.outcome for one in found] == ["holds", "does not hold", "holds"], "ablations are no findings"
    assert verdict(found) == (
        "does not hold: protection held against small, vit.safetensors; it did not hold against small through grayscale"
    )


def test_what_cannot_be_judged_is_no_protection():
    cells = [cell("clean", 60), cell("protected", 10)]
    cells += [cell("clean", 12, victim="b"), cell("protected", 12, victim="b")]
    assert verdict(findings(cells, REFERENCES)) == (
        "too few posts to tell: protection held against small; more posts or seeds are needed to judge it against b"
    )


def test_an_attacker_is_compared_with_its_own_clean_cells_and_named():
    cells = [cell("clean", 60), cell("protected", 10)]
    cells += [one.model_copy(update={"attacker": "cutout"}) for one in (cell("clean", 40), cell("protected", 30))]
    found = findings(cells, REFERENCES)
    assert [(one.attacker, one.clean_mean, one.outcome) for one in found] == [
        ("plain", 60, "holds"), ("cutout", 40, "does not hold")
    ]  # fmt: skip
    assert verdict(found).endswith("it did not hold against small with attacker cutout")
    assert missed([parse_rule("hit10<=20")], cells, found) == [
        "hit10<=20: small with attacker cutout, image -> text: 30",
        "hit10<=20: small with attacker cutout, text -> image: 30",
    ]


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("hit10<=16", 0), ("hit10 <= 14", 1), ("hit10<=10", 2), ("hit10>20", 2), ("medr>=20", 0), ("medr>20.", 2),
        ("hit10<16", 1), ("hit1<1.4", 1), ("hit5<=7.5", 1), ("effect>=.9", 1), ("effect>=0.8", 0),
        ("effect>=-0.5", 0), ("effect<=-0.5", 2),
    ],
)  # fmt: skip
def test_requirements_hold_for_both_directions(rule, count):
    cells = [cell("clean", 60), cell("protected", 12, back=16)]
    assert len(missed([parse_rule(rule)], cells, findings(cells, REFERENCES))) == count


def test_a_figure_that_misses_is_given_so_that_it_shows_and_an_effect_that_cannot_be_judged_misses():
    cells = [cell("clean", 60), cell("protected", 10.04)]
    assert missed([parse_rule("hit10<=10")], cells, findings(cells, REFERENCES))[0].endswith(": 10.04")
    cells = [cell("clean", 12), cell("protected", 10)]
    assert "cannot be judged" in missed([parse_rule("effect>=0.1")], cells, findings(cells, REFERENCES))[0]


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


@pytest.mark.parametrize("rule", ["hit10", "hit10=10", "hit3<=1", "<=10", "hit10<=10,medr>3", "hit10<=-1", "hit10<=."])
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
    assert [one.adaptive for one in found] == [False, True]
    worst, adaptive = (worst_finding([one], cells, REFERENCES) for one in found)
    assert verdict(found, worst, adaptive) == (
        "holds: protection held against small; least effect 1.00 (interval not known) "
        "against small; made against this tool, 0.20 (interval not known) against small "
        "through strip-trigger"
    )
    assert "made against" not in verdict(found, worst, worst)
    assert verdict(found[1:], None, adaptive).startswith("does not hold: it did not hold against small through strip")


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


@pytest.mark.parametrize("captions", [1, 5])
def test_intervals_are_over_photos_and_hold_the_means(captions):
    """Captions of one photo that agree say no more than one."""
    owners = np.repeat(range(100), captions).tolist()
    cells = [ranked("clean", 85, 60, captions), ranked("protected", 55, 20, captions)]
    (found,) = findings(cells, REFERENCES, owners)
    worst = worst_finding([found], cells, REFERENCES, owners)
    assert (found.effect, worst.effect) == pytest.approx((0.8, 0.6))
    assert found.clean_low < 60 < found.clean_high < 85
    assert found.protected_low < 20 < found.protected_high
    assert found.effect_low < 0.8 < found.effect_high
    assert worst.effect_low < 0.6 < worst.effect_high
    once = findings([ranked("clean", 85, 60), ranked("protected", 55, 20)], REFERENCES)[0]
    assert (found.effect_low, found.clean_high) == pytest.approx((once.effect_low, once.clean_high))


def test_cells_without_ranks_have_no_interval():
    cells = [ranked("clean", 60), ranked("protected", 20)]
    for clean, protected in ((cell("clean", 60), cells[1]), (cells[0], cell("protected", 20))):
        (without,) = findings([clean, protected], REFERENCES)
        assert None in (without.clean_low, without.protected_low)
        assert without.effect_low is None
    assert hit_interval([], "text_to_image", []) is None


def test_a_direction_that_clean_posts_taught_too_little_of_is_in_no_interval():
    cells = [ranked("clean", 15, 60), ranked("protected", 15, 20)]
    (found,) = findings(cells, REFERENCES)
    worst = worst_finding([found], cells, REFERENCES)
    assert (worst.effect, worst.effect_low, worst.effect_high) == (found.effect, found.effect_low, found.effect_high)


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
    assert in_words(worst, cells, REFERENCES, 75) == (
        "At worst (small, blur-1), a model trained on the protected posts finds the right photo for a caption, among "
        "the first 10 of 75, 8 times in 10; trained on the clean posts 7 times in 10; guessing, once in 10."
    )


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


def test_rows_of_the_matrix_are_sorted_by_their_worst_victim_with_harm_first_and_the_unknown_last():
    cells = [cell("clean", 60), cell("clean", 12, victim="b"), cell("clean", 60, victim="c")]
    cells += [cell("protected", 10), cell("protected", 12, victim="b"), cell("protected", 35, victim="c", back=45)]
    cells += [cell("protected", 65, through="grayscale"), cell("protected", 35, through="strip-trigger")]
    cells += [cell("protected", 12, through="avif-60", victim="b")]
    rows = matrix(findings(cells, REFERENCES))
    assert [row.through for row in rows] == ["grayscale", "png", "strip-trigger", "avif-60"]
    assert [row.through for row in rows if row.adaptive] == ["strip-trigger"]
    assert rows[0].effects == {"small": pytest.approx(-0.1)}
    assert rows[1].effects == {"small": pytest.approx(1.0), "b": None, "c": pytest.approx(0.4)}
    assert rows[3].effects == {"b": None}


def test_a_share_is_said_in_times_out_of_ten():
    assert [tenths(per_cent) for per_cent in (0, 4, 6, 14, 16, 94, 100)] == [
        "hardly ever", "hardly ever", "once in 10", "once in 10", "2 times in 10", "9 times in 10", "10 times in 10",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 30)), min_size=1))
def test_the_mean_over_photos_is_the_mean_over_captions(captions):
    owners = np.unique([owner for owner, _ in captions], return_inverse=True)[1].tolist()
    ranks = [rank for _, rank in captions]
    record = RanksRecord(image_to_text=[1], text_to_image=ranks)
    values = hits([cell("clean", 50).model_copy(update={"ranks": record})], "text_to_image", owners)
    assert values.shape == (1, max(owners) + 1)
    assert values.mean() == pytest.approx(100 * np.mean(np.array(ranks) <= 10))


def test_a_photo_counts_by_its_own_rank_and_each_seed_is_a_row():
    record = RanksRecord(image_to_text=[10, 11], text_to_image=[1])
    cells = [cell("clean", 50, seed).model_copy(update={"ranks": record}) for seed in range(3)]
    assert hits(cells, "image_to_text", [0]).tolist() == [[100, 0]] * 3


def test_one_seed_has_the_width_of_its_people_and_seeds_that_differ_widen_it():
    low, high = interval(np.array([[100.0] * 300 + [0.0] * 700]))
    deviation = 100 * (0.3 * 0.7 / 1000) ** 0.5
    assert low == pytest.approx(30 - 1.96 * deviation, abs=0.2)  # at 90 % they were 0.45 nearer
    assert high == pytest.approx(30 + 1.96 * deviation, abs=0.2)
    people = np.tile([0.0, 100.0], 200)
    agreeing = np.stack([people, people, people])
    differing = np.clip(agreeing + np.array([[-30.0], [0.0], [30.0]]), 0, 100)
    narrow, wide = interval(agreeing), interval(differing)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(0, 100)))
def test_an_interval_lies_within_the_figures_and_is_the_same_twice(values):
    low, high = interval(values)
    assert values.min() - 1e-6 <= low <= high <= values.max() + 1e-6
    assert interval(values) == (low, high)


def found_by(share, people=200):
    """As many people found as `share` of all, the same in each of three seeds."""
    return np.tile(100.0 * (np.arange(people) < share * people), (3, 1))


def test_an_effect_lies_in_its_interval_which_many_people_narrow():
    few, many = (
        interval_of_effect([Direction(found_by(0.6, people), found_by(0.3, people), 10.0)], 10.0)
        for people in (40, 1000)
    )
    assert few.low < many.low < 0.6 < many.high < few.high


def test_arms_that_move_together_leave_a_narrower_effect_than_their_means():
    easy = np.random.default_rng(0).uniform(20, 100, (1, 60))
    assert interval_of_effect([Direction(easy, 0.5 * easy, 0.0)], 10.0) == pytest.approx((0.5, 0.5))


def test_directions_are_averaged_in_each_draw():
    way, nothing = Direction(found_by(0.6), found_by(0.3), 10.0), Direction(found_by(0.12), found_by(0.12), 10.0)
    assert interval_of_effect([way, way], 10.0) == pytest.approx(interval_of_effect([way], 10.0))
    assert interval_of_effect([way, nothing], 10.0).low < interval_of_effect([way], 10.0).low + 0.2


def test_where_most_draws_cannot_be_judged_there_is_no_interval():
    assert interval_of_effect([Direction(found_by(0.12), found_by(0.1), 10.0)], 10.0) is None
    assert interval_of_effect([Direction(found_by(0.25, 40), found_by(0.2, 40), 10.0)], 10.0) is not None
