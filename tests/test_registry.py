"""Registries: mappings whose rows are imported when they are used, and members that a user adds from Python."""

from __future__ import annotations

import pytest

from unlearnable.benchmark import SUITES
from unlearnable.errors import ConfigError, UnknownName
from unlearnable.methods import METHODS
from unlearnable.methods.algorithms import MEM
from unlearnable.posts import FORMATS
from unlearnable.registry import Registry, Row
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import ATTACKS, catalogue, parse_attack
from unlearnable.verify.attacks.base import AttackFamily, on_photos

REGISTRIES = (METHODS, FORMATS, ATTACKS, ATTACKERS, SUITES)


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda one: one.kind)
def test_every_row_is_what_its_registry_holds_and_has_a_summary(registry):
    for name, member in registry.items():
        assert member is registry[name]
        assert registry.summary(name).endswith((".", ")"))


def test_an_unknown_name_has_the_nearest_one_as_a_hint():
    with pytest.raises(UnknownName, match="no method is called 'memm'") as caught:
        METHODS["memm"]
    assert caught.value.hint == "did you mean 'mem'?"
    assert "memm" not in METHODS


def test_rows_are_imported_when_they_are_looked_up():
    rows: Registry[object] = Registry("thing", {"absent": Row("no.such.module:X", "Nothing.")}, "builtins:object")
    assert (list(rows), len(rows), rows.summary("absent")) == (["absent"], 1, "Nothing.")
    with pytest.raises(ModuleNotFoundError):
        rows["absent"]


def test_an_attack_of_ones_own_is_listed_and_has_a_place_in_chains(monkeypatch):
    monkeypatch.setattr(ATTACKS, "_rows", dict(ATTACKS._rows))
    ATTACKS.register("upside", AttackFamily(on_photos(lambda pixels, _: pixels[::-1].copy())), "Photos upside down.")
    assert "upside" in catalogue()
    assert parse_attack("upside+jpeg-75").name == "upside+jpeg-75"


@pytest.mark.parametrize(("name", "member"), [("mem", MEM), ("mine", MEM()), ("mine", "no class")])
def test_what_cannot_be_registered_is_refused(name, member):
    with pytest.raises(ConfigError):
        METHODS.register(name, member, "Mine.")
    assert "mine" not in METHODS
