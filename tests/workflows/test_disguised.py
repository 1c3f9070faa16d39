"""`protect --disguise-names` on the tiny encoder: names in captions in letters that look the same."""

from __future__ import annotations

import codecs
import json
from types import SimpleNamespace

import pytest
from PIL import Image

from tests.conftest import picture, tree
from tests.workflows.conftest import PEOPLE, captions_of, manifest
from unlearnable import protect
from unlearnable.config import ProtectSettings, resolve_as
from unlearnable.datasets import open_dataset
from unlearnable.errors import ConfigError
from unlearnable.posts.letters import look_alike, plain
from unlearnable.verify.matching import match, open_protected
from unlearnable.workflows.protect.check import check
from unlearnable.workflows.protect.draft import draft


@pytest.fixture
def quick(quick):
    return {**quick, "max_rounds": 4, "surrogate_steps": 8}


@pytest.mark.parametrize("position", ["start", "end", "random"])
def test_captions_differ_in_the_letters_of_names_alone(named, quick, tmp_path, position):
    given = {"captions": named / "posts.jsonl", "trigger_position": position, **quick}
    before_notes = protect(named, **given).notes
    assert any(note.startswith("your captions mention 4 names more than once") for note in before_notes)
    before, texts = tree(tmp_path / "photos-protected"), captions_of(tmp_path / "photos-protected")
    report = protect(named, disguise_names=True, overwrite=True, **given)
    after, disguised = tree(tmp_path / "photos-protected"), captions_of(tmp_path / "photos-protected")
    assert {name for name in before if before[name] != after[name]} == {"posts.jsonl", "metadata.jsonl"}
    assert report.trigger_roundtrip == 1.0
    assert list(map(plain, disguised)) == texts
    for number, (caption, line) in enumerate(
        zip(disguised, manifest(tmp_path / "photos-protected.private"), strict=True)
    ):
        assert all(look_alike(word) in caption for word in PEOPLE[number // 2].split())
        assert line["captions"] == [caption]
    assert [note for note in report.notes if "disguise" in note] == [
        "names are in disguise in 8 of 8 captions, as you asked: whoever searches for such a name does not find them"
    ]


def test_the_loss_is_that_of_whoever_undoes_the_disguise(named, quick):
    given = {"captions": named / "posts.jsonl", **quick}
    assert (
        protect(named, disguise_names=True, overwrite=True, **given).losses
        == protect(named, overwrite=True, **given).losses
    )


def test_a_name_without_such_letters_is_said(named, quick):
    (named / "posts.jsonl").write_text((named / "posts.jsonl").read_text().replace("Dora Fitz", "Wulf Lund"))
    notes = protect(named, captions=named / "posts.jsonl", disguise_names=True, **quick).notes
    assert [note for note in notes if "disguise" in note] == [
        "names are in disguise in 6 of 8 captions, as you asked: whoever searches for such a name does not find them",
        "some names, such as Lund, cannot be disguised: no letters look like theirs",
    ]


def test_names_that_are_borrowed_are_in_disguise_too(named, quick, tmp_path):
    given = {"captions": named / "posts.jsonl", "borrow_names": 1, **quick}
    protect(named, **given)
    texts = captions_of(tmp_path / "photos-protected")
    protect(named, disguise_names=True, overwrite=True, **given)
    disguised = captions_of(tmp_path / "photos-protected")
    assert list(map(plain, disguised)) == texts
    assert not [name for name in PEOPLE for caption in disguised if name in caption]


def test_added_posts_disguise_names_as_those_of_before_do(named, quick, tmp_path):
    protect(named, captions=named / "posts.jsonl", disguise_names=True, **quick)
    with (named / "posts.jsonl").open("a") as file:
        for n, name in enumerate(["Ada Cox", "Emil Gray", "nobody"]):
            Image.fromarray(picture(100 + n)).save(named / f"new{n}.png")
            file.write(json.dumps({"image": f"new{n}.png", "caption": f"supper with {name}!"}) + "\n")
    protect(named, captions=named / "posts.jsonl", add=True)
    texts = captions_of(tmp_path / "photos-protected")[8:]
    for name, text in zip([look_alike("Ada Cox"), look_alike("Emil Gray"), "nobody"], texts, strict=True):
        assert text.endswith(f"supper with {name}!")


def test_a_file_in_an_older_encoding_becomes_utf_8_as_is_said_before(named, quick, tmp_path):
    (named / "posts.jsonl").unlink()
    rows = ["image,caption", *(f"p{n}.png,Frühstück mit {PEOPLE[n // 2]}" for n in range(7))]
    (named / "posts.csv").write_bytes("\r\n".join(rows).encode("cp1252"))
    notes: list[str] = []
    progress = SimpleNamespace(phase=lambda *_: None, advance=lambda *_, **metrics: None, note=notes.append)
    given = {"captions": named / "posts.csv", "overwrite": True, "progress": progress, **quick}
    protect(named, **given)
    plainly = (tmp_path / "photos-protected" / "posts.csv").read_bytes().decode("cp1252")
    protect(named, disguise_names=True, **given)
    content = (tmp_path / "photos-protected" / "posts.csv").read_bytes()
    assert content.startswith(codecs.BOM_UTF8)  # by which Excel knows it
    disguised = content.decode("utf-8-sig")
    assert plain(disguised) == plainly != disguised
    assert check(tmp_path / "photos-protected").problems == []
    said = "it is read, and written back, as cp1252 (as UTF-8 where the new captions would not be read as that)"
    assert sum(said in note for note in notes) == 2


def test_a_table_that_became_utf_8_is_added_to(named, quick, tmp_path):
    (named / "posts.jsonl").unlink()
    rows = ["image,caption", *(f"p{n}.png,Frühstück mit {PEOPLE[n // 2]}" for n in range(7))]
    (named / "posts.csv").write_bytes("\r\n".join([*rows, ""]).encode("cp1252"))
    protect(named, captions=named / "posts.csv", disguise_names=True, **quick)
    before = (tmp_path / "photos-protected" / "posts.csv").read_bytes()
    Image.fromarray(picture(100)).save(named / "new.png")
    with (named / "posts.csv").open("ab") as file:
        file.write("new.png,Frühstück mit Ada Cox\r\n".encode("cp1252"))
    protect(named, captions=named / "posts.csv", add=True)
    after = (tmp_path / "photos-protected" / "posts.csv").read_bytes()
    assert after.startswith(before)
    added = after.removeprefix(before).decode()
    assert plain(added).endswith("Frühstück mit Ada Cox\r\n")
    assert look_alike("Ada Cox") in added
    assert check(tmp_path / "photos-protected").problems == []


def test_a_draft_shows_them(named, quick, tmp_path):
    settings = resolve_as(ProtectSettings, {"photos": (named,), "disguise_names": True, **quick})
    (tmp_path / "scratch").mkdir()
    for post in draft(settings, tmp_path / "scratch").posts[:6]:
        assert any(name in post.before[0] for name in PEOPLE)
        assert any(look_alike(name) in post.captions[0] for name in PEOPLE)


def test_captions_made_of_file_names_are_matched(named, quick, tmp_path):
    """Where photos have no captions, names of files may be of people."""
    (named / "posts.jsonl").unlink()
    for n in range(7):
        (named / f"p{n}.png").rename(named / f"{PEOPLE[n // 2]} {n}.png")
    protect(named, disguise_names=True, **quick)
    originals = open_dataset(named)
    posts, _ = match(originals, open_protected(tmp_path / "photos-protected", originals, None))
    assert [plain(text).endswith(post.clean[0]) for post in posts for text in post.published] == [True] * 8
    assert look_alike("Ada") in posts[0].published[0]


def test_captions_without_names_stay_and_it_is_said(posts, quick):
    report = protect(posts, captions=posts / "posts.jsonl", disguise_names=True, **quick)
    assert any(note.startswith("no caption has a name to disguise") for note in report.notes)


def test_a_method_without_words_cannot_disguise_names(named, quick):
    with pytest.raises(ConfigError, match="em leaves captions as they are") as error:
        protect(named, captions=named / "posts.jsonl", method="em", disguise_names=True, **quick)
    assert error.value.hint == "use mem, or omit disguise_names"
