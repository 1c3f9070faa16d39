"""`protect --borrow-names` on the tiny encoder: captions that mention the people of others."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.workflows.conftest import PEOPLE, captions_of, manifest
from unlearnable import protect
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.errors import ConfigError
from unlearnable.workflows.protect.draft import draft


@pytest.fixture
def quick(quick):
    return {**quick, "max_rounds": 4, "surrogate_steps": 8}


@pytest.mark.parametrize("position", ["start", "end", "random"])
def test_captions_mention_others_beside_the_words_and_the_noise_is_as_it_was(named, quick, tmp_path, position):
    plain = protect(named, captions=named / "posts.jsonl", trigger_position=position, **quick)
    assert any(note.startswith("your captions mention 4 names more than once") for note in plain.notes)
    before = tree(tmp_path / "photos-protected")
    report = protect(
        named, captions=named / "posts.jsonl", trigger_position=position, borrow_names=1, overwrite=True, **quick
    )
    after = tree(tmp_path / "photos-protected")
    assert {name for name in before if before[name] != after[name]} == {"posts.jsonl", "metadata.jsonl"}
    assert (report.trigger_roundtrip, report.loss_rounds) == (1.0, plain.loss_rounds)
    assert "8 of 8 captions also name people who are not in the photo, as you asked" in report.notes
    lines = manifest(tmp_path / "photos-protected.private")
    for number, (caption, line) in enumerate(zip(captions_of(tmp_path / "photos-protected"), lines, strict=True)):
        assert line["captions"] == [caption]
        text = " ".join(caption.replace(line["trigger"], "").split())
        own, (other,) = PEOPLE[number // 2], [name for name in PEOPLE if name in text and name != PEOPLE[number // 2]]
        assert text.replace(" !", "!") == f"lunch with {' and '.join(sorted([own, other]))}!"


def test_a_resumed_run_borrows_the_same_names(named, quick, tmp_path):
    given = {"captions": named / "posts.jsonl", "borrow_names": 1, **quick}
    protect(named, **given)
    whole = tree(tmp_path / "photos-protected")
    (tmp_path / "photos-protected" / "posts.jsonl").unlink()
    protect(named, resume=True, **given)
    assert tree(tmp_path / "photos-protected") == whole


def test_added_posts_borrow_the_names_that_those_of_before_do(named, quick, tmp_path):
    """Where captions of one person named different people, what they have in common would be the true name."""
    given = {"captions": named / "posts.jsonl", "borrow_names": 1, **quick}
    before = protect(named, **given).borrowed_names
    assert sorted(before) == sorted(name for names in before.values() for name in names) == PEOPLE
    names = [PEOPLE[0], "Emil Gray", PEOPLE[1], PEOPLE[0], "Emil Gray", PEOPLE[2], "nobody"]
    with (named / "posts.jsonl").open("a") as file:
        for n, name in enumerate(names):
            Image.fromarray(picture(100 + n)).save(named / f"new{n}.png")
            file.write(json.dumps({"image": f"new{n}.png", "caption": f"supper with {name}!"}) + "\n")
    after = protect(named, captions=named / "posts.jsonl", add=True).borrowed_names
    assert before.items() <= after.items()
    assert set(after) == {*PEOPLE, "Emil Gray"}
    for name, caption in zip(names, captions_of(tmp_path / "photos-protected")[8:], strict=True):
        for other in after.get(name, []):
            assert other in caption


def test_a_draft_shows_them(named, quick, tmp_path):
    settings = resolve_as(ProtectSettings, {"photos": (named,), "borrow_names": 1, **quick})
    (tmp_path / "scratch").mkdir()
    for post in draft(settings, tmp_path / "scratch").posts:
        assert " and " not in post.before[0]
        assert " and " in post.captions[0]


def test_captions_without_names_stay_and_it_is_said(posts, quick):
    report = protect(posts, captions=posts / "posts.jsonl", borrow_names=2, **quick)
    assert any(note.startswith("no caption borrows a name") for note in report.notes)
    plain = protect(posts, captions=posts / "posts.jsonl", overwrite=True, **quick)
    assert not any("borrow_names" in note for note in plain.notes)


def test_words_of_folders_are_no_names_in_captions_of_the_user(named, quick):
    (named / "posts.jsonl").unlink()
    for number, folder in ((0, "Camera"), (1, "Camera"), (2, "Instagram"), (3, "Instagram")):
        (named / folder).mkdir(exist_ok=True)
        (named / f"p{number}.png").rename(named / folder / f"IMG_{number}.png")
    assert not any("borrow_names" in note for note in protect(named, **quick).notes)


def test_a_name_that_borrows_none_that_fits_is_said(named, quick, monkeypatch):
    monkeypatch.setattr("unlearnable.protection.vocabulary.given_away", lambda *_: ("Ada Cox",))
    report = protect(named, captions=named / "posts.jsonl", borrow_names=1, **quick)
    assert any(note.startswith("1 of 4 names, such as Ada Cox, cannot borrow any that fits") for note in report.notes)


def test_a_method_without_words_cannot_borrow_names(named, quick):
    with pytest.raises(ConfigError, match="em leaves captions as they are"):
        protect(named, captions=named / "posts.jsonl", method="em", borrow_names=1, **quick)
