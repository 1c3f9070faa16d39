"""`protect`: what becomes of fields of the caption file that describe a photo or say where it was taken."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Told
from tests.workflows.conftest import QUICK
from unlearnable import ProtectSettings, protect
from unlearnable.datasets.types import ChangedField
from unlearnable.protect.posts import field_notes, open_posts, source_of


def test_a_published_row_repeats_the_protected_caption_and_names_no_place(posts, tiny_path, tmp_path):
    rows = [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]
    for row in rows:
        row |= {"alt": row["caption"], "title": "my cat Chelsea", "location": {"lat": 1.5, "lon": 2.5}, "n": 7}
    rows[0]["title"] = ""
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {**QUICK, "surrogate": str(tiny_path), "captions": posts / "posts.jsonl"}
    report = protect(posts, keep_fields="location", **options)
    written = [json.loads(line) for line in (tmp_path / "photos-protected" / "posts.jsonl").read_text().splitlines()]
    assert [row["alt"] for row in written] == [row["caption"] for row in written]
    assert all(new["alt"] != old["alt"] for new, old in zip(written, rows, strict=True))
    assert [row["title"] for row in written] == ["", *[None] * 7]
    assert [(row["location"], row["n"]) for row in written] == [({"lat": 1.5, "lon": 2.5}, 7)] * 8
    assert [note for note in report.notes if "field" in note] == [
        "the field alt of 8 rows got the protected caption, which it repeats: keep_fields alt keeps it",
        "the field title of 7 rows was emptied: keep_fields title keeps it",
    ]


def test_a_published_row_does_not_say_who_is_in_the_photo(posts, tiny_path, tmp_path):
    rows = [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]
    for row in rows:
        row |= {
            "person": "Ada Cox",
            "people": [{"name": "Ada Cox"}, {"name": "Ben"}],
            "tagged": ["Ada Cox"],
            "by": "Ben",
        }
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = protect(posts, captions=posts / "posts.jsonl", surrogate=str(tiny_path), **QUICK)
    text = (tmp_path / "photos-protected" / "posts.jsonl").read_text()
    assert "Ada" not in text
    for row in map(json.loads, text.splitlines()):
        assert (row["person"], row["people"], row["tagged"], row["by"]) == (None, None, None, "Ben")
    assert "the field person of 8 rows was emptied: keep_fields person keeps it" in report.notes


def test_two_metadata_files_that_imagefolder_refuses_are_told(posts, tiny_path, tmp_path):
    rows = [json.loads(line) for line in (posts / "posts.jsonl").read_text().splitlines()]
    lines = ["file_name,text", *(f"{row['image']},{row['caption']}" for row in rows)]
    (posts / "posts.jsonl").unlink()
    (posts / "metadata.csv").write_text("\n".join(lines) + "\n")
    report = protect(posts, surrogate=str(tiny_path), **QUICK)
    assert {path.name for path in (tmp_path / "photos-protected").glob("metadata.*")} == {
        "metadata.csv",
        "metadata.jsonl",
    }
    assert any("refuses a folder that holds metadata.csv beside metadata.jsonl" in note for note in report.notes)


def test_only_rows_that_are_written_count():
    changed = [ChangedField("a.jpg", 0, "Alt", True), ChangedField("b.jpg", 1, "Alt", True)]
    assert field_notes(changed, {"b.jpg"}, []) == ["the field Alt of 1 row was emptied: --keep-fields Alt keeps it"]
    assert field_notes(changed, {"b.jpg"}, ["ALT"]) == []


@pytest.mark.parametrize(
    ("fields", "kept", "would"),
    [({"title": "my cat", "Alt": "a cat"}, ("Titel", "ALT"), ": Alt, title"), ({}, ("Titel",), ", as none would")],
)
def test_a_field_to_keep_that_is_none_that_would_change_is_said_before_the_work(posts, fields, kept, would):
    rows = [json.loads(line) | fields for line in (posts / "posts.jsonl").read_text().splitlines()]
    (posts / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = Told()
    open_posts(source_of((posts,), ("p1*",)), ProtectSettings(photos=(posts,), keep_fields=kept), told)
    said = f"--keep-fields Titel fits none of the fields that would change{would}"
    assert [note for note in told.notes if "field" in note] == [said]
