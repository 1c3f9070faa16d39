"""Captions in JSON: which fields count, what is reported, and that all else stays byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import JSON_VALUES, is_other
from unlearnable.datasets import Edits, open_dataset, write_captions

FEWER = settings(max_examples=50, deadline=None)


@FEWER
@given(
    caption=st.text(min_size=1).filter(str.strip),
    extra=st.dictionaries(st.text().filter(is_other), JSON_VALUES),
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
    start = json.dumps(caption, ensure_ascii=text.isascii() and "\\u" in text)
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


@pytest.mark.parametrize("array", [False, True])
def test_rows_may_have_sentences_of_karpathys_kind(array: bool, tmp_path: Path) -> None:
    (tmp_path / "val2014").mkdir()
    (tmp_path / "val2014" / "a.jpg").touch()
    text = (
        '{"filepath": "val2014", "filename": "a.jpg", "split": "val", '
        '"sentences": [{"tokens": ["x"], "raw": "one"}, {"raw":"two"}, {"n": 1}]}'
    )
    posts = tmp_path / "posts.json"
    posts.write_text(f"[{text}]" if array else f"{text}\n", encoding="utf-8")
    dataset = open_dataset(tmp_path, posts)
    assert [(p.photo, p.index, p.caption) for p in dataset.pairs] == [
        ("val2014/a.jpg", 0, "one"),
        ("val2014/a.jpg", 1, "two"),
    ]
    assert dataset.photos[0].split == "val"
    edits = Edits({(0, 0): "new one", (0, 1): "new two"}, {"val2014/a.jpg": "val2014/a.png"})
    write_captions(dataset, edits, tmp_path / "out.json")
    new = text.replace("a.jpg", "a.png").replace('"one"', '"new one"').replace('"two"', '"new two"')
    new = new.replace('{"n": 1}', "null")
    assert (tmp_path / "out.json").read_text(encoding="utf-8").strip("[]\n") == new


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


def test_other_descriptions_and_places_of_coco_are_emptied(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    note = '{"image_id": 1, "caption": "my dog", "caption_de": "Hund", "area": 1.50, "story": "it was a day"}'
    image = '{"id": 1, "file_name": "a.jpg", "title": "my dog", "location": {"lat": 1}}'
    text = f'{{"info": {{"description": "a set"}}, "images": [{image}], "annotations": [{note}]}}'
    (tmp_path / "captions.json").write_text(text, encoding="utf-8")
    dataset = open_dataset(tmp_path, tmp_path / "captions.json")
    assert {(one.name, one.emptied) for one in dataset.changed_fields} == {
        *(("title", False), ("location", True), ("caption_de", True)),
    }
    assert dataset.notes[0].startswith("captions.json has whole sentences in story, which")
    write_captions(dataset, Edits({(0, 0): "new dog"}, {"a.jpg": "a.jpg"}), tmp_path / "out.json")
    new = text.replace("my dog", "new dog").replace('"Hund"', "null").replace('{"lat": 1}', "null")
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == new


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


def test_the_words_of_a_caption_of_karpathy_follow_it_and_other_words_stay(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    sentence = '{{"tokens": {}, "raw": "{}" , "sentid": 1.0}}'
    before = [
        sentence.format('[ "a","mans", "dog" ]', "A man's dog."),
        sentence.format('["dog"]', "It is a dog"),
        '{"tokens": ["x"], "raw": ""}',
    ]
    posts = tmp_path / "dataset.json"
    posts.write_text('{"images": [{"filename": "a.jpg", "sentences": [' + ", ".join(before) + "]}]}")
    captions = {(0, 0): "zip zap A man's dog.", (0, 1): "zip zap It is a dog"}
    write_captions(open_dataset(tmp_path, posts), Edits(captions, {"a.jpg": "a.jpg"}), tmp_path / "out.json")
    after = [
        sentence.format('["zip", "zap", "a", "mans", "dog"]', captions[0, 0]),
        sentence.format('["dog"]', captions[0, 1]),
        before[2],
    ]
    assert (tmp_path / "out.json").read_text() == posts.read_text().replace(", ".join(before), ", ".join(after))


LANGUAGES = '{"file_name": "a.jpg", "captions": {"en": ["my dog", "Rex"], "pt-BR": "meu"}}'


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        (LANGUAGES, ["my dog", "Rex", "meu"]),
        ('{"file_name": "a.jpg", "text": [{"language": "en", "text": "my dog"}, "Rex"]}', ["my dog", "Rex"]),
        ('{"file_name": "a.jpg", "caption": {"id": "17", "text": "my dog"}}', ["my dog"]),
    ],
)
@pytest.mark.parametrize("name", ["metadata.jsonl", "posts.jsonl"])
def test_captions_in_several_languages_or_in_objects_are_captions(
    name: str, text: str, captions: list[str], tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / name).write_text(text)
    dataset = open_dataset(tmp_path, tmp_path / name)
    assert dataset.captions_by_photo() == {"a.jpg": captions}
    edits = Edits({(0, n): f"zip {caption}" for n, caption in enumerate(captions)}, {"a.jpg": "a.jpg"})
    write_captions(dataset, edits, tmp_path / "out.jsonl")
    for caption in captions:
        text = text.replace(f'"{caption}"', f'"zip {caption}"')
    assert (tmp_path / "out.jsonl").read_text() == text


@pytest.mark.parametrize("more", ['"alt": "it sleeps"', '"title": {"x": "it sleeps"}', '"caption_2": "it sleeps"'])
def test_what_else_describes_a_photo_beside_a_caption_in_an_object_is_emptied(more: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "posts.jsonl").write_text(f'{{"image": "a.jpg", "caption": {{"text": "my dog", {more}}}}}')
    dataset = open_dataset(tmp_path, tmp_path / "posts.jsonl")
    assert [one.emptied for one in dataset.changed_fields] == [True]
    write_captions(dataset, Edits({}, {"a.jpg": "a.jpg"}), tmp_path / "out.jsonl")
    assert "sleeps" not in (tmp_path / "out.jsonl").read_text()


def test_an_object_of_other_names_is_no_caption(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "posts.jsonl").write_text('{"image": "a.jpg", "caption": {"en": "my dog", "source": "me"}}')
    dataset = open_dataset(tmp_path, tmp_path / "posts.jsonl")
    assert [(one.name, one.emptied) for one in dataset.changed_fields] == [("caption", True)]


def test_other_descriptions_and_places_of_karpathy_are_emptied_and_sentences_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    sentence = '{"tokens": ["dog"], "raw": "dog", "title": "it runs", "alt": "dog"}'
    image = '{"filename": "a.jpg", "title": "Rex", "city": "Rome", "story": "It was a day.", "sentences": [%s]}'
    posts = tmp_path / "dataset.json"
    posts.write_text(f'{{"images": [{image % sentence}]}}')
    dataset = open_dataset(tmp_path, posts)
    assert {(one.name, one.emptied) for one in dataset.changed_fields} == {
        *(("title", True), ("city", True), ("alt", False)),
    }
    assert dataset.notes[0].startswith("dataset.json has whole sentences in story, which")
    write_captions(dataset, Edits({(0, 0): "zip dog"}, {"a.jpg": "a.jpg"}), tmp_path / "out.json")
    sentence = '{"tokens": ["zip", "dog"], "raw": "zip dog", "title": null, "alt": "zip dog"}'
    image = '{"filename": "a.jpg", "title": null, "city": null, "story": "It was a day.", "sentences": [%s]}'
    assert (tmp_path / "out.json").read_text() == f'{{"images": [{image % sentence}]}}'


@pytest.mark.parametrize("caption", ["", "a cat"])
def test_what_the_model_says_in_a_conversation_is_a_caption_where_there_is_no_other(
    caption: str, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").touch()
    said = [("human", "<image>\nWhat is on it?"), ("gpt", "my dog Rex"), ("human", "Where?"), ("gpt", "at the lake")]
    row = {"image": "a.jpg", "caption": caption, "conversations": [{"from": who, "value": what} for who, what in said]}
    text = json.dumps([row], indent=1)
    (tmp_path / "llava.json").write_text(text, encoding="utf-8")
    dataset = open_dataset(tmp_path, tmp_path / "llava.json")
    captions = [caption] if caption else ["my dog Rex", "at the lake"]
    assert dataset.captions_by_photo() == {"a.jpg": captions}
    assert dataset.notes[0].startswith("llava.json has whole sentences in value, which")
    edits = Edits({(0, n): f"lamp {one}" for n, one in enumerate(captions)}, {"a.jpg": "a.jpg"})
    write_captions(dataset, edits, tmp_path / "out.json")
    for one in captions:
        text = text.replace(f'"{one}"', f'"lamp {one}"')
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == text
