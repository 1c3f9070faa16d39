"""`protect --names` on the tiny encoder: names in captions as initials, or in letters that look alike."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.presets import preset
from tests.protect.conftest import PEOPLE, captions_of, manifest
from unlearnable import protect
from unlearnable.errors import ConfigError
from unlearnable.posts import open_dataset
from unlearnable.posts.names import plain
from unlearnable.protect.records import check
from unlearnable.verify.copies import match, open_protected


@pytest.fixture
def quick(quick):
    return {**quick, "preset": preset(max_rounds=4, surrogate_steps=8)}


@pytest.mark.parametrize("position", ["end"])
@pytest.mark.parametrize(("name", "own"), [((), ["A. C.", "B. D."]), (("Ada Cox",), ["A. C.", "Ben Dale"])])
def test_captions_hold_initials_in_place_of_all_names_or_of_those_given(named, quick, tmp_path, position, name, own):
    chosen = preset(max_rounds=4, surrogate_steps=8, trigger_position=position)
    given = {**quick, "captions": named / "posts.jsonl", "preset": chosen}
    report = protect(named, names="initials", name=name, **given)
    short = captions_of(tmp_path / "photos-protected")
    assert report.trigger_roundtrip == 1.0
    for caption, wanted in zip(short, [own[0], own[0], own[1], own[1]], strict=False):
        places = [caption.index(word) for word in ["lunch ", "with ", *wanted.split(), "!"]]
        assert places == sorted(places)
        assert len(caption.split()) == 4 + 3, "the trigger is there too"
    assert not any("Ada" in caption or "Cox" in caption for caption in short)
    assert [line["captions"] for line in manifest(tmp_path / "photos-protected.private")] == [[text] for text in short]
    assert any("initials" in note and "Ada Cox" in note for note in report.notes)
    assert check(tmp_path / "photos-protected").problems == []


def test_look_alike_letters_change_nothing_else_and_are_undone_by_an_attack(named, quick, tmp_path):
    given = {"captions": named / "posts.jsonl", **quick}
    losses = protect(named, **given).losses
    before, texts = tree(tmp_path / "photos-protected"), captions_of(tmp_path / "photos-protected")
    report = protect(named, names="lookalike", overwrite=True, **given)
    alike = captions_of(tmp_path / "photos-protected")
    assert [plain(text) for text in alike] == texts
    assert not [name for name in PEOPLE for text in alike if name in text]
    after = tree(tmp_path / "photos-protected")
    assert {name for name in before if before[name] != after[name]} == {"posts.jsonl", "metadata.jsonl"}
    assert report.losses == losses, "the loss is that of whoever undoes the letters"


def test_who_names_people_is_told_what_could_be_done(named, at_once):
    notes = protect(named, captions=named / "posts.jsonl", **at_once).notes
    assert any("your captions name Ada Cox" in note and "names='initials'" in note for note in notes)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"names": "initials", "name": ("Ada Cox", "Ada Cocks")}, "no caption mentions Ada Cocks"),
        ({"name": ("Ada Cox",)}, "changes nothing by itself"),
        ({"method": "em", "names": "initials"}, "em leaves captions as they are"),
    ],
)
def test_what_would_change_nothing_is_refused_before_anything_is_written(named, quick, tmp_path, given, message):
    with pytest.raises(ConfigError, match=message):
        protect(named, captions=named / "posts.jsonl", **given, **quick)
    assert not (tmp_path / "photos-protected.private").exists()


@pytest.mark.parametrize("style", ["initials", "lookalike"])
def test_added_posts_have_names_as_those_of_before_and_more_may_be_given(named, at_once, tmp_path, style):
    protect(named, captions=named / "posts.jsonl", names=style, name=("Ada Cox",), **at_once)
    with (named / "posts.jsonl").open("a") as file:
        for n, name in enumerate(["Ada Cox", "Emil Gray"]):
            Image.fromarray(picture(100 + n)).save(named / f"new{n}.png")
            file.write(json.dumps({"image": f"new{n}.png", "caption": f"supper with {name}!"}) + "\n")
    protect(named, captions=named / "posts.jsonl", name=("Emil Gray",), add=True)
    texts = captions_of(tmp_path / "photos-protected")[8:]
    assert not any("Ada" in text or "Emil" in text for text in texts)
    assert check(tmp_path / "photos-protected").problems == []


@pytest.mark.parametrize("style", ["initials", "lookalike"])
def test_verify_matches_captions_whose_names_were_changed(named, at_once, tmp_path, style):
    protect(named, captions=named / "posts.jsonl", names=style, **at_once)
    originals = open_dataset(named, named / "posts.jsonl")
    posts, _ = match(originals, open_protected(tmp_path / "photos-protected", originals, None))
    assert len(posts) == 8
