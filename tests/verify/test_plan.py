"""Which cells a run of `verify` needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnable.errors import ConfigError
from unlearnable.settings import SUITES, VerifySettings
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import catalogue
from unlearnable.verify.run import wanted


def settings(**given):
    return VerifySettings(originals=Path("in"), protected=Path("out"), **given)


def cells(**given):
    return [(data, attack.name, attacker) for data, attack, attacker in wanted(settings(**given))]


def test_the_quick_suite_is_few_attacks_by_the_plain_attacker():
    assert cells(suite="quick") == [
        ("clean", "png", "plain"), ("protected", "png", "plain"), ("protected", "jpeg-75", "plain"),
        ("protected", "strip-trigger", "plain"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_a_star_each_attacker_with_clean_posts_and_no_cell_twice(name):
    made = cells(suite=name)
    assert len(set(made)) == len(made)
    for data, attack, attacker in made:
        assert attacker == "plain" or attack == "png"
        assert ("clean", "png", attacker) in made
        assert data in ("clean", "protected")
    assert {"strip-trigger", "jpeg-75", "png"} <= {attack for _, attack, _ in made}


def test_the_full_suite_is_all_that_there_is_and_clean_posts_through_what_changes_photos():
    made = wanted(settings(suite="full"))
    protected = [cell for cell in made if cell.data == "protected"]
    assert set(catalogue()) <= {cell.attack.name for cell in protected}
    assert set(ATTACKERS) == {cell.attacker for cell in protected}
    clean = {cell.attack.name for cell in made if cell.data == "clean"}
    assert {"png", "jpeg-10", "grayscale"} <= clean
    assert "strip-trigger" not in clean


def test_what_is_asked_for_besides_is_added_each_with_each():
    made = cells(suite="quick", through=("jpeg-10", "png"), attackers=("cutout",), ablations=True)
    assert {("protected", "jpeg-10", "cutout"), ("protected", "png", "cutout"), ("protected", "png", "plain")} <= {
        *made
    }
    assert ("protected", "jpeg-10", "plain") not in made
    assert [cell for cell in made if cell[0] == "random"] == [("random", "png", "cutout")]
    with pytest.raises(ConfigError, match="jpg-75"):
        wanted(settings(suite="quick", through=("jpg-75",)))


def test_beside_a_crowd_every_attacker_trains_on_its_posts_alone_and_on_half_leaked_posts_through_what_is_named():
    beside = {"crowd": Path("others")}
    made = cells(**beside, through=("png", "jpeg-10"), attackers=("plain", "cutout"))
    for attacker in ("plain", "cutout"):
        own = [(data, attack) for data, attack, by in made if by == attacker]
        assert own == [
            ("clean", "png"), ("protected", "png"), ("protected", "jpeg-10"), ("absent", "png"), ("half", "png"),
            ("half", "jpeg-10"),
        ]  # fmt: skip
    suite = cells(**beside, suite="standard")
    attackers = {by for _, _, by in suite}
    assert len(attackers) > 1
    more = {(data, "png", by) for data in ("absent", "half") for by in attackers}
    assert {cell for cell in suite if cell[0] in ("absent", "half")} == more
    assert [cell for cell in suite if cell not in more] == cells(suite="standard")
