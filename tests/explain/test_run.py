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
from unlearnable.explain import run
from unlearnable.explain.run import post_of, titles_of
from unlearnable.models.openclip import load as load_model
from unlearnable.models.openclip import save
from unlearnable.report import ManifestLine
from unlearnable.storage import files


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


def test_a_photo_of_a_protected_folder_brings_its_caption_and_trigger(published, tiny_path, tmp_path):
    report = unlearnable.explain(published / "trip" / "p7.png", model=(str(tiny_path),), output=tmp_path / "out")
    assert (report.caption, report.trigger) == ("one two my bike 7", "one two")
    (one,) = report.explanations
    assert one.model == "tiny"
    assert [word.word for word in one.words] == ["one", "two", "my", "bike", "7"]
    assert one.trigger_words_share == pytest.approx(0.4)
    total = sum(abs(word.attribution) for word in one.words)
    assert one.trigger_share == pytest.approx(sum(abs(w.attribution) for w in one.words[:2]) / total)
    assert sum(word.attribution for word in one.words) == pytest.approx(one.similarity - one.similarity_blank, rel=0.02)
    assert one.completeness_error <= 0.02
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"attention.png", "attention.svg", "explain.json"}
    assert json.loads((tmp_path / "out" / "explain.json").read_text()) == json.loads(report.model_dump_json())


def test_a_caption_that_is_given_wins_and_a_trigger_that_is_not_there_has_no_share(published, tiny_path, tmp_path):
    report = unlearnable.explain(
        published / "trip" / "p7.png", caption="my bike", model=(str(tiny_path),), output=tmp_path / "out"
    )
    assert report.caption == "my bike"
    assert report.explanations[0].trigger_share is None


def test_a_map_holds_the_same_posts_of_each_data_set(posts, published, tiny, tiny_path, tmp_path):
    other = tmp_path / "other.safetensors"
    save(tiny, other)
    report = unlearnable.explain(
        model=(str(tiny_path), str(other)), map=(posts, published), map_posts=4, output=tmp_path / "out", seed=3
    )
    assert report.explanations == []
    assert [one.model for one in report.maps] == ["tiny", "other"]
    first, second = ({point.post for point in one.points} for one in report.maps)
    assert first == second
    assert len(first) == 4
    assert {point.kind for point in report.maps[0].points} == {"photo", "caption"}
    assert report.maps[0].cosine_own == pytest.approx(report.maps[1].cosine_own)
    assert report.files == ["map.png", "map.svg"]


def test_a_map_holds_photos_of_one_stem(tiny_path, tmp_path):
    (tmp_path / "photos").mkdir()
    for number, name in enumerate(("a.jpg", "a.png")):
        Image.fromarray(picture(number)).save(tmp_path / "photos" / name)
    rows = [json.dumps({"image": name, "caption": f"of {name}"}) for name in ("a.jpg", "a.png")]
    (tmp_path / "photos" / "posts.jsonl").write_text("\n".join(rows))
    report = unlearnable.explain(model=(str(tiny_path),), map=(tmp_path / "photos",), output=tmp_path / "out")
    assert {point.post for point in report.maps[0].points} == {"a.jpg", "a.png"}


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({}, ConfigError, "nothing to explain"),
        ({"photo": "none.png"}, InputError, "none.png"),
        ({"photo": "photos"}, InputError, "photos is a folder"),
        ({"photo": "photos/p0.png"}, ConfigError, "no caption"),
        ({"photo": "photos/p0.png", "caption": "  "}, ConfigError, "no caption"),
        ({"photo": "photos/posts.jsonl", "caption": "a dog"}, InputError, "not-an-image"),
        ({"map": ("photos", "photos", "photos")}, ConfigError, "3 folders"),
        ({"map": ("photos",), "map_captions": ("a", "b")}, ConfigError, "2 caption files"),
        ({"map": ("photos",), "output": "photos/new"}, ConfigError, "lies in photos, which is read"),
        ({"map": ("photos",), "output": "."}, OutputError, "exists already"),
    ],
)
def test_what_cannot_be_explained_is_said(posts, tiny_path, monkeypatch, given, error, words):
    monkeypatch.chdir(posts.parent)
    before = tree(posts.parent)
    with pytest.raises(error, match=words):
        unlearnable.explain(given.pop("photo", None), model=(str(tiny_path),), **given)
    assert tree(posts.parent) == before


def test_data_sets_that_do_not_match_are_named(posts, published, tiny_path, tmp_path):
    rows = (published / "posts.jsonl").read_text().splitlines()
    (published / "posts.jsonl").write_text("\n".join(rows[:2]) + "\n")
    for photo in published.glob("p[2-6].png"):
        photo.unlink()
    with pytest.raises(InputError, match="has no post"):
        unlearnable.explain(model=(str(tiny_path),) * 2, map=(posts, published), output=tmp_path / "out")


def test_models_of_one_name_are_told_apart(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.safetensors").touch()
    first, second = str(tmp_path / "a" / "m.safetensors"), str(tmp_path / "b" / "m.safetensors")
    assert titles_of((first, "small")) == ["m", "small"]
    assert titles_of((first, second)) == [first, second]
    assert titles_of((first, first)) == ["m", "m"]


def test_a_preview_measures_what_it_shows(posts, tmp_path):
    before = picture(0)
    Image.fromarray((before.astype(int) + np.where(before < 128, 5, -5)).astype(np.uint8)).save(tmp_path / "copy.png")
    target = tmp_path / "look.png"
    report = unlearnable.preview(posts / "p0.png", tmp_path / "copy.png", target)
    assert (report.linf, report.width, report.height) == (5, 64, 48)
    with Image.open(target) as image:
        assert image.width > 3 * 64
    assert unlearnable.preview(posts / "p0.png", posts / "p0.png", target, overwrite=True).psnr is None
    with pytest.raises(OutputError, match="exists already"):
        unlearnable.preview(posts / "p0.png", tmp_path / "copy.png", target)


@pytest.mark.parametrize("place", ["photos/look", "photos/seen/look", "look"])
def test_pictures_that_were_asked_for_among_the_photos_are_said(posts, tmp_path, tiny_path, place):
    shown = unlearnable.preview(posts / "p0.png", posts / "p0.png", tmp_path / f"{place}.png")
    explained = unlearnable.explain(posts / "p0.png", caption="a dog", model=str(tiny_path), output=tmp_path / place)
    for report in (shown, explained):
        said = f"{report.output} lies in {posts} as the photo does, where protect takes pictures for photos"
        assert any(note.startswith(said) for note in report.notes) == place.startswith("photos")


def test_pictures_of_two_sizes_have_no_preview(posts, tmp_path):
    Image.fromarray(picture(0, 40, 40)).save(tmp_path / "copy.png")
    with pytest.raises(InputError, match=r"64 x 48.*40 x 40"):
        unlearnable.preview(posts / "p0.png", tmp_path / "copy.png", tmp_path / "look.png")
    for wrong in ("none.png", "posts.jsonl"):
        with pytest.raises(InputError, match=wrong) as caught:
            unlearnable.preview(posts / wrong, tmp_path / "copy.png", tmp_path / "look.png")
        assert wrong != "none.png" or caught.value.hint == "check the path"
    assert not (tmp_path / "look.png").exists()


def test_what_shows_originals_is_not_written_where_all_may_be_published(posts, published, tiny_path, monkeypatch):
    monkeypatch.chdir(published / "trip")
    with pytest.raises(OutputError, match=r"p7-preview.png would lie in .*photos-protected, which is to be published"):
        unlearnable.preview(posts / "trip" / "p7.png", Path("p7.png"))
    with pytest.raises(OutputError, match="explained"):
        unlearnable.explain(posts / "p0.png", caption="a dog", model=(str(tiny_path),))
    assert [path.name for path in Path().iterdir()] == ["p7.png"]


def test_a_photo_of_a_protected_folder_is_known_by_any_path_to_it(published, tmp_path, monkeypatch):
    link = tmp_path / "link"
    link.symlink_to(published)
    assert post_of(link / "trip" / "p7.png", None, None).trigger == "one two"
    monkeypatch.chdir(published / "trip")
    assert post_of(Path("../trip/p7.png"), None, None).caption == "one two my bike 7"


def test_a_caption_of_blanks_that_html_writes_is_none(posts):
    with pytest.raises(ConfigError, match="no caption of"):
        post_of(posts / "p0.png", "&nbsp; &nbsp;", None)


@pytest.mark.parametrize("error", [OutputError("the disk is full"), KeyboardInterrupt()])
def test_nothing_is_left_where_not_all_could_be_written(published, tiny_path, tmp_path, monkeypatch, error):
    def fail(path, text):
        assert list(path.parent.glob("attention.*"))
        raise error

    def again():
        return unlearnable.explain(
            published / "p0.png", model=(str(tiny_path),), output=tmp_path / "new" / "e", caption="a cat"
        )

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_text", fail)
        with pytest.raises(type(error)):
            again()
    assert not (tmp_path / "new").exists()
    assert again().files


def test_an_earlier_result_stays_whole_where_its_replacement_fails(published, tiny_path, tmp_path, monkeypatch):
    def again(caption):
        given = {"model": (str(tiny_path),), "output": tmp_path / "out", "overwrite": True}
        return unlearnable.explain(published / "p0.png", caption=caption, **given)

    def fail(*_):
        raise KeyboardInterrupt

    again("a cat")
    before = tree(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_text", fail)
        with pytest.raises(KeyboardInterrupt):
            again("a bicycle")
    assert tree(tmp_path / "out") == before, "a new figure stood beside old numbers"
    again("a bicycle")
    after = tree(tmp_path / "out")
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in before)


def test_a_figure_that_no_report_names_is_not_replaced(posts, tiny_path, tmp_path):
    given = {"caption": "a cat", "model": (str(tiny_path),), "output": tmp_path / "out", "overwrite": True}
    first = unlearnable.explain(posts / "p0.png", **given)
    (tmp_path / "out" / "map.png").write_bytes(b"of the user")
    with pytest.raises(OutputError, match="did not write"):
        unlearnable.explain(posts / "p0.png", map=(posts,), map_posts=4, **given)
    assert (tmp_path / "out" / "map.png").read_bytes() == b"of the user"
    (tmp_path / "out" / "map.png").unlink()
    second = unlearnable.explain(posts / "p0.png", map=(posts,), map_posts=4, **given)
    assert set(first.files) < set(second.files)


def test_a_replacement_takes_away_the_figures_of_before_that_it_does_not_draw(posts, tiny_path, tmp_path):
    given = {"caption": "a cat", "model": (str(tiny_path),), "output": tmp_path / "out", "overwrite": True}
    first = unlearnable.explain(posts / "p0.png", map=(posts,), map_posts=4, **given)
    assert "map.png" in first.files
    (tmp_path / "out" / "mine.png").write_bytes(b"of the user")
    second = unlearnable.explain(posts / "p0.png", **given)
    left = {*second.files, "explain.json", "mine.png"}
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name != ".lock"} == left


def test_a_photo_that_has_the_place_of_a_figure_is_refused(posts, tiny_path):
    for name in ("map.png", "attention.png"):
        photo = posts / name
        photo.write_bytes((posts / "p0.png").read_bytes())
        with pytest.raises(ConfigError, match=f"{name} has the place of a figure in the output"):
            unlearnable.explain(photo, caption="a cat", model=(str(tiny_path),), output=posts, overwrite=True)
        assert photo.read_bytes() == (posts / "p0.png").read_bytes()


def test_a_preview_that_would_not_be_a_png_by_name_is_refused(posts, tmp_path):
    with pytest.raises(ConfigError, match="is a PNG"):
        unlearnable.preview(posts / "p0.png", posts / "p0.png", tmp_path / "sheet.gif")
    assert not (tmp_path / "sheet.gif").exists()


def test_a_folder_that_cannot_be_written_is_said_before_any_model_is_loaded(published, tmp_path):
    (tmp_path / "taken").touch()
    output = tmp_path / "taken" / "e"
    with pytest.raises(OutputError, match="cannot write"):
        unlearnable.explain(published / "p0.png", caption="a cat", model=("no-such-model",), output=output)
    with pytest.raises(ModelError):
        unlearnable.explain(
            published / "p0.png", caption="a cat", model=("no-such-model",), output=tmp_path / "new" / "e"
        )
    assert not (tmp_path / "new").exists()


def test_what_a_killed_run_left_half_written_is_in_nobodys_way(published, tiny_path, tmp_path):
    half = tmp_path / "out" / ".staging.partial.d" / "attention.svg"
    half.parent.mkdir(parents=True)
    half.write_text("<svg")
    (tmp_path / "out" / ".lock").touch()
    report = unlearnable.explain(
        published / "p0.png", caption="a cat", model=(str(tiny_path),), output=tmp_path / "out"
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*report.files, "explain.json"}


def test_two_runs_do_not_write_to_one_output(published, tiny_path, tmp_path, monkeypatch):
    def again(*_):
        return unlearnable.explain(
            published / "p0.png", caption="a cat", model=(str(tiny_path),), output=tmp_path / "out"
        )

    def load(name):
        with pytest.raises(OutputError, match="another run of explain is writing to"):
            again()
        return load_model(name)

    monkeypatch.setattr(run, "load_model", load)
    assert again().files
