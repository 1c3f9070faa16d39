"""Captions in JSON: which fields count, what is reported, and that all else stays byte for byte."""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings

from unlearnable.posts import open_dataset

FEWER = settings(max_examples=50, deadline=None)


def test_the_first_key_that_holds_something_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    posts = tmp_path / "posts.jsonl"
    posts.write_text(
        '{"text": "second", "caption": "first", "path": "b.jpg", "image": "a.jpg", "split": "val"}\n'
        '{"caption": null, "captions": ["", 3, "one", "two"], "file_name": "a.jpg"}\n'
        '{"caption": "", "sentences": "one", "uri": "a.jpg"}\n'
        '{"photo": "a.jpg", "caption": "three"}\n',
        encoding="utf-8",
    )
    dataset = open_dataset(posts)
    assert [(p.record, p.index, p.caption) for p in dataset.pairs] == [
        (0, 0, "first"),
        (1, 0, "one"),
        (1, 1, "two"),
        (2, 0, "one"),
        (3, 0, "three"),
    ]
    assert dataset.photos[0].split == "val"


def test_a_split_is_known_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "posts.csv").write_text("image,caption,split\na.jpg,one, Test \n", encoding="utf-8")
    assert open_dataset(tmp_path / "posts.csv").photos[0].split == "test"


def test_karpathy_reports_what_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    file = tmp_path / "dataset.json"
    file.write_text(
        '{"images": [{"filename": "a.jpg", "split": "restval", "sentences": [{"raw": "x"}, {"raw": ""}, 1]},'
        ' {"sentences": []}, null, {"filename": "a.jpg", "sentences": null}]}',
        encoding="utf-8",
    )
    dataset = open_dataset(file)
    assert [(s.where, s.reason) for s in dataset.skipped] == [
        ("dataset.json:images[1]", "no-photo"),
        ("dataset.json:images[2]", "bad-row"),
        ("dataset.json:images[3]", "no-caption"),
    ]
    assert [(pair.caption, pair.record) for pair in dataset.pairs] == [("x", 0)]
    assert dataset.photos[0].split == "restval"


LANGUAGES = '{"file_name": "a.jpg", "captions": {"en": ["my dog", "Rex"], "pt-BR": "meu"}}'
