from __future__ import annotations

import pytest

from unlearnable.workflows.protect.preparing.expected import CHECKING, READING, WRITING, photo_seconds


def test_a_phone_photo_takes_three_seconds_to_write_and_a_thumbnail_a_fraction_of_one():
    assert photo_seconds([12.0])[WRITING] == pytest.approx(2.94)
    assert photo_seconds([0.05] * 200)[WRITING] == pytest.approx(11.7)
    assert photo_seconds([0.05] * 200)[CHECKING] > 5


def test_a_slow_machine_takes_longer_over_everything():
    once, thrice = photo_seconds([0.8, 12.0]), photo_seconds([0.8, 12.0], 3.0)
    assert thrice == pytest.approx({phase: 3 * seconds for phase, seconds in once.items()})
    assert set(once) == {READING, WRITING, CHECKING}
    assert photo_seconds([]) == {READING: 0, WRITING: 0, CHECKING: 0}
