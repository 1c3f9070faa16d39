"""What is said of a run when it is over, and of one that would be made."""

from __future__ import annotations

import pytest

from unlearnable.cli.protected import show_plan, size
from unlearnable.results import ProtectPlan


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (49_152, "49 kB"), (1_500_000, "1.5 MB"), (12 * 10**9, "12 GB")],
)
def test_sizes_are_for_people(number, words):
    assert size(number) == words


def test_a_plan_without_room_says_so(capsys):
    plan = ProtectPlan(
        output="out", caption_format="folder", photos=300, captions=300, skipped=[], surrogates=["small"],
        rounds_at_most=8, seconds_estimated=600, bytes_estimated=3 * 10**9, bytes_free=10**9,
    )  # fmt: skip
    show_plan(plan)
    said = " ".join(capsys.readouterr().out.split())
    assert "3.0 GB; 1.0 GB free" in said
    assert "more than there is room for: choose another --output" in said
