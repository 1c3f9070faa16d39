"""`train` from folder to checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.conftest import Told, tree
from unlearnable.errors import CheckpointError, ConfigError, InputError, ModelError, OutputError
from unlearnable.models import openclip
from unlearnable.models.bundled import ARCHITECTURES
from unlearnable.models.openclip import load
from unlearnable.settings import TrainSettings
from unlearnable.storage import checkpoint, files
from unlearnable.storage.progress import Lines
from unlearnable.training import loop
from unlearnable.training.distributed import World
from unlearnable.training.train import partial_path, report_path, train


@pytest.fixture
def settings(posts, tiny_path, tmp_path):
    return TrainSettings(
        data=(posts,), model=str(tiny_path), output=tmp_path / "out" / "victim.safetensors",
        epochs=3, lr=1e-3, batch_size=4, test_fraction=0.25, device="cpu",
    )  # fmt: skip


def test_a_checkpoint_a_report_and_curves_come_out(settings):
    report = train(settings)
    assert (report.photos, report.pairs, report.held_out_photos) == (6, 6, 2)
    assert len(report.loss_curve) == len(report.history) == 3
    assert report.before.epoch == 0
    assert report.history[-1].text_to_image.medr in (1.0, 1.5, 2.0)
    assert json.loads(report_path(settings.output).read_text())["sha256"] == report.sha256
    shaping = set(TrainSettings.model_fields) - {"captions", "device", "output", "data", "model"}
    assert {name for name in shaping if getattr(report, name) is not None} == shaping
    assert (report.smallest_crop, report.test_fraction) == (0.9, 0.25)
    trained, start = load(str(settings.output)), load(settings.model)
    assert not torch.equal(trained.token_table, start.token_table)
    assert list(settings.output.parent.glob("*.partial")) == []


def test_the_first_of_several_processes_alone_speaks_and_writes(settings, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr("unlearnable.training.train.join", lambda device: World(rank=1))
    assert train(settings, progress=Lines(lambda text, *_: said.append(text))) is None
    assert said == []
    assert not settings.output.exists()


def test_each_epoch_has_a_loss_of_its_own(settings):
    curve = train(settings.model_copy(update={"lr": 1e-9})).loss_curve
    assert curve == pytest.approx([curve[0]] * 3, rel=0.3)


@pytest.mark.parametrize("every", [0, checkpoint.EVERY])
def test_an_interrupted_training_resumes_to_the_same_bits(settings, tmp_path, monkeypatch, every):
    whole = train(settings.model_copy(update={"output": tmp_path / "whole.safetensors"}))
    saves, real = [], loop._save
    expected = [(0, 1), (1, 2), (1, 3)] if every == 0 else [(1, 2), (2, 4)]  # epochs and steps that were done

    def save(task, model, optimiser, training):
        real(task, model, optimiser, training)
        saves.append((len(training.epochs), training.done))
        if len(saves) == len(expected):
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "EVERY", every)
    monkeypatch.setattr(loop, "_save", save)
    with pytest.raises(KeyboardInterrupt):
        train(settings)
    assert saves == expected
    monkeypatch.undo()
    with pytest.raises(OutputError, match="stopped"):
        train(settings)
    with pytest.raises(CheckpointError):
        train(settings.model_copy(update={"lr": 2e-3}), resume=True)
    again = train(settings, resume=True)
    assert again.loss_curve == whole.loss_curve
    assert again.sha256 == whole.sha256


def stop(settings, monkeypatch, **more):
    """Train until the first checkpoint is written."""
    real = loop._save

    def save(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_save", save)
        patch.setattr(checkpoint, "SOON", 0)
        with pytest.raises(KeyboardInterrupt):
            train(settings, **more)


def test_a_stopped_training_does_not_continue_from_another_start(settings, tiny, monkeypatch):
    stop(settings, monkeypatch)
    other = tiny.clone()
    torch.nn.init.normal_(other.module.token_embedding.weight)
    monkeypatch.setattr("unlearnable.training.train.openclip.load", lambda _: other)
    with pytest.raises(CheckpointError):
        train(settings, resume=True)


@pytest.mark.parametrize("last", ["openclip.save", "files.write_text"])
def test_a_kill_before_the_checkpoint_goes_is_no_reason_to_refuse_the_own_files(settings, monkeypatch, last):
    settings.output.parent.mkdir(parents=True)
    settings.output.write_bytes(b"old")
    stop(settings, monkeypatch, overwrite=True)
    assert settings.output.read_bytes() == b"old"
    real = openclip.save if "save" in last else files.write_text

    def write_and_stop(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"unlearnable.training.train.{last}", write_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(settings, resume=True)
    whole = settings.output.read_bytes()
    assert train(settings, resume=True).sha256
    assert settings.output.read_bytes() == whole
    assert not partial_path(settings.output).exists()


@pytest.mark.parametrize(
    ("place", "error"),
    [("photos/new/model.safetensors", ConfigError), ("folder", OutputError), ("published/m", OutputError)],
)
def test_an_output_that_cannot_be_is_refused_before_the_training(settings, tmp_path, place, error):
    for folder in ("folder", "published", "published.private"):
        (tmp_path / folder).mkdir()
    (tmp_path / "published.private" / "manifest.jsonl").touch()
    before = tree(tmp_path)
    with pytest.raises(error):
        train(settings.model_copy(update={"output": tmp_path / place}), overwrite=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["posts.jsonl", "p3.png"])
def test_no_photo_and_no_caption_file_is_replaced_by_a_model(settings, posts, name):
    before = tree(posts)
    with pytest.raises(OutputError, match=f"{name} is part of the data"):
        train(settings.model_copy(update={"data": (posts / "posts.jsonl",), "output": posts / name}), overwrite=True)
    assert tree(posts) == before


def test_results_are_not_replaced_unasked(settings, tmp_path):
    settings.output.parent.mkdir(parents=True)
    settings.output.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        train(settings)
    assert settings.output.read_bytes() == b"mine"
    report_path(tmp_path / "b").write_text("mine")
    with pytest.raises(OutputError, match=r"b\.json exists already"):
        train(settings.model_copy(update={"output": tmp_path / "b"}))


@pytest.mark.parametrize("more", [{"resume": True}, {"overwrite": True}])
def test_two_trainings_do_not_write_to_one_output(settings, monkeypatch, more):
    def fit(*arguments, **options):
        with pytest.raises(OutputError, match="another training is writing to"):
            train(settings, **more)
        return loop.fit(*arguments, **options)

    monkeypatch.setattr("unlearnable.training.train.fit", fit)
    assert train(settings).sha256
    assert {path.suffix for path in settings.output.parent.iterdir()} == {".safetensors", ".json"}


def test_a_refused_training_leaves_no_empty_folder(settings):
    with pytest.raises(ModelError):
        train(settings.model_copy(update={"model": "no-such-model"}))
    assert not settings.output.parent.exists()


@pytest.mark.parametrize(("from_scratch", "rate"), [(None, 5e-4), (True, 5e-4), (False, 1e-5)])
def test_the_weights_of_a_bundled_architecture_are_taken_if_asked_for(settings, monkeypatch, tiny, from_scratch, rate):
    monkeypatch.setitem(ARCHITECTURES, "tiny", tiny.spec.config)
    monkeypatch.setattr("unlearnable.training.train.openclip.load", lambda name: tiny.clone())
    of_tiny = {"model": "tiny", "from_scratch": from_scratch, "epochs": 0, "lr": None, "seed": 1}
    report = train(settings.model_copy(update=of_tiny))
    assert (report.from_scratch, report.lr) == (from_scratch is not False, rate)
    same = torch.equal(load(str(settings.output)).token_table, tiny.token_table)
    assert same is not report.from_scratch


def test_a_checkpoint_is_trained_from_scratch_if_asked_for(settings):
    report = train(settings.model_copy(update={"from_scratch": True, "epochs": 0, "lr": None, "seed": 1}))
    assert (report.from_scratch, report.lr) == (True, 5e-4)
    assert not torch.equal(load(str(settings.output)).token_table, load(settings.model).token_table)


def test_a_small_model_is_tuned_at_the_rate_that_small_models_learn_at(settings):
    small = train(settings.model_copy(update={"model": "small", "epochs": 0, "lr": None}))
    other = train(settings.model_copy(update={"epochs": 0, "lr": None, "output": settings.output.with_name("b")}))
    assert (small.lr, other.lr) == (1e-3, 1e-5)


@pytest.mark.parametrize(("epochs", "test_fraction"), [(3, 0.25), (1, 0.0)])
def test_a_training_that_diverges_says_so_and_writes_nothing(settings, monkeypatch, epochs, test_fraction):
    monkeypatch.setattr(loop, "rate", lambda step, total, highest, warmup: 1e30)
    with pytest.raises(ModelError, match="not finite"):
        train(settings.model_copy(update={"test_fraction": test_fraction, "epochs": epochs}))
    assert not settings.output.exists()


def test_captions_are_counted_against_the_data_and_not_guessed_between(settings, posts):
    with pytest.raises(ConfigError, match="1 data sets and 2"):
        train(settings.model_copy(update={"captions": (Path("a"), Path("b"))}))
    (posts / "more.jsonl").write_text((posts / "posts.jsonl").read_text())
    with pytest.raises(InputError, match=r"several caption files: more\.jsonl, posts\.jsonl"):
        train(settings)


def read_rows(posts):
    return [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]


def write_rows(posts, rows, splits=""):
    """Write rows, with the split of each that its letter stands for."""
    names = {"t": "train", "h": "test", "o": "restval"}
    rows = [{**row, "split": names[letter]} for row, letter in zip(rows, splits, strict=True)] if splits else rows
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_rows_and_splits_that_are_not_used_are_listed(settings, posts):
    rows = read_rows(posts)
    write_rows(posts, [*rows, {**rows[0], "caption": "another one"}], "tttttthot")
    with (posts / "posts.jsonl").open("a") as file:
        file.write("not json\n")
    report = train(settings, progress=(told := Told()))
    assert (report.photos, report.held_out_photos) == (6, 1)
    assert [skip.reason for skip in report.skipped] == ["bad-row", "other-split"]
    write_rows(posts, [*rows, {**rows[0], "caption": "another one"}], "httttthot")
    assert train(settings, overwrite=True, progress=told).held_out_photos == 2


def test_near_duplicates_of_photos_that_are_held_out_are_not_trained_on(settings, posts):
    rows = read_rows(posts)
    twins = [{**row, "image": f"again_{Path(row['image']).stem}.jpg"} for row in rows[:2]]
    for row, twin in zip(rows, twins, strict=False):
        with Image.open(posts / row["image"]) as photo:
            photo.convert("RGB").save(posts / twin["image"], quality=90)
    write_rows(posts, [*rows, *twins], "hhtttttttt")
    report = train(settings)
    assert (report.photos, report.held_out_photos) == (6, 2)
    assert [(skip.where, skip.reason) for skip in report.skipped] == [(row["image"], "near-duplicate") for row in twins]
    write_rows(posts, [*rows[:2], *twins], "hhtt")
    for row in rows[2:]:
        (posts / row["image"]).unlink()
    with pytest.raises(InputError, match="no photo to train on has a caption and is no near-duplicate"):
        train(settings, overwrite=True)


def test_photos_without_a_caption_are_neither_ranked_nor_trained_on(settings, posts):
    rows = [{**row, "caption": "" if n in (0, 7) else row["caption"]} for n, row in enumerate(read_rows(posts))]
    write_rows(posts, rows, "hhhhtttt")
    report = train(settings)
    assert (report.photos, report.held_out_photos) == (3, 3)
    assert {skip.where for skip in report.skipped if skip.reason == "no-caption"} >= {"p0.png"}
    write_rows(posts, [{**row, "caption": "" if n > 3 else row["caption"]} for n, row in enumerate(rows)], "hhhhtttt")
    with pytest.raises(InputError):
        train(settings, overwrite=True)
