"""`protect --initials` on the tiny encoder: names in captions as their initials."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from tests.conftest import Told, picture
from tests.workflows.conftest import PEOPLE, captions_of, manifest
from unlearnable import protect
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.datasets import open_dataset
from unlearnable.errors import ConfigError
from unlearnable.posts.letters import plain
from unlearnable.verify.matching import match, open_protected
from unlearnable.workflows.protect.adding.settings import continued
from unlearnable.workflows.protect.check import check
from unlearnable.workflows.protect.dry_run import plan


@pytest.fixture
def quick(quick):
    return {**quick, "max_rounds": 4, "surrogate_steps": 8}


@pytest.mark.parametrize("position", ["start", "end", "random"])
def test_captions_hold_initials_in_place_of_names(named, quick, tmp_path, position):
    given = {"captions": named / "posts.jsonl", "trigger_position": position, **quick}
    report = protect(named, initials=("Ada Cox", "Dora Fitz"), **given)
    short = captions_of(tmp_path / "photos-protected")
    assert report.trigger_roundtrip == 1.0
    for number, caption in enumerate(short):
        own = ["A. C.", "Ben Dale", "Cleo Ekholm", "D. F."][number // 2].split()
        places = [caption.index(word) for word in ["lunch ", "with ", own[0], own[1], "!"]]
        assert places == sorted(places)
        assert not re.search("Ada|Cox|Dora|Fitz", caption)
        assert len(caption.split()) == 4 + 3, "the trigger is there too"
    lines = manifest(tmp_path / "photos-protected.private")
    assert [line["captions"] for line in lines] == [[caption] for caption in short]
    assert [note for note in report.notes if "initials" in note or "stay as" in note] == [
        "names stand as initials in 4 of 8 captions, as you asked",
        "2 other names that your captions mention more than once, such as Ben Dale, stay as they are",
    ]
    assert check(tmp_path / "photos-protected").problems == []


def test_files_that_still_say_a_name_are_named(named, quick, tmp_path):
    rows = [json.loads(row) for row in (named / "posts.jsonl").read_text().splitlines()]
    (named / "p0.png").rename(named / "ada_cox-0.png")
    rows[0]["image"], rows[1]["keywords"] = "ada_cox-0.png", ["Ada Cox"]
    (named / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    notes = protect(named, captions=named / "posts.jsonl", initials=("Ada Cox", "Dora Fitz"), **quick).notes
    assert [note for note in notes if "still" in note] == [
        "ada_cox-0.png, metadata.jsonl, posts.jsonl still say Ada Cox, in a name of a file, a tag, a handle or "
        "another field than the caption: these stay as they are"
    ]


def test_who_mentions_a_name_more_than_once_is_told_of_it(named, quick):
    notes = protect(named, captions=named / "posts.jsonl", **quick).notes
    assert any("initials 'Ada Cox' writes A. C., so that nobody learns the name" in note for note in notes)
    three = ("Ada Cox", "Dora Fitz", "Ben Dale")
    notes = protect(named, captions=named / "posts.jsonl", initials=three, overwrite=True, **quick).notes
    assert "Cleo Ekholm, which your captions mention more than once, stays as it is" in notes


def test_a_name_that_no_caption_mentions_is_refused_before_anything_is_written(named, quick, tmp_path):
    given = {"captions": named / "posts.jsonl", "initials": ("Ada Cox", "Ada Cocks"), **quick}
    with pytest.raises(ConfigError, match="no caption mentions Ada Cocks") as error:
        protect(named, **given)
    assert error.value.hint == "write the name as the captions do"
    assert not (tmp_path / "photos-protected.private").exists()
    with pytest.raises(ConfigError, match="no caption mentions Ada Cocks"):
        plan(resolve_as(ProtectSettings, {"photos": (named,), **given}))


def test_names_that_are_borrowed_are_initials_too_and_others_may_be_in_disguise(named, quick, tmp_path):
    given = {"captions": named / "posts.jsonl", "borrow_names": 1, "initials": ("Ada Cox",), "disguise_names": True}
    protect(named, **given, **quick)
    texts = captions_of(tmp_path / "photos-protected")
    assert sum("A. C." in plain(text) for text in texts) > 2
    assert not [name for name in PEOPLE for text in texts if name.split()[0] in text]
    assert sum("Dora Fitz" in plain(text) for text in texts) > 1


def test_added_posts_have_them_as_those_of_before_do(named, quick, tmp_path):
    protect(named, captions=named / "posts.jsonl", initials=("Ada Cox", "Dora Fitz"), **quick)
    with (named / "posts.jsonl").open("a") as file:
        for n, name in enumerate(["Ada Cox", "nobody"]):
            Image.fromarray(picture(100 + n)).save(named / f"new{n}.png")
            file.write(json.dumps({"image": f"new{n}.png", "caption": f"supper with {name}!"}) + "\n")
    protect(named, captions=named / "posts.jsonl", add=True)
    for name, text in zip(["A. C.", "nobody"], captions_of(tmp_path / "photos-protected")[8:], strict=True):
        assert text.endswith(f"supper with {name}!")


def test_names_may_be_added_with_new_posts_and_are_remembered(named, quick, tmp_path):
    protect(named, captions=named / "posts.jsonl", initials=("Ada Cox",), **quick)
    for week, more in enumerate([("Emil Gray",), ()]):
        with (named / "posts.jsonl").open("a") as file:
            for n, name in enumerate(["Ada Cox", "Emil Gray"]):
                Image.fromarray(picture(100 + 2 * week + n)).save(named / f"new{week}{n}.png")
                file.write(json.dumps({"image": f"new{week}{n}.png", "caption": f"supper with {name}!"}) + "\n")
        misspelt = {"captions": named / "posts.jsonl", "initials": (*more, "Emile Gray")}
        for call in (
            lambda given=misspelt: protect(named, **given, add=True),
            lambda given=misspelt: plan(continued({"photos": (named,), **given}), add=True),
        ):
            with pytest.raises(ConfigError, match="no caption mentions Emile Gray"):
                call()
        protect(named, captions=named / "posts.jsonl", initials=more, add=True)
    texts = captions_of(tmp_path / "photos-protected")[8:]
    assert [text[-18:] for text in texts] == ["supper with A. C.!", "supper with E. G.!"] * 2
    assert check(tmp_path / "photos-protected").problems == []


def test_a_name_in_captions_that_were_published_before_is_said_to_stay(named, quick, tmp_path):
    protect(named, captions=named / "posts.jsonl", initials=("Ada Cox",), **quick)
    before = captions_of(tmp_path / "photos-protected")
    planned, told = Told(), Told()
    plan(continued({"photos": (named,), "initials": ("Ben Dale",)}), add=True, progress=planned)
    protect(named, initials=("Ben Dale",), add=True, progress=told)
    for notes in (planned.notes, told.notes):
        (note,) = (note for note in notes if "as initials" in note)
        assert note.startswith("earlier captions say a name that you want as initials (p2.png, p3.png): the published")
    assert captions_of(tmp_path / "photos-protected") == before
    protect(named, add=True, progress=(again := Told()))
    assert not any("as initials" in note for note in again.notes)


def test_captions_made_of_file_names_are_matched(named, quick, tmp_path):
    """Where photos have no captions, names of files may be of people."""
    (named / "posts.jsonl").unlink()
    for n in range(7):
        (named / f"p{n}.png").rename(named / f"Ada Cox {n}.png")
    protect(named, initials=("Ada Cox",), **quick)
    originals = open_dataset(named)
    posts, _ = match(originals, open_protected(tmp_path / "photos-protected", originals, None))
    assert len(posts) == 8
    assert "A. C." in posts[0].published[0]
    assert "Ada Cox" in posts[0].clean[0]


def test_a_method_without_words_leaves_names(named, quick):
    with pytest.raises(ConfigError, match="em leaves captions as they are") as error:
        protect(named, captions=named / "posts.jsonl", method="em", initials=("Ada Cox",), **quick)
    assert error.value.hint == "use mem, or omit initials"
