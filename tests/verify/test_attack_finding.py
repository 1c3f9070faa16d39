from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.conftest import picture
from unlearnable.cli.app import app
from unlearnable.errors import ConfigError
from unlearnable.verify import attacks
from unlearnable.verify.attacks import ATTACKS, catalogue, describe, is_adaptive, parse_attack
from unlearnable.verify.attacks.base import AttackFamily, on_photos


def test_png_is_said_to_be_the_files_as_they_are_not_lossless_ones():
    summary = describe("png")
    assert "published" in summary
    assert "ossless" not in summary


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("jpg-75", "no attack is called 'jpg-75'", "did you mean 'jpeg-75'?"),
        ("greyscale", "no attack is called 'greyscale'", "did you mean 'grayscale'?"),
        ("strip_trigger", "no attack is called 'strip_trigger'", "did you mean 'strip-trigger'?"),
        ("", "no attack is called ''", "there are: "),
        ("zzz", "no attack is called 'zzz'", "there are: "),
        ("jpeg-seventy", "no attack is called", "'jpeg-"),
        ("jpeg-7.5", "no attack is called", "'jpeg-"),
        ("jpeg-075", "no attack is called", "'jpeg-75'"),
        ("jpeg--5", "no attack is called", "'jpeg-"),
        ("jpeg-७५", "no attack is called", "'jpeg-"),
        ("jpeg-" + "9" * 5000, "no attack is called", "there are: "),
        ("jpeg", "jpeg needs a number, from 1 to 100", "jpeg-95"),
        ("blur", "blur needs a number", "blur-1"),
        ("jpeg-0", "jpeg-0: the number must be from 1 to 100", "jpeg-95"),
        ("jpeg-101", "jpeg-101: the number must be", "jpeg-95"),
        ("webp-101", "from 0 to 100", "webp-80"),
        ("bits-9", "from 1 to 8", "bits-6"),
        ("median-4", "one of 3, 5, 7, 9", "median-3 or median-5"),
        ("strip-trigger-0", "from 1 to 77", "strip-trigger"),
        ("png-3", "png takes no number", "write png"),
        ("shuffle-words-0", "shuffle-words takes no number", "write shuffle-words"),
        ("png+jpg-75", "no attack is called 'jpg-75'", "did you mean 'jpeg-75'?"),
        ("png+", "no attack is called ''", "there are: "),
    ],
)
def test_a_wrong_name_says_what_to_write(name, message, hint):
    with pytest.raises(ConfigError) as caught:
        parse_attack(name)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_numbers_outside_the_catalogue_can_be_given():
    assert "jpeg-33" not in catalogue()
    assert parse_attack("jpeg-33").name == "jpeg-33"
    assert parse_attack("jpeg-1").image(picture(0)).shape == (48, 64, 3)


def test_a_family_without_numbers_needs_none(monkeypatch):
    upside = AttackFamily(on_photos(lambda pixels, _: pixels[::-1].copy()))
    monkeypatch.setattr(attacks, "ATTACKS", {"upside": upside})
    assert (parse_attack("upside").image(picture(0)) == picture(0)[::-1]).all()
    with pytest.raises(ConfigError, match="upside takes no number"):
        parse_attack("upside-3")


def test_a_chain_goes_from_left_to_right():
    pixels = picture(3, 400, 300)
    chain = parse_attack("resize-100+bits-1")
    assert chain.name == "resize-100+bits-1"
    step = parse_attack("bits-1").image(parse_attack("resize-100").image(pixels))
    assert np.array_equal(chain.image(pixels), step)
    assert set(np.unique(chain.image(pixels))) <= {64, 192}
    assert not set(np.unique(parse_attack("bits-1+resize-100").image(pixels))) <= {64, 192}


def test_a_chain_changes_photos_and_captions():
    chain = parse_attack("img2dataset+strip-trigger")
    assert chain.image(picture(3, 300, 200)).shape == (256, 256, 3)
    assert chain.caption("one two three a dog runs") == "a dog runs"
    assert parse_attack("strip-trigger-1+strip-trigger-2").caption("one two three a dog runs") == "a dog runs"


def test_the_command_lists_the_catalogue():
    result = CliRunner().invoke(app, ["list", "attacks", "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["attacks"]
    assert [row["name"] for row in rows] == catalogue()
    assert all(row["summary"] for row in rows)
    assert "jpeg-95" in CliRunner().invoke(app, ["list", "attacks"]).stdout


def test_attacks_that_know_this_tool_are_marked():
    assert "strip-trigger" in [name for name, family in ATTACKS.items() if family.adaptive]
    assert not ATTACKS["jpeg"].adaptive
    names = ("strip-trigger-2", "jpeg-75+strip-trigger", "strip-trigger+jpeg-75", "jpeg-75+resize-224")
    assert [is_adaptive(name) for name in names] == [True, True, True, False]
