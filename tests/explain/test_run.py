"""`explain` and `preview` as calls."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unlearnable
from tests.conftest import picture, tree
from unlearnable.errors import ConfigError, InputError, ModelError, OutputError
from unlearnable.explain.run import read_post
from unlearnable.models.openclip import save
from unlearnable.report import ManifestLine


@pytest.fixture
def published(posts):
    """Posts with copies beside them and a private manifest, as `protect` leaves them."""
    copy = posts.with_name("photos-protected")
    shutil.copytree(posts, copy)
    private = posts.with_name("photos-protected.private")
    private.mkdir()
    line = ManifestLine(source="trip/p7.jpg", output="trip/p7.png", trigger="one two", captions=["one two my bike 7"])
    (private / "manifest.jsonl").write_text("{broken\n" + line.model_dump_json() + "\n")
    return copy


@pytest.fixture
def explain(published, tiny_path, tmp_path):
    """Explain a photo by the tiny model, by default into `out`."""

    def call(**changes):
        given = {"photo": published / "p0.png", "caption": "a cat", "model": str(tiny_path), "output": tmp_path / "out"}
        given |= changes
        return unlearnable.explain(given.pop("photo"), **given)

    return call


def test_a_photo_of_a_protected_folder_brings_its_caption_and_trigger(published, explain, tmp_path):
    report = explain(photo=published / "trip" / "p7.png", caption=None)
    assert (report.caption, report.trigger) == ("one two my bike 7", "one two")
    (one,) = report.explanations
    assert one.model == "tiny"
    assert [word.word for word in one.words] == ["one", "two", "my", "bike", "7"]
    assert one.trigger_words_share == pytest.approx(0.4)
    total = sum(abs(word.attribution) for word in one.words)
    assert one.trigger_share == pytest.approx(sum(abs(w.attribution) for w in one.words[:2]) / total)
    assert sum(word.attribution for word in one.words) == pytest.approx(one.similarity - one.similarity_blank, rel=0.02)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"attention.png", "attention.svg", "explain.json"}
    assert json.loads((tmp_path / "out" / "explain.json").read_text()) == json.loads(report.model_dump_json())


def test_a_photo_of_a_protected_folder_is_known_by_any_path_to_it(published, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(published)
    assert read_post(tmp_path / "link" / "trip" / "p7.png", None, None).trigger == "one two"
    monkeypatch.chdir(published / "trip")
    assert read_post(Path("../trip/p7.png"), None, None).caption == "one two my bike 7"
    assert read_post(Path("p7.png"), "my bike", None).caption == "my bike"


def test_a_map_holds_the_same_posts_of_each_data_set(posts, published, tiny, tiny_path, tmp_path):
    other = tmp_path / "other.safetensors"
    save(tiny, other)
    report = unlearnable.explain(
        model=(str(tiny_path), str(other)), map=(posts / "posts.jsonl", published), output=tmp_path / "out", seed=3
    )
    assert report.explanations == []
    assert [one.model for one in report.maps] == ["tiny", "other"]
    first, second = ({point.post for point in one.points} for one in report.maps)
    assert first == second
    assert len(first) == 8
    assert {point.kind for point in report.maps[0].points} == {"photo", "caption"}
    assert report.maps[0].cosine_own == pytest.approx(report.maps[1].cosine_own)
    assert report.files == ["map.png", "map.svg"]


def test_data_sets_that_do_not_match_are_named(posts, published, tiny_path, tmp_path):
    rows = (published / "posts.jsonl").read_text().splitlines()
    (published / "posts.jsonl").write_text("\n".join(rows[:2]) + "\n")
    for photo in published.glob("p[2-6].png"):
        photo.unlink()
    with pytest.raises(InputError, match="has no post"):
        unlearnable.explain(model=(str(tiny_path),) * 2, map=(posts, published), output=tmp_path / "out")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, ConfigError),
        ({"photo": "none.png"}, InputError),
        ({"photo": "photos"}, InputError),
        ({"photo": "photos/p0.png"}, ConfigError),
        ({"photo": "photos/p0.png", "caption": "&nbsp; &nbsp;"}, ConfigError),
        ({"photo": "photos/posts.jsonl", "caption": "a dog"}, InputError),
        ({"photo": "photos/p0.png", "caption": "a dog", "output": "photos"}, ConfigError),
        ({"photo": "photos/p0.png", "caption": "a dog", "output": "photos/p1.png/new"}, OutputError),
        ({"photo": "photos/p0.png", "caption": "a dog", "model": "no-such-model"}, ModelError),
        ({"map": ("photos", "photos", "photos")}, ConfigError),
        ({"map": ("photos",), "output": "photos/new"}, ConfigError),
        ({"map": ("photos",), "output": "."}, OutputError),
    ],
)
def test_what_cannot_be_explained_leaves_everything_as_it_was(posts, tiny_path, monkeypatch, given, error):
    monkeypatch.chdir(posts.parent)
    before = tree(posts.parent)
    with pytest.raises(error):
        unlearnable.explain(given.pop("photo", None), **{"model": str(tiny_path), "overwrite": False, **given})
    assert tree(posts.parent) == before


def test_a_replacement_takes_away_the_figures_that_it_does_not_draw_and_nothing_else(posts, explain, tmp_path):
    assert "map.png" in explain(map=(posts,)).files
    (tmp_path / "out" / "mine.png").write_bytes(b"of the user")
    with pytest.raises(OutputError):
        explain(overwrite=True)
    (tmp_path / "out" / "mine.png").unlink()
    second = explain(overwrite=True)
    assert {path.name for path in (tmp_path / "out").glob("[!.]*")} == {*second.files, "explain.json"}


def test_a_preview_measures_what_it_shows(posts, tmp_path):
    before = picture(0)
    Image.fromarray((before.astype(int) + np.where(before < 128, 5, -5)).astype(np.uint8)).save(tmp_path / "copy.png")
    target = tmp_path / "look.png"
    report = unlearnable.preview(posts / "p0.png", tmp_path / "copy.png", target)
    assert report.linf == 5
    with Image.open(target) as image:
        assert image.width > 3 * 64
    assert unlearnable.preview(posts / "p0.png", posts / "p0.png", target, overwrite=True).psnr is None


@pytest.mark.parametrize(
    ("photo", "copy", "target", "error"),
    [
        ("photos/p0.png", "small.png", "look.png", InputError),
        ("none.png", "small.png", "look.png", InputError),
        ("photos/posts.jsonl", "small.png", "look.png", InputError),
        ("photos/p0.png", "photos/p0.png", "sheet.gif", ConfigError),
        ("photos/p0.png", "photos/p0.png", "small.png", OutputError),
        ("photos/p0.png", "small.png", "small.png", OutputError),
    ],
)
def test_what_has_no_preview_leaves_everything_as_it_was(posts, monkeypatch, photo, copy, target, error):
    monkeypatch.chdir(posts.parent)
    Image.fromarray(picture(0, 40, 40)).save("small.png")
    before = tree(posts.parent)
    with pytest.raises(error):
        unlearnable.preview(photo, copy, target)
    assert tree(posts.parent) == before


def test_what_shows_originals_is_not_written_where_all_may_be_published(posts, published, explain, monkeypatch):
    monkeypatch.chdir(published / "trip")
    with pytest.raises(OutputError, match=r"p7-preview\.png would lie in"):
        unlearnable.preview(posts / "trip" / "p7.png", Path("p7.png"))
    with pytest.raises(OutputError, match="explained"):
        explain(output=Path("explained"))
    assert [path.name for path in Path().iterdir()] == ["p7.png"]
