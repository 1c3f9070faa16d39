from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st

from tests.conftest import picture
from tests.methods.sessions import started
from unlearnable.errors import CheckpointError
from unlearnable.methods import steps as module
from unlearnable.methods.noise import COARSE, NoiseStore, roughness, signed_step

SHAPES = [(1, 2), (2, 2), (3, 1)]
WRITES = st.lists(st.tuples(st.integers(0, 2), st.integers(-8, 8)), max_size=8)


def fill(store: NoiseStore, photo: int, value: float) -> None:
    store.write(photo, torch.full((3, *store.shapes[photo]), float(value)))


@given(st.integers(1, 64), st.lists(st.floats(-300, 300), min_size=12, max_size=12))
def test_whatever_is_written_reads_back_inside_the_bound(epsilon, values):
    with tempfile.TemporaryDirectory() as folder:
        store = NoiseStore([(1, 2), (2, 2)], epsilon, Path(folder) / "noise")
        store.write(1, torch.tensor(values).view(3, 2, 2))
        assert store.read(1).abs().max() <= epsilon
        assert store.read(0).abs().max() == 0
        assert torch.equal(store.read(1), torch.tensor(values).view(3, 2, 2).round().clamp(-epsilon, epsilon))


def test_photos_of_one_content_have_one_noise_whichever_is_written_also_rolled_back(tmp_path):
    store = NoiseStore([(1, 2), (2, 2), (1, 2)], 8, tmp_path / "noise.i8", equal=[(0, 2)])
    fill(store, 2, 3)
    assert torch.equal(store.read(0), store.read(2))
    mark = store.export()
    store.exported()
    fill(store, 0, -5)
    assert store.read(2).unique().tolist() == [-5]
    again = NoiseStore([(1, 2), (2, 2), (1, 2)], 8, tmp_path / "noise.i8", equal=[(0, 2)])
    again.restore(mark)
    assert [again.read(photo).unique().tolist() for photo in range(3)] == [[3], [0], [3]]


@given(st.integers(1, 64), st.lists(st.floats(-300, 300), min_size=12, max_size=12))
def test_a_grey_photo_has_one_noise_whatever_is_written(epsilon, values):
    with tempfile.TemporaryDirectory() as folder:
        path, noise = Path(folder) / "noise", torch.tensor(values).view(3, 2, 2)
        store = NoiseStore([(2, 2), (2, 2)], epsilon, path, grey=[1])
        for photo in (0, 1):
            store.write(photo, noise)
        expected = noise.mean(dim=0, keepdim=True).round().clamp(-epsilon, epsilon)
        assert torch.equal(store.read(1), expected)
        assert torch.equal(store.read(0), noise.round().clamp(-epsilon, epsilon))
        store.write(1, store.read(1))
        assert torch.equal(store.read(1), expected)
        store.finish()
        again = NoiseStore([(2, 2), (2, 2)], epsilon, path, "r")  # who reads it need not know which photos are grey
        assert torch.equal(again.read(1), expected.expand(3, 2, 2))


@settings(max_examples=40)
@given(WRITES, WRITES, WRITES, st.integers(0, 60))
def test_noise_is_led_back_to_the_last_checkpoint_wherever_it_is_killed(before, between, after, cut):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.i8"
        store = NoiseStore(SHAPES, 8, path)
        for writes in (before, between):
            for photo, value in writes:
                fill(store, photo, value)
            number, then = store.export(), store.data.copy()
            store.exported()
        for photo, value in after:
            fill(store, photo, value)
        journal = path.with_suffix(".undo")
        assert journal.stat().st_size <= 8 + len(SHAPES) * 24 + store.data.size  # each photo once
        store.data.flush()
        killed = Path(folder) / "killed.i8"
        shutil.copy(path, killed)
        shutil.copy(journal, killed.with_suffix(".undo"))
        with killed.with_suffix(".undo").open("ab") as file:  # an entry that was being written
            file.write((b"\0" * 8 + b"\6" + b"\0" * 7 + b"\1" * 14)[: cut % 30])
        again = NoiseStore(SHAPES, 8, killed)
        again.restore(number)
        assert (again.data == then).all()
        fill(again, 0, 3)
        NoiseStore(SHAPES, 8, killed).restore(number)
        assert (again.data == then).all()


def test_a_journal_of_an_older_checkpoint_leads_nowhere(tmp_path):
    store = NoiseStore(SHAPES, 8, tmp_path / "noise.i8")
    store.export()
    store.exported()
    fill(store, 0, 4)
    number, then = store.export(), store.data.copy()  # the checkpoint is written, and the run killed before it says so
    again = NoiseStore(SHAPES, 8, tmp_path / "noise.i8")
    again.restore(number)
    assert (again.data == then).all()


def test_what_undoes_a_change_is_on_the_disk_before_the_change(tmp_path, monkeypatch):
    store, flushed = NoiseStore(SHAPES, 8, tmp_path / "noise.i8"), []
    store.export()
    store.exported()
    monkeypatch.setattr(os, "fsync", lambda file: flushed.append(int(abs(store.data).max())))
    fill(store, 0, 5)
    fill(store, 0, 6)
    assert flushed == [0]


def test_noise_that_is_gone_or_not_that_of_the_checkpoint_is_refused(tmp_path):
    store = NoiseStore(SHAPES, 8, tmp_path / "noise.i8")
    number = store.export()
    store.exported()
    store.data[3] = 1  # by somebody else
    store.data.flush()
    with pytest.raises(CheckpointError, match="damaged"):
        NoiseStore(SHAPES, 8, tmp_path / "noise.i8").restore(number)
    (tmp_path / "noise.i8").unlink()
    with pytest.raises(CheckpointError, match=r"noise\.i8 is gone"):
        NoiseStore(SHAPES, 8, tmp_path / "noise.i8").restore(number)
    assert not (tmp_path / "noise.undo").exists()


def test_signed_step_moves_against_the_gradient_and_projects():
    noise = torch.tensor([0.0, 8.0, -8.0, 3.0])
    moved = signed_step(noise, torch.tensor([2.0, -1.0, 1.0, 0.0]), 1, 8)
    assert moved.tolist() == [-1.0, 8.0, -8.0, 3.0]
    assert signed_step(noise, torch.tensor([2.0, 1.0, 1.0, 0.0]), -1, 8).tolist() == [1.0, 8.0, -7.0, 3.0]


@given(st.integers(1, 60), st.sampled_from([0.1, 0.25, 0.5, 1.0]), st.integers(0, 100))
def test_a_share_of_a_step_moves_only_where_the_gradient_is_largest(count, share, seed):
    gradient = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    moved = signed_step(torch.zeros(count), gradient, 1, 8, share).abs() > 0
    assert abs(int(moved.sum()) - share * count) <= 1.5
    assert moved.any()
    if not bool(moved.all()):
        assert gradient[moved].abs().min() >= gradient[~moved].abs().max()


@pytest.mark.parametrize(("epsilon", "smooth"), [(4, 4), (8, 8), (16, 8), (32, 8)])
def test_what_a_bound_has_beyond_the_papers_is_for_rough_places(epsilon, smooth):
    rows, columns = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
    board = ((rows + columns) % 2 * 2.0 - 1)[None]  # none of it is coarse
    rough, noise = (columns >= 10).float()[None], torch.zeros(1, 20, 20)
    for _ in range(40):
        noise = signed_step(noise, board, 1, epsilon, 1.0, rough)
    assert noise[..., :10].abs().unique().tolist() == [smooth]
    assert noise[..., 10:].abs().unique().tolist() == [epsilon]


@given(st.integers(0, 99))
def test_smooth_places_are_moved_by_what_is_fine_alone(seed):
    fine = torch.randn(1, 40, 40, generator=torch.Generator().manual_seed(seed))
    coarse = torch.linspace(-3, 3, 40).expand(1, 40, 40).contiguous()
    rough, inner = torch.zeros(1, 40, 40), slice(COARSE, -COARSE)
    steps = [signed_step(torch.zeros(1, 40, 40), gradient, 1, 8, 1.0, rough) for gradient in (fine, fine + coarse)]
    assert (steps[0] != steps[1])[:, inner, inner].float().mean() < 0.001
    as_rough = signed_step(torch.zeros(1, 40, 40), fine + coarse, 1, 8, 1.0, rough + 1)
    assert torch.equal(as_rough, signed_step(torch.zeros(1, 40, 40), fine + coarse, 1, 8))


@given(st.floats(0, 255), st.integers(8, 40), st.integers(8, 40))
def test_a_texture_is_rough_and_an_even_place_of_any_brightness_is_not(brightness, rows, columns):
    pixels = torch.full((3, 64, 64), brightness)
    pixels[:, :, 32:] = 255.0 * torch.randint(2, (64, 32), generator=torch.Generator().manual_seed(0))
    rough = roughness(pixels, (rows, columns))
    assert rough.shape == (1, rows, columns)
    assert rough[:, :, : columns // 2 - 4].lt(0.05).all()
    assert rough.max() <= 1
    assert rough[:, :, -3:].mean() > 0.5


def test_the_gradient_of_a_grey_photo_is_summed_over_the_channels(make_problem, quick, monkeypatch):
    pictures = [picture(n)[..., :1].repeat(3, axis=2) if n < 4 else picture(n) for n in range(8)]
    photos = list(range(8))

    def gradients():
        session = started("mem", make_problem(pictures=pictures), quick)
        slots = session.problem.posts.choose(photos, session.state.generator)
        return module.noise_gradients(session, photos, slots)

    grey = gradients()
    monkeypatch.setattr("unlearnable.training.data.Pixels.is_grey", lambda *_: False)
    colour = gradients()
    assert [len(one) for one in grey] == [1] * 4 + [3] * 4
    for one, of_channels in zip(grey[:4], colour[:4], strict=True):
        assert of_channels.std(dim=0).max() > 0  # a model weighs the channels unlike
        torch.testing.assert_close(one, of_channels.sum(dim=0, keepdim=True))
    for one, same in zip(grey[4:], colour[4:], strict=True):
        torch.testing.assert_close(one, same)
