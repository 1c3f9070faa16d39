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


def test_a_photo_stays_a_photo_and_the_argument_is_left_as_it_was(name):
    for height, width in SHAPES:
        pixels = picture(1, height, width).copy()
        before = pixels.copy()
        first, second = parse_attack(name).image(pixels), parse_attack(name).image(pixels)
        assert np.array_equal(pixels, before)
        assert first.dtype == np.uint8
        assert first.shape[2:] == (3,)
        assert first.size
        assert first.flags.writeable  # torch warns of arrays that are not
        assert np.array_equal(first, second)
    view = picture(1, 40, 60)[::2, ::-1]
    view.flags.writeable = False
    assert np.array_equal(parse_attack(name).image(view), parse_attack(name).image(view.copy()))


def test_it_changes_photos_or_captions_and_never_both(name):
    pixels = grainy(picture(2, 600, 2000))  # so large that all of them reduce it, and with noise that they take away
    attack = parse_attack(name)
    photo = not np.array_equal(attack.image(pixels), pixels)
    changed = [attack.caption(text) for text in TEXTS]
    assert (photo, changed != TEXTS) == (bool(attack.photo_changes), bool(attack.caption_changes))
    assert not (photo and changed != TEXTS)
    assert [bool(text.strip()) for text in changed] == [bool(text.strip()) for text in TEXTS]
    assert attack.name == name
    assert describe(name).endswith(".")


def test_every_family_is_in_the_catalogue():
    assert len(set(catalogue())) == len(catalogue())
    for family in ATTACKS:
        assert any(name == family or name.startswith(f"{family}-") for name in catalogue())


def test_another_process_gives_the_same_captions_and_needs_no_torch():
    """No hash seed, no global random state."""
    text, names = "one two three four five six", [name for name in catalogue() if "odd-words" not in name]
    code = "import sys; from unlearnable.verify.attacks import parse_attack; "
    code += f"print([parse_attack(name).caption({text!r}) for name in {names}], 'torch' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == f"{[parse_attack(name).caption(text) for name in names]} False\n"
