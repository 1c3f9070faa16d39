"""When a checkpoint is due."""

from __future__ import annotations

import pytest

from unlearnable import checkpoint


@pytest.mark.parametrize(
    ("takes", "saved"),
    [(0.1, [10, 20, 30, 40, 50, 60]), (1.0, [10, 45])],  # each a thirtieth of the time between them, at most
)
def test_the_longer_it_takes_to_write_one_the_rarer_they_are_at_the_ends_of_rounds(monkeypatch, takes, saved):
    now, times = [0.0], []
    monkeypatch.setattr(checkpoint, "SOON", 10)
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def write():
        times.append(round(now[0]))
        now[0] += takes

    clock = checkpoint.Clock()
    for second in range(1, 61):
        now[0] = max(now[0], float(second))
        clock.tick(write, at_end=second % 5 == 0)
    assert [time - time % 5 for time in times] == saved


def test_within_a_round_they_are_due_after_the_same_time_however_long_writing_takes(monkeypatch):
    now, times = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def write():
        times.append(now[0])
        now[0] += 30

    clock = checkpoint.Clock()
    for _ in range(3):
        now[0] += checkpoint.EVERY
        clock.tick(write)
    assert len(times) == 3
