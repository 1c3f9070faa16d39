"""Cells are found by their whole key, whatever their file is called."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.conftest import Told
from unlearnable.verify import cells
from unlearnable.verify.cells import CellStore, digest_of, version_of_cells

MISSING = {"version": "3", "seed": 0}


class Result(BaseModel):
    value: int


@pytest.fixture
def store(tmp_path):
    return CellStore(tmp_path / "cells", Result)


def test_a_cell_comes_back_by_its_key(store):
    store.write("clean", {"seed": 0}, Result(value=3))
    assert store.read("clean", {"seed": 0}) == Result(value=3)
    assert store.read("clean", {"seed": 1}) is None


def test_a_cell_of_a_long_chain_of_attacks_has_its_file(store):
    name = "+".join(["resize-512"] * 40)
    store.write(name, {"seed": 0}, Result(value=3))
    assert store.read(name, {"seed": 0}) == Result(value=3)


def test_a_file_of_the_right_name_and_another_key_is_not_taken(store):
    wanted, other = {"seed": 0, "data": "a"}, {"seed": 0, "data": "b"}
    store.write("clean", wanted, Result(value=3))
    collision = store.path("clean", other)  # as if the first eight hex digits of both hashes were the same
    store.path("clean", wanted).rename(collision)
    assert store.read("clean", other) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"value": 3}', '{"value": "x", "key": {"seed": 0}}', '{"key": {"seed": 0}}']
)
def test_what_cannot_be_read_counts_as_not_run(store, text):
    path = store.path("clean", {"seed": 0})
    path.parent.mkdir()
    path.write_text(text)
    assert store.read("clean", {"seed": 0}) is None


def test_cells_of_another_version_are_counted_where_cells_are_missing(store):
    key = {"version": "2", "seed": 0}
    store.write("clean", key, Result(value=3))
    assert said(store, "2", key) == []
    assert [note.split(" in ")[0] for note in said(store, "3", MISSING)] == ["1 cell of another version"]
    store.write("clean", MISSING, Result(value=3))
    assert said(store, "3", MISSING) == [], "nothing is run again once it was"


def test_cells_of_another_number_format_are_counted(store):
    key = {"version": "2", "seed": 0, "precision": "fp32"}
    store.write("clean", key, Result(value=3))
    assert said(store, "2", key) == []
    (note,) = said(store, "2", {**key, "precision": "bf16"})
    assert note.startswith("1 cell trained in fp32 in ")
    assert "this run trains in bf16" in note
    assert len(said(store, "2", {**key, "precision": "bf16", "seed": 1})) == 0, "it is another cell in either format"


def test_the_version_of_cells_is_another_one_after_an_upgrade(monkeypatch):
    before = version_of_cells(2)
    monkeypatch.setattr(cells, "version_of", lambda package: "99.0")
    assert version_of_cells(2) != before


def test_damaged_cells_are_counted_and_run_again(store):
    store.write("clean", {"version": 2, "seed": 0}, Result(value=3))
    path = store.path("clean", {"version": 2, "seed": 0})
    path.write_text(path.read_text().replace('"value": 3', '"value": 2'))
    assert store.read("clean", {"version": 2, "seed": 0}) is None
    for name, text in (("cut", '{"value": 3'), ("empty", ""), ("list", "[]")):
        (store.folder / f"{name}-12345678.json").write_text(text)
    assert [note.split(" in ")[0] for note in said(store, 2, MISSING)] == ["4 damaged cells"]


@given(st.integers(0), st.integers(0, 7))
def test_no_flipped_bit_makes_another_cell(flip, bit):
    with tempfile.TemporaryDirectory() as folder:
        store = CellStore(Path(folder), Result)
        store.write("clean", {"seed": 0}, Result(value=3))
        path = store.path("clean", {"seed": 0})
        content = bytearray(path.read_bytes())
        content[flip % len(content)] ^= 1 << bit
        path.write_bytes(content)
        assert store.read("clean", {"seed": 0}) in (None, Result(value=3))


def test_a_cell_of_a_version_without_checksums_is_read(store):
    path = store.path("clean", {"seed": 0})
    path.parent.mkdir()
    path.write_text('{"value": 3, "key": {"seed": 0}}')
    assert store.read("clean", {"seed": 0}) == Result(value=3)


def said(store, version, wanted):
    """What is said of the files that are of no use, where the cell of a key is wanted."""
    told = Told()
    store.report_unusable(version, [("clean", wanted)], told)
    return told.notes


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())))
def test_the_digest_of_a_key_does_not_depend_on_its_order(key):
    assert digest_of(key) == digest_of(dict(reversed(key.items())))
