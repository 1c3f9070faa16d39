"""A checksum in a file or a line tells every flipped bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.errors import CheckpointError
from unlearnable.storage import checkpoint, checksums

FLIP = st.tuples(st.integers(0), st.integers(0, 7))


def flipped(content: bytes, flip: tuple[int, int]) -> bytes:
    changed = bytearray(content)
    changed[flip[0] % len(content)] ^= 1 << flip[1]
    return bytes(changed)


@given(FLIP, st.dictionaries(st.text(), st.one_of(st.text(), st.floats(allow_nan=False), st.none())))
def test_an_object_comes_back_or_is_known_to_be_damaged(flip, content):
    text = checksums.seal_json(content)
    assert checksums.unseal_json(text) == content
    try:
        left = checksums.unseal_json(flipped(text.encode(), flip))
    except ValueError:
        return
    assert content.items() <= left.items()  # at most the name of the checksum itself was changed


@given(FLIP)
def test_no_flipped_bit_of_a_checkpoint_is_taken_as_true(flip):
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        checkpoint.save(path, "run", {"weights": torch.arange(7.0), "round": 3})
        assert checkpoint.load(path, "run")["round"] == 3
        path.write_bytes(flipped(path.read_bytes(), flip))
        with pytest.raises(CheckpointError, match=r"state\.pt"):
            checkpoint.load(path, "run")


def test_a_file_that_is_cut_off_is_damaged(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    checksums.seal_file(path)
    assert checksums.is_intact(path)
    for size in (0, 10, 100, 171):
        path.write_bytes(path.read_bytes()[:size])
        assert not checksums.is_intact(path)
