"""Surgery on JSON: only the strings that are meant change, and in the habits of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearnable.datasets import Edits, open_dataset, write_captions
from unlearnable.datasets.text.json_spans import decode, items, members, speller
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.text.spans import Span, TextSpan, splice

FEWER = settings(max_examples=50, deadline=None)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
LAYOUTS = st.sampled_from([None, 0, 1, "\t"])


@FEWER
@given(value=st.dictionaries(st.text(), VALUES), indent=LAYOUTS, escaped=st.booleans())
def test_members_stand_where_they_are_said_to(
    value: dict[str, object], indent: int | str | None, escaped: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    for start in (text, f" \n{text}\t"):
        found = dict(members(start, decode(start).start))
        assert list(found) == list(value)
        for node in found.values():
            assert repr(json.loads(start[node.start : node.end])) == repr(node.value)


@FEWER
@given(value=st.lists(VALUES), indent=LAYOUTS)
def test_items_stand_where_they_are_said_to(value: list[object], indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    found = list(items(text, 0))
    assert repr([node.value for node in found]) == repr(value)
    assert all(repr(json.loads(text[node.start : node.end])) == repr(node.value) for node in found)


@FEWER
@given(flags=st.lists(st.booleans()), indent=LAYOUTS)
def test_an_array_stays_an_array_whatever_goes(flags: list[bool], indent: int | str | None) -> None:
    text = json.dumps(list(range(len(flags))), indent=indent)
    rows = tuple(Span(node.start, node.end) for node in items(text, 0))
    kept = {row for row, keep in zip(rows, flags, strict=True) if keep}
    scan = Scan((), (), (rows,), speller(text), commas=True)
    left = splice(text, [TextSpan(*cut, "") for cut in scan.cuts(kept)])
    assert json.loads(left) == [number for number, keep in enumerate(flags) if keep]
    if all(flags):
        assert left == text


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": 1} 2', "[1,]", "[" * 100_000, '{"a": 1}\n{"a": 2}'])
def test_only_one_whole_value_is_decoded(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


@pytest.mark.parametrize(
    ("file", "raw", "new", "spelt"),
    [
        ('"caf\\u00e9" ü', '"caf\\u00e9"', "né", '"n\\u00e9"'),  # this string is escaped
        ('"café"', '"café"', "né", '"né"'),
        ('"dog" ü', '"dog"', "né", '"né"'),
        ('"dog"', '"dog"', "né 🐕", '"n\\u00e9 \\ud83d\\udc15"'),  # a file in ASCII stays so
        ('"a\\/b.jpg" ü', '"a\\/b.jpg"', "a/b.png", '"a\\/b.png"'),
        ('"ü"', '"ü"', "\ud800", '"\\ud800"'),
        ('"ü"', '"ü"', 'a "b"\n\\', '"a \\"b\\"\\n\\\\"'),
    ],
)
def test_a_string_is_spelt_as_the_file_spells(file: str, raw: str, new: str, spelt: str) -> None:
    assert speller(file)(raw, json.loads(raw), new) == spelt
    assert json.loads(spelt) == new


@FEWER
@given(
    caption=st.text(min_size=1).filter(str.strip),
    extra=st.dictionaries(st.text().filter(lambda key: key not in ("image", "caption")), VALUES),
    escaped=st.booleans(),
)
def test_fields_that_are_not_ours_stay_byte_for_byte(
    caption: str, extra: dict[str, object], escaped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("extra")
    (root / "a.jpg").touch()
    row = {"caption": "a dog"} | {f"_{key}": value for key, value in extra.items()} | {"image": "a.jpg"}
    text = json.dumps(row, ensure_ascii=escaped)
    (root / "posts.jsonl").write_bytes(text.encode())
    dataset = open_dataset(root / "posts.jsonl")
    write_captions(dataset, Edits({(0, 0): caption}, {"a.jpg": "a.png"}), root / "out.jsonl")
    written = (root / "out.jsonl").read_bytes().decode()
    middle = text[len('{"caption": "a dog"') : -len('"a.jpg"}')]
    start = json.dumps(caption, ensure_ascii=text.isascii())
    assert written == f'{{"caption": {start}{middle}"a.png"}}'


def test_an_array_of_posts_is_read_and_cut(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    posts = tmp_path / "posts.json"
    posts.write_text(
        '[\n  {"image": "a.jpg", "text": "x"},\n  7,\n  {"image": "b.jpg", "text": "y"}\n]\n', encoding="utf-8"
    )
    dataset = open_dataset(tmp_path, posts)
    assert [(s.where, s.reason) for s in dataset.skipped] == [("posts.json:[1]", "bad-row")]
    write_captions(dataset, Edits({}, {"b.jpg": "b.jpg"}), tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == '[\n  {"image": "b.jpg", "text": "y"}\n]\n'


def test_the_first_key_that_holds_something_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    posts = tmp_path / "posts.jsonl"
    posts.write_text(
        '{"text": "second", "caption": "first", "path": "b.jpg", "image": "a.jpg", "split": "val"}\n'
        '{"caption": null, "captions": ["", 3, "one", "two"], "file_name": "a.jpg"}\n'
        '{"caption": "", "sentences": "one", "uri": "a.jpg"}\n',
        encoding="utf-8",
    )
    dataset = open_dataset(posts)
    assert [(p.record, p.index, p.caption) for p in dataset.pairs] == [
        (0, 0, "first"),
        (1, 0, "one"),
        (1, 1, "two"),
        (2, 0, "one"),
    ]
    assert dataset.photos[0].split == "val"


def test_coco_joins_on_the_id_and_reports_what_does_not_join(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    file = tmp_path / "captions.json"
    file.write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2}, {"id": 3, "file_name": "b.jpg"}, 4],'
        ' "annotations": [{"image_id": "1", "caption": "x"}, {"image_id": 9, "caption": "y"}, {"caption": "z"}, 5,'
        ' {"image_id": 1, "caption": " "}]}',
        encoding="utf-8",
    )
    dataset = open_dataset(tmp_path, file)
    assert {s.where.split(":")[1]: s.reason for s in dataset.skipped} == {
        "images[1]": "no-photo",
        "images[2]": "no-caption",
        "images[3]": "no-photo",
        "annotations[1]": "no-photo",
        "annotations[2]": "no-photo",
        "annotations[3]": "no-photo",
    }
    write_captions(dataset, Edits({(0, 0): "new"}, {"a.jpg": "a.png"}), tmp_path / "out.json")
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == (
        '{"images": [{"id": 1, "file_name": "a.png"}],'
        ' "annotations": [{"image_id": "1", "caption": "new"}, {"image_id": 1, "caption": " "}]}'
    )


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
