"""When a checkpoint is due, and what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unlearnable.errors import CheckpointError
from unlearnable.storage import checkpoint, checksums


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


def test_what_is_loaded_is_what_was_saved_and_rows_of_zeros_take_no_room(tmp_path):
    table = torch.zeros(2000, 64)
    table[[3, 1999]] = torch.randn(2, 64)
    full, few = torch.randn(1000, 70), torch.zeros(40, 2)
    state = {"moments": [{"a": table, "b": table.to(torch.float64)}, full], "few": few, "round": 3, "name": "mem"}
    checkpoint.save(tmp_path / "rows", "run", state)
    assert (tmp_path / "rows").stat().st_size < 400_000 < table.numel() * 4 + full.numel() * 4
    loaded = checkpoint.load(tmp_path / "rows", "run")
    assert loaded.keys() == state.keys()
    assert torch.equal(loaded["moments"][0]["a"], table)
    assert torch.equal(loaded["moments"][0]["b"], table.to(torch.float64))
    assert torch.equal(loaded["moments"][1], full)
    assert torch.equal(loaded["few"], few)
    assert (loaded["round"], loaded["name"]) == (3, "mem")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"version": checkpoint.VERSION - 1, "run": "run", "state": {}}, "another version"),
        ({"version": checkpoint.VERSION, "run": "other", "state": {}}, "other settings or other photos"),
        ({"version": checkpoint.VERSION, "run": "run"}, "cannot be read"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "state.pt")
    checksums.seal_file(tmp_path / "state.pt")
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(tmp_path / "state.pt", "run")


class Program:
    """What an attacker would put into a checkpoint: it runs when a pickle is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_no_checkpoint_runs_a_program(tmp_path):
    checkpoint.save(tmp_path / "state.pt", "run", {"round": Program(tmp_path / "ran")})
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(tmp_path / "state.pt", "run")
    assert not (tmp_path / "ran").exists()
