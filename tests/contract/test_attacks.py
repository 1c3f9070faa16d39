"""What every attack keeps to, whichever it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import CAPTIONS, picture
from unlearnable.posts.names import look_alike
from unlearnable.verify.attacks import ATTACKS, catalogue, describe, parse_attack

SHAPES = [(1, 1), (17, 300), (300, 17), (500, 375)]
TEXTS = [
    "",
    " ",
    "word",
    "odd  white\tspace \n here ",
    "ein Mädchen 🐕 läuft über die Wiese",
    look_alike("Ada"),
    *CAPTIONS,
]


def grainy(pixels):
    """The picture with noise of 8 on it, about what is published."""
    return np.clip(pixels + np.random.default_rng(0).choice([-8, 8], pixels.shape), 0, 255).astype(np.uint8)


@pytest.fixture(params=catalogue())
def name(request):
    return request.param


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_a_photo_stays_a_photo_and_the_argument_is_left_as_it_was(name, height, width):
    pixels = picture(1, height, width).copy()
    before = pixels.copy()
    first, second = parse_attack(name).image(pixels), parse_attack(name).image(pixels)
    assert np.array_equal(pixels, before)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert first.size
    assert first.flags.writeable  # torch warns of arrays that are not
    assert np.array_equal(first, second)


def test_a_view_and_a_read_only_array_are_photos_too(name):
    whole = picture(1, 40, 60).copy()
    view = whole[::2, ::-1]
    expected = parse_attack(name).image(view.copy())
    assert np.array_equal(parse_attack(name).image(view), expected)
    whole.flags.writeable = False
    assert np.array_equal(parse_attack(name).image(whole[::2, ::-1]), expected)


def test_captions_stay_text_and_the_same_gives_the_same(name):
    for text in TEXTS:
        changed = parse_attack(name).caption(text)
        assert isinstance(changed, str)
        assert bool(changed.strip()) == bool(text.strip())
        assert parse_attack(name).caption(text) == changed


def test_it_changes_photos_or_captions_and_never_both(name):
    pixels = grainy(picture(2, 600, 2000))  # so large that all of them reduce it, and with noise that they take away
    attack = parse_attack(name)
    photo = not np.array_equal(attack.image(pixels), pixels)
    captions = [attack.caption(text) for text in TEXTS] != TEXTS
    assert (photo, captions) == (bool(attack.photo_changes), bool(attack.caption_changes))
    assert not (photo and captions)


def test_it_has_the_name_it_was_asked_for_and_a_sentence_about_itself(name):
    assert parse_attack(name).name == name
    assert describe(name).endswith(".")


def test_every_family_is_in_the_catalogue():
    assert len(set(catalogue())) == len(catalogue())
    for family in ATTACKS:
        assert any(name == family or name.startswith(f"{family}-") for name in catalogue())


def test_another_process_gives_the_same_captions():
    """No hash seed, no global random state."""
    text = "one two three four five six"
    code = "from unlearnable.verify.attacks import parse_attack; "
    code += f"print([parse_attack(name).caption({text!r}) for name in {catalogue()}])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"{[parse_attack(name).caption(text) for name in catalogue()]}\n"


def test_they_need_no_torch():
    code = "import sys; from unlearnable.verify.attacks import catalogue; catalogue(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
