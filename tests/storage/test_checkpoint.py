"""When a checkpoint is due, what is in it, and that no damage goes unnoticed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st

from unlearnable.errors import CheckpointError
from unlearnable.storage import checkpoint, files

FLIP = st.tuples(st.integers(0), st.integers(0, 7))


def flipped(content: bytes, flip: tuple[int, int]) -> bytes:
    changed = bytearray(content)
    changed[flip[0] % len(content)] ^= 1 << flip[1]
    return bytes(changed)


@pytest.mark.parametrize(
    ("takes", "saved"),
    [(0.1, [10, 20, 30, 40, 50, 60]), (1.0, [10, 45])],  # each a thirtieth of the time between them, at most
)
def test_the_longer_writing_takes_the_rarer_are_checkpoints_at_the_ends_of_rounds(monkeypatch, takes, saved):
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


def test_what_is_loaded_is_what_was_saved_and_rows_of_zeros_take_no_room(tmp_path):
    table = torch.zeros(2000, 64)
    table[[3, 1999]] = torch.randn(2, 64)
    full, few = torch.randn(1000, 70), torch.zeros(40, 2)
    state = {"moments": [{"a": table, "b": table.double()}, full], "few": few, "round": 3, "pair": (1, None)}
    checkpoint.save(tmp_path / "rows", "run", state)
    assert (tmp_path / "rows").stat().st_size < 400_000 < table.numel() * 4 + full.numel() * 4
    loaded = checkpoint.load(tmp_path / "rows", "run")
    assert torch.equal(loaded["moments"][0]["a"], table)
    assert torch.equal(loaded["moments"][0]["b"], table.double())
    assert torch.equal(loaded["moments"][1], full)
    assert torch.equal(loaded["few"], few)
    assert (loaded["round"], loaded["pair"]) == (3, (1, None))


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
    files.seal_file(tmp_path / "state.pt")
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


@given(FLIP)
def test_no_flipped_bit_of_a_checkpoint_goes_unnoticed(flip):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        checkpoint.save(path, "run", {"weights": torch.arange(7.0), "round": 3})
        path.write_bytes(flipped(path.read_bytes(), flip))
        with pytest.raises(CheckpointError, match=r"state\.pt"):
            checkpoint.load(path, "run")


@given(FLIP, st.dictionaries(st.text(), st.one_of(st.text(), st.floats(allow_nan=False), st.none())))
def test_a_sealed_object_comes_back_or_is_known_to_be_damaged(flip, content):
    text = files.seal_json(content)
    assert files.unseal_json(text) == content
    try:
        left = files.unseal_json(flipped(text.encode(), flip))
    except ValueError:
        return
    assert content.items() <= left.items()  # at most the name of the checksum itself was changed


def test_a_file_that_is_cut_off_is_damaged(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    files.seal_file(path)
    assert files.is_intact(path)
    for size in (10, 100, 171):
        path.write_bytes(path.read_bytes()[:size])
        assert not files.is_intact(path)
