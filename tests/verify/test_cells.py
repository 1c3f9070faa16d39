"""What trainings start from, what tells their results apart, and that cells are found by their whole key."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st
from pydantic import BaseModel

from unlearnable.models.openclip import save
from unlearnable.training.data import Pairs
from unlearnable.training.loop import Recipe
from unlearnable.verify import cells
from unlearnable.verify.cells import CellStore, Experiment, ModelPool, digest_of, version_of_cells


class Result(BaseModel):
    value: int


@pytest.fixture
def store(tmp_path):
    return CellStore(tmp_path / "cells", Result)


def test_a_cell_comes_back_by_its_whole_key(store):
    store.write("clean", {"seed": 0}, Result(value=3))
    assert store.read("clean", {"seed": 0}) == Result(value=3)
    assert store.read("clean", {"seed": 1}) is None
    collision = store.path("clean", {"seed": 1})  # as if the first eight hex digits of both hashes were the same
    store.path("clean", {"seed": 0}).rename(collision)
    assert store.read("clean", {"seed": 1}) is None


def test_a_cell_of_a_long_chain_of_attacks_has_its_file(store):
    name = "+".join(["resize-512"] * 40)
    store.write(name, {"seed": 0}, Result(value=3))
    assert store.read(name, {"seed": 0}) == Result(value=3)


@pytest.mark.parametrize("text", ["", "[]", "3", '{"value": "x", "key": {"seed": 0}}', '{"key": {"seed": 0}}'])
def test_what_cannot_be_read_counts_as_not_run(store, text):
    path = store.path("clean", {"seed": 0})
    path.parent.mkdir()
    path.write_text(text)
    assert store.read("clean", {"seed": 0}) is None


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


def test_the_version_of_cells_is_another_one_after_an_upgrade(monkeypatch):
    before = version_of_cells(2)
    monkeypatch.setattr(cells, "version_of", lambda package: "99.0")
    assert version_of_cells(2) != before


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())))
def test_the_digest_of_a_key_does_not_depend_on_its_order(key):
    assert digest_of(key) == digest_of(dict(reversed(key.items())))


@pytest.fixture(scope="module")
def name(tiny_path):
    return str(tiny_path)


def weights(model):
    return torch.cat([one.detach().flatten() for one in model.module.parameters()])


def test_a_training_leaves_the_start_of_the_next_one_as_it_was(name):
    pool = ModelPool("cpu", from_scratch=False)
    start = weights(pool.pretrained(name))
    with torch.no_grad():
        for one in pool.start(name, 0).module.parameters():
            one.add_(1.0)
    assert torch.equal(weights(pool.start(name, 0)), start)
    assert torch.equal(weights(pool.start(name, 1)), start)


def test_from_scratch_the_seed_decides_the_weights_and_nothing_else_does(name, tiny):
    pool = ModelPool("cpu", from_scratch=True)
    first, again, other = (weights(pool.start(name, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, weights(tiny))


def test_whatever_a_result_depends_on_makes_another_cell(name, tiny, tmp_path):
    gallery = Pairs([], torch.zeros(0, dtype=torch.long), torch.zeros(0, 77, dtype=torch.long))
    experiment = Experiment(ModelPool("cpu", from_scratch=True), gallery, "gallery", version="1", queries=4)
    tuned, other = replace(experiment, pool=ModelPool("cpu", from_scratch=False)), tiny.clone()
    with torch.no_grad():
        other.module.visual.conv1.weight.add_(1.0)
    save(other, tmp_path / "other.safetensors")
    recipe = Recipe(epochs=1, lr=1e-3, batch_size=4, seed=0, precision="fp32")
    keys = [
        experiment.key(name, "arm", recipe, 0),
        experiment.key(name, "another", recipe, 0),
        experiment.key(name, "arm", replace(recipe, lr=1e-4), 0),
        experiment.key(name, "arm", replace(recipe, seed=1), 0),
        experiment.key(name, "arm", replace(recipe, precision="bf16"), 0),
        experiment.key(name, "arm", recipe, 1),
        experiment.key(name, "arm", recipe, 0, attacker="cutout"),
        replace(experiment, gallery_digest="another").key(name, "arm", recipe, 0),
        replace(experiment, version="2").key(name, "arm", recipe, 0),
        replace(experiment, queries=5).key(name, "arm", recipe, 0),
        tuned.key(name, "arm", recipe, 0),
        tuned.key(str(tmp_path / "other.safetensors"), "arm", recipe, 0),
    ]
    assert len(set(map(digest_of, keys))) == len(keys)
    assert experiment.key(name, "arm", replace(recipe, precision="auto"), 0) in keys  # it is one of both
    assert tuned.key(name, "arm", recipe, 1) == tuned.key(name, "arm", recipe, 0)  # its weights are not drawn
