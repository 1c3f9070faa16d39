"""What a user may point at, what becomes of rows that cannot be used, and what is said when nothing can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.posts.conftest import captions, touch
from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.posts import Edits, only_captions, open_dataset, write_captions


def named(root: Path, photos: Path, file: Path | None = None) -> list[tuple[str, str, int]]:
    return [(pair.photo, pair.caption, pair.record) for pair in open_dataset(photos, file).pairs]


def test_every_bad_row_is_skipped_with_its_reason_and_its_line(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/same.jpg", "c/same.jpg")
    posts = captions(
        tmp_path / "posts.jsonl",
        '{"image": "a.jpg", "caption": "a dog"}',
        "",
        '{"image": "a.jpg", "caption": "a dog"',
        '["image", "a.jpg"]',
        '{"caption": "no photo"}',
        '{"image": ["a.jpg", "b.jpg"], "caption": "two photos"}',
        '{"image": "b/same.jpg", "caption": " "}',
        '{"image": "gone.jpg", "caption": "x"}',
        '{"image": "../a.jpg", "caption": "x"}',
        '{"image": "/etc/a.jpg", "caption": "x"}',
        '{"image": "same.jpg", "caption": "x"}',
        '{"image": "c/same.jpg", "caption": 7}' + "[" * 3,
    )
    dataset = open_dataset(tmp_path, posts)
    found = {skipped.where: skipped.reason for skipped in dataset.skipped}
    assert found == {
        "posts.jsonl:3": "bad-row",
        "posts.jsonl:4": "bad-row",
        "posts.jsonl:5": "no-photo",
        "posts.jsonl:6": "no-photo",
        "posts.jsonl:8": "missing-photo",
        "posts.jsonl:9": "outside-folder",
        "posts.jsonl:10": "outside-folder",
        "posts.jsonl:11": "ambiguous-photo",
        "posts.jsonl:12": "bad-row",
    }
    assert [(pair.photo, pair.caption, pair.record) for pair in dataset.pairs] == [
        ("a.jpg", "a dog", 0),
        ("b/same.jpg", "", -1),
        ("c/same.jpg", "", -1),
    ]


UNSEEN = "\u200b \u2060\x7f\u00ad\u2800\ufe0f"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("posts.jsonl", '{"image": "a.jpg", "caption": "%s"}\n'),
        ("posts.csv", "image,caption\na.jpg,%s\n"),
        ("results.token", "a.jpg#0\t%s\n"),
        ("k.json", '{"images": [{"filename": "a.jpg", "sentences": [{"raw": "%s"}]}]}'),
        ("a.txt", "%s\n"),
        ("a.jpg.json", '{"title": "a.jpg", "photoTakenTime": {}, "description": "%s"}'),
        (
            "content/posts_1.json",
            '[{"media": [{"uri": "a.jpg", "creation_timestamp": 1, "title": "\\u00e2\\u0080\\u008b"}], "title": "%s"}]',
        ),
    ],
)
def test_a_caption_of_which_nothing_is_seen_is_none(name: str, text: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", name)
    (tmp_path / name).write_text(text % UNSEEN, encoding="utf-8")
    dataset = open_dataset(tmp_path, only_captions(tmp_path))
    assert dataset.format != "folder"
    assert [(pair.caption, pair.record) for pair in dataset.pairs] == [("", -1)]


def test_a_folder_takes_all_its_photos_and_a_caption_file_those_it_names(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "beach/c.jpg", "notes.md")
    posts = captions(tmp_path / "posts.jsonl", '{"image": "b.jpg", "caption": "x"}', '{"image": "a.jpg"}')
    assert named(tmp_path, tmp_path, posts) == [
        ("b.jpg", "x", 0),
        ("a.jpg", "", -1),
        ("beach/c.jpg", "", -1),
    ]
    assert named(tmp_path, posts) == [("b.jpg", "x", 0), ("a.jpg", "", -1)]


def test_a_folder_is_looked_through_for_metadata_then_for_texts(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    assert open_dataset(tmp_path).format == "folder"
    captions(tmp_path / "a.txt", "a dog")
    assert open_dataset(tmp_path).format == "sidecar"
    captions(tmp_path / "metadata.jsonl", '{"file_name": "a.jpg", "text": "x"}')
    dataset = open_dataset(tmp_path)
    assert (dataset.format, dataset.source) == ("imagefolder", tmp_path / "metadata.jsonl")


@pytest.mark.parametrize("now", ["c.jpg", "gone.jpg", 'b.jpg", "caption": "z'])
def test_rows_that_say_something_else_now_are_not_written_back(tmp_path: Path, now: str) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    rows = '{"image": "a.jpg", "caption": "x"}', '{"image": "b.jpg", "text": "y"}', '{"image": "c.jpg"}'
    posts = captions(tmp_path / "posts.jsonl", *rows)
    dataset = open_dataset(posts)
    posts.write_text(posts.read_text(encoding="utf-8").replace("b.jpg", now), encoding="utf-8")
    stay = {name: name for name in ("a.jpg", "b.jpg", "c.jpg")}
    with pytest.raises(InputError, match=r"posts\.jsonl has changed"):
        write_captions(dataset, Edits({}, stay), tmp_path / "out.jsonl")
    del stay["b.jpg"], stay["c.jpg"]  # rows that are left out may be as they like
    write_captions(dataset, Edits({}, stay), tmp_path / "out.jsonl")
    kept = open_dataset(tmp_path, tmp_path / "out.jsonl").pairs
    assert [(pair.photo, pair.caption) for pair in kept if pair.record >= 0] == [("a.jpg", "x")]


def test_a_line_format_refuses_a_line_break(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    dataset = open_dataset(tmp_path, captions(tmp_path / "t.txt", "a.jpg#0\ta dog"))
    with pytest.raises(OutputError, match="line"):
        write_captions(dataset, Edits({(0, 0): "a\ndog"}, {"a.jpg": "a.jpg"}), tmp_path / "out.txt")


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("posts.csv", b"a.jpg,a dog\n", "posts.csv", "columns photo and caption"),
        ("posts.csv", b"image,likes\na.jpg,3\n", "posts.csv", "columns photo and caption"),
        ("posts.jsonl", b"", "posts.jsonl", "columns photo and caption"),
        ("posts.jsonl", b'{"likes": 3}\n', "posts.jsonl", "columns photo and caption"),
        ("posts.md", b"words", "posts.md", "save it as CSV"),
        ("posts.jsonl", b"\xff\xfe{", "not text", "save"),
        ("posts.jsonl", b'{"image": "x.jpg", "caption": "c"}', "posts.jsonl:1 is skipped as missing-photo", "folder"),
        ("metadata.csv", b"file_name,a,b\na.jpg,x,y\n", "call one caption", ""),
        ("metadata.jsonl", b'{"file_name": "a.jpg", "blip": "x"}', "call one caption", ""),
    ],
)
def test_what_cannot_be_used_is_named(name: str, content: bytes, message: str, hint: str, tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_dataset(tmp_path, tmp_path / name)
    assert name in caught.value.message
    assert hint in (caught.value.hint or "")


def test_paths_that_are_no_input_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    touch(folder, "a.jpg")
    posts = captions(tmp_path / "posts.jsonl", '{"image": "a.jpg", "caption": "x"}')
    with pytest.raises(InputError, match=r"there is no .*absent"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(InputError, match=r"there is no .*absent"):
        open_dataset(folder, tmp_path / "absent")
    with pytest.raises(InputError, match="is one photo"):
        open_dataset(folder / "a.jpg")
    with pytest.raises(InputError, match="is a folder"):
        open_dataset(folder, tmp_path)
    with pytest.raises(ConfigError, match="is a file already"):
        open_dataset(posts, posts)
    touch(tmp_path, "empty/.hidden.jpg", "empty/notes.txt")
    with pytest.raises(InputError, match="no photo in"):
        open_dataset(tmp_path / "empty")


def test_the_package_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'PIL', 'open_clip'}"
    code = f"import sys, unlearnable.posts; raise SystemExit(len({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
