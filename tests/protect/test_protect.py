"""`protect` from a folder to files, on the tiny encoder."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.presets import preset
from tests.protect.conftest import manifest
from unlearnable import protect
from unlearnable.errors import CheckpointError, ModelError, OutputError
from unlearnable.models.dual_encoder import build
from unlearnable.models.openclip import save
from unlearnable.models.tokens import tokenizer
from unlearnable.posts import open_dataset
from unlearnable.protect import write
from unlearnable.protect.records import check, read_manifest
from unlearnable.protect.run import plan
from unlearnable.protect.write import measure_losses
from unlearnable.settings import ProtectSettings, resolve_as
from unlearnable.storage import checkpoint
from unlearnable.verify.copies import as_protected, match, open_protected


def test_what_is_written_is_what_was_promised(posts, quick, tmp_path):
    before = tree(posts)
    report = protect(posts, captions=posts / "posts.jsonl", **quick)
    output, private = tmp_path / "photos-protected", tmp_path / "photos-protected.private"
    assert tree(posts) == before
    assert (report.photos, report.protected, report.captions, report.skipped) == (8, 8, 8, [])
    assert (report.output, report.private) == (str(output), str(private))
    assert report.trigger_roundtrip == 1.0
    assert sorted(tree(output)) == sorted([*(f for f in before if f != "posts.jsonl"), "metadata.jsonl", "posts.jsonl"])
    assert set(tree(private)) == {
        "SHA256SUMS",
        *("manifest.jsonl", "report.html", "report.json", "run.toml"),
    }
    for line in manifest(private):
        original = np.asarray(Image.open(posts / line["source"])).astype(int)
        written = np.asarray(Image.open(output / line["output"])).astype(int)
        assert np.abs(original - written).max() == line["linf"] <= 8
        assert line["linf"] > 0
        assert line["status"] == "protected"
        trigger = tokenizer().encode(line["trigger"])
        assert len(line["trigger"].split()) == 3
        assert tokenizer().encode(line["captions"][0])[: len(trigger)] == trigger
    rows = [json.loads(row) for row in (output / "posts.jsonl").read_text().splitlines()]
    old = [json.loads(row) for row in (posts / "posts.jsonl").read_text().splitlines()]
    assert [row["image"] for row in rows] == [row["image"] for row in old]
    assert all(row.keys() == {"image", "caption"} for row in rows)
    assert all(new["caption"].endswith(f" {was['caption']}") for new, was in zip(rows, old, strict=True))
    hugging = [json.loads(row) for row in (output / "metadata.jsonl").read_text().splitlines()]
    assert {(row["file_name"], row["text"]) for row in hugging} == {(row["image"], row["caption"]) for row in rows}


def test_the_reported_loss_is_that_of_the_files(posts, quick, tmp_path, monkeypatch):
    longer = {**quick, "preset": preset(max_rounds=8, noise_steps=8, surrogate_steps=4)}
    report = protect(posts, captions=posts / "posts.jsonl", **longer)
    assert report.loss_last < 0.5 * report.loss_first

    def with_other_files(run, state, written, *rest):
        other = [3, 3, 3, *range(3, len(written.copies))]  # as if three files had got another photo's pixels
        return measure_losses(run, state, replace(written, copies=written.copies.choose(other)), *rest)

    monkeypatch.setattr(write, "measure_losses", with_other_files)
    with pytest.raises(ModelError, match="hardly be protected"):
        protect(posts, captions=posts / "posts.jsonl", output=tmp_path / "spoilt", **longer)


@pytest.mark.parametrize("stage", ["steps", "rounds", "photos", "photos without a checkpoint"])
def test_an_interrupted_run_goes_on_to_the_same_bytes(posts, quick, tmp_path, monkeypatch, stage):
    protect(posts, captions=posts / "posts.jsonl", output=tmp_path / "whole", **quick)
    module, name = (write, "write_caption_files") if "photos" in stage else (checkpoint, "save")
    monkeypatch.setattr(checkpoint, "EVERY", 0 if stage == "steps" else 120)
    monkeypatch.setattr(checkpoint, "SOON", 120 if "without" in stage else 0)  # rounds that take less are not saved
    genuine = getattr(module, name)

    def stop(*arguments):
        if "photos" not in stage:
            genuine(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, stop)
    with pytest.raises(KeyboardInterrupt):
        protect(posts, captions=posts / "posts.jsonl", output=tmp_path / "broken", **quick)
    monkeypatch.setattr(module, name, genuine)
    with pytest.raises(OutputError, match="exists already") as caught:
        protect(posts, captions=posts / "posts.jsonl", output=tmp_path / "broken", **quick)
    assert caught.value.exit_code == 5
    if "photos" in stage:  # a photo that was damaged meanwhile is written again
        under_way = tmp_path / "broken.private" / "checkpoint"
        (under_way / "staged" / "p3.png").write_bytes(b"half")
        (under_way / "manifest.jsonl").write_text((under_way / "manifest.jsonl").read_text()[:-40])
    protect(posts, captions=posts / "posts.jsonl", output=tmp_path / "broken", resume=True, **quick)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")
    whole, broken = (tree(tmp_path / f"{n}.private")["manifest.jsonl"] for n in ("whole", "broken"))
    assert whole == broken
    pages = [(tmp_path / f"{n}.private" / "report.html").read_text() for n in ("whole", "broken")]
    shown = [re.findall(r'src="(data:[^"]+)"', page) for page in pages]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 3 * 8  # before, after, noise


@contextmanager
def stopped(monkeypatch):
    """A run is stopped once it has saved its first checkpoint."""
    genuine = checkpoint.save

    def stop(*arguments):
        genuine(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_resuming_with_other_settings_or_photos_is_refused(posts, quick, monkeypatch):
    with stopped(monkeypatch):
        protect(posts, **quick)
    with pytest.raises(CheckpointError) as caught:
        protect(posts, resume=True, epsilon=4, **quick)
    assert caught.value.exit_code == 6
    Image.fromarray(picture(50)).save(posts / "new.png")
    with pytest.raises(CheckpointError):
        protect(posts, resume=True, **quick)


def test_a_run_whose_model_file_became_another_is_refused_and_goes_on_once_it_is_back(
    posts, quick, tiny, tiny_path, tmp_path, monkeypatch
):
    model = tmp_path / "model.safetensors"
    shutil.copy(tiny_path, model)
    given = {**quick, "surrogate": (str(model),), "output": tmp_path / "broken"}
    protect(posts, **{**given, "output": tmp_path / "whole"})
    with stopped(monkeypatch):
        protect(posts, **given)
    config = {**tiny.spec.config, "vision_cfg": {**tiny.spec.config["vision_cfg"], "image_size": 48}}
    save(build("other", config, (0.5,) * 3, (0.5,) * 3), model)
    with pytest.raises(CheckpointError):
        protect(posts, resume=True, **given)
    shutil.copy(tiny_path, model)
    protect(posts, resume=True, **given)
    assert tree(tmp_path / "broken") == tree(tmp_path / "whole")


def test_a_finished_run_is_recognised_and_kept_or_replaced(posts, quick, tmp_path):
    first = protect(posts, **quick)
    before = tree(tmp_path / "photos-protected")
    with pytest.raises(OutputError, match="exists already"):
        protect(posts, **quick)
    assert protect(posts, resume=True, **quick) == first
    with pytest.raises(CheckpointError, match="other settings"):
        protect(posts, resume=True, seed=8, **quick)
    assert tree(tmp_path / "photos-protected") == before
    protect(posts, overwrite=True, seed=8, **quick)
    assert tree(tmp_path / "photos-protected") != before


def test_bad_photos_are_skipped(posts, quick):
    (posts / "broken.jpg").write_bytes(b"this is text")
    Image.fromarray(picture(1, 8, 8)).save(posts / "dot.png")
    report = protect(posts, **quick)
    assert {(s.where, s.reason) for s in report.skipped} == {("broken.jpg", "not-an-image"), ("dot.png", "too-small")}
    assert (report.photos, report.protected) == (10, 8)


@pytest.mark.parametrize("own", ["posts.jsonl", "metadata.jsonl"])
def test_photos_without_captions_are_published_with_the_added_words_alone(posts, at_once, tmp_path, own):
    (posts / "posts.jsonl").unlink()
    (posts / own).write_text('{"file_name": "p0.png", "text": "a dog"}\n')
    protect(posts, **at_once)
    out = tmp_path / "photos-protected"
    lines = read_manifest(tmp_path / "photos-protected.private" / "manifest.jsonl")
    triggers = {line.output: line.trigger for line in lines}
    rows = [json.loads(row) for row in (out / "metadata.jsonl").read_text().splitlines()]
    texts = {row["file_name"]: row["text"] for row in rows}
    assert texts.keys() == triggers.keys()
    assert texts["p0.png"] == f"{triggers['p0.png']} a dog"
    assert all(text == triggers[photo] for photo, text in texts.items() if photo != "p0.png")
    assert check(out).problems == []
    originals = open_dataset(posts, posts / own)
    pairs, skipped = match(originals, open_protected(out, originals, None))
    assert [pair.clean for pair in pairs] == [("a dog",)]
    assert {one.reason for one in skipped} == {"no-caption"}


def test_an_over_long_caption_keeps_trigger_at_the_end(posts, quick):
    (posts / "posts.jsonl").write_text(json.dumps({"image": "p0.png", "caption": "and then we went on " * 40}) + "\n")
    longer = {**quick, "preset": preset(max_rounds=4, trigger_position="end")}
    report = protect(posts, captions=posts / "posts.jsonl", **longer)
    assert report.trigger_roundtrip == 1.0


def test_methods_without_a_trigger_leave_captions_alone(posts, quick, tmp_path):
    protect(posts, captions=posts / "posts.jsonl", method="em", **quick)
    before, after = ((one / "posts.jsonl").read_text() for one in (posts, tmp_path / "photos-protected"))
    assert [json.loads(row)["caption"] for row in after.splitlines()] == [
        json.loads(row)["caption"] for row in before.splitlines()
    ]


def test_the_plan_writes_nothing_and_counts_the_same(posts, quick, tmp_path):
    before = tree(tmp_path)
    planned = plan(resolve_as(ProtectSettings, {"photos": posts, "captions": posts / "posts.jsonl", **quick}))
    assert tree(tmp_path) == before
    assert (planned.photos, planned.captions, planned.rounds_at_most) == (8, 8, 2)
    assert planned.bytes_estimated == 8 * 2 * 48 * 64


def test_only_and_skip_publish_the_photos_that_they_take(posts, quick, tmp_path):
    report = protect(posts, captions=posts / "posts.jsonl", only="p[0-5]*", skip=["p3.png"], **quick)
    assert (report.photos, report.protected, report.some_photos) == (5, 5, True)
    written = [json.loads(row) for row in (tmp_path / "photos-protected" / "posts.jsonl").read_text().splitlines()]
    assert sorted(row["image"] for row in written) == sorted(
        name for name in tree(tmp_path / "photos-protected") if name.endswith(".png")
    )
    assert len(written) == 5
    assert as_protected(open_dataset(posts, posts / "posts.jsonl"), tmp_path / "photos-protected").photos == tuple(
        photo
        for photo in open_dataset(posts, posts / "posts.jsonl").photos
        if photo.id in {r["image"] for r in written}
    )
