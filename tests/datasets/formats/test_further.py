"""Fields beside photo and caption: what repeats the caption follows it, other descriptions and places are emptied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unlearnable.datasets import Edits, open_dataset, write_captions
from unlearnable.datasets.types import ChangedField

CAPTION, NEW = "my cat at home", "zip zap my cat at home"


def written(folder: Path, name: str, text: str, keep: tuple[str, ...] = (), new: str = NEW) -> tuple[str, set[str]]:
    """The file as it is written with a new caption, and the fields that are named as changed, emptied ones with a -."""
    (folder / "a.jpg").write_bytes(b"x")
    (folder / name).write_bytes(text.encode())
    dataset = open_dataset(folder, folder / name)
    captions = {(pair.record, pair.index): new for pair in dataset.pairs if pair.caption.strip() == CAPTION}
    edits = Edits(captions, {"a.jpg": "a.jpg"}, frozenset(keep))
    write_captions(dataset, edits, folder / "out" / name)
    changed = {f"{'-' * one.emptied}{one.name}" for one in dataset.changed_fields}
    assert all(isinstance(one, ChangedField) and one.photo == "a.jpg" for one in dataset.changed_fields)
    return (folder / "out" / name).read_bytes().decode(), changed


def row(more: str, caption: str = CAPTION) -> str:
    return f'{{"image": "a.jpg", "caption": "{caption}" {more} }}'


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (', "alt":"my cat at home"', f', "alt":"{NEW}"', {"alt"}),
        (', "Alt_Text":" my cat at home "', f', "Alt_Text":"{NEW}"', {"Alt_Text"}),
        (', "other" : "my cat at home"', f', "other" : "{NEW}"', {"other"}),
        (', "alt": "Chelsea asleep"', ', "alt": null', {"-alt"}),
        (', "title": "about my cat at home!"', ', "title": null', {"-title"}),
        (
            ', "caption_2": "a cat asleep", "altTextEn": "it sleeps"',
            ', "caption_2": null, "altTextEn": null',
            {"-caption_2", "-altTextEn"},
        ),
        (', "caption_2": null, "text_color": "dark blue"', ', "caption_2": null, "text_color": "dark blue"', set()),
        (', "captions_de": ["Katze", "Katze im Haus"]', ', "captions_de": [null, null]', {"-captions_de"}),
        (
            ', "caption_de": "Strand", "altText2": "Meer!", "image_caption": "Chelsea"',
            ', "caption_de": null, "altText2": null, "image_caption": null',
            {"-caption_de", "-altText2", "-image_caption"},
        ),
        (
            ', "caption_ja": "京都の紅葉狩り", "text_th": "ทะเล"',
            ', "caption_ja": null, "text_th": null',
            {"-caption_ja", "-text_th"},
        ),
        (', "caption_zh": "日落"', ', "caption_zh": null', {"-caption_zh"}),
        (', "html": "<p>my cat at home</p>"', ', "html": null', {"-html"}),
        (', "texts": ["my cat at home", "x"]', f', "texts": ["{NEW}", "x"]', {"texts"}),
        (
            ', "sentences": ["my cat at home", "Chelsea"]',
            f', "sentences": ["{NEW}", null]',
            {"sentences", "-sentences"},
        ),
        (', "description": {"en": "Chelsea"}', ', "description": null', {"-description"}),
        (', "meta": {"n": 1e0, "alt": "Chelsea"}', ', "meta": {"n": 1e0, "alt": null}', {"-alt"}),
        (', "media": [ {"title": "Chelsea"}, 7.0 ]', ', "media": [ {"title": null}, 7.0 ]', {"-title"}),
        (', "location": {"lat": 1.50, "lon": 2}', ', "location": null', {"-location"}),
        (', "lat": 0, "longitude": "2 E"', ', "lat": null, "longitude": null', {"-lat", "-longitude"}),
        (', "gps": [52.1, 13.2]', ', "gps": null', {"-gps"}),
    ],
)
def test_json(tmp_path: Path, before: str, after: str, changed: set[str]) -> None:
    for name, pattern in (("posts.jsonl", "{}\n"), ("posts.json", "[ {} ]\n")):
        text, found = written(tmp_path, name, pattern.format(row(before)))
        assert text == pattern.format(row(after, NEW))
        assert found == changed


@pytest.mark.parametrize(
    "more",
    [
        ', "id": 1.50, "tags": ["cat", "home"], "likes": {"count": 1e3}, "x": [[1.0]], "y": [0.10, null]',
        ', "alt": "", "location": null, "title": "  ", "gps": [], "geo": {}, "description": null, "lat":""',
        ', "caption_id": "a-1", "text_lang": "en", "context": "of my cat", "textual": "by hand", "title_size": 7',
        ', "caption_src": "web", "has_text": "yes", "title_image": "title.png"',
        ', "caption_2": "17", "caption_3": "\u200b", "lang": "de"',
        ', "split": "train", "title": 5, "image_path": "a.jpg", "category": "my cats at homes"',
    ],
)
def test_everything_else_stays(tmp_path: Path, more: str) -> None:
    assert written(tmp_path, "posts.jsonl", row(more)) == (row(more, NEW), set())


def test_one_word_may_stand_elsewhere_by_chance(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    text = '{"image": "a.jpg", "caption": "cat", "group": "category"}\n'
    (tmp_path / "posts.jsonl").write_text(text)
    dataset = open_dataset(tmp_path, tmp_path / "posts.jsonl")
    write_captions(dataset, Edits(paths={"a.jpg": "a.jpg"}), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == text


@pytest.mark.parametrize(("caption", "left"), [("今天去了西湖", "null"), ("西湖", '"#旅行 西湖。"')])
def test_a_caption_without_blanks_among_other_text_is_not_published(caption: str, left: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    text = '{"image": "a.jpg", "caption": "%s", "whole": %s}\n'
    (tmp_path / "posts.jsonl").write_text(text % (caption, f'"#旅行 {caption}。"'), encoding="utf-8")
    dataset = open_dataset(tmp_path, tmp_path / "posts.jsonl")
    write_captions(dataset, Edits(paths={"a.jpg": "a.jpg"}), tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == text % (caption, left)


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"conversations": [{"from": "gpt", "value": "A cat is at home."}]}, ["value"]),
        ({"translations": {"de": "eine Katze zu Hause"}, "content": "my cat was here"}, ["content", "de"]),
        ({"note": "京都の紅葉狩り"}, ["note"]),
        ({"tags": ["cat", "at home"], "date": "Wed Oct 10 20:19:24 +0000", "file": "my cat asleep here.jpg"}, []),
        ({"alt": "a cat is asleep", "location": "the city of Rome"}, []),  # they are emptied
    ],
)
def test_fields_with_sentences_that_stay_are_named(tmp_path, more, named):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "posts.jsonl").write_text(json.dumps({"image": "a.jpg", "caption": CAPTION, **more}), encoding="utf-8")
    notes = open_dataset(tmp_path, tmp_path / "posts.jsonl").notes
    said = f"posts.jsonl has whole sentences in {', '.join(named)}, which are published as they are"
    assert [note.partition(": ")[0] for note in notes] == ([said] if named else [])


def test_named_fields_are_kept(tmp_path: Path) -> None:
    more = ', "ALT": "my cat at home", "location": {"lat": 1.50}, "title": "Chelsea"'
    text, _ = written(tmp_path, "posts.jsonl", row(more), keep=("alt", "location"))
    assert text == row(more.replace('"Chelsea"', "null"), NEW)


def test_imagefolder(tmp_path: Path) -> None:
    before = f'{{"file_name": "a.jpg", "text": "{CAPTION}", "alt": "{CAPTION}", "place": "Bonn", "n": 1.50}}\n'
    text, changed = written(tmp_path, "metadata.jsonl", before)
    assert text == before.replace(CAPTION, NEW).replace('"Bonn"', "null")
    assert changed == {"alt", "-place"}


def test_a_caption_that_stays_leaves_its_repetition(tmp_path: Path) -> None:
    before = row(', "alt" : "my cat at home"')
    assert written(tmp_path, "posts.jsonl", before, new=CAPTION)[0] == before


def test_what_is_nested_deeply_is_read(tmp_path: Path) -> None:
    deep = ', "x": ' + '{"x": ' * 300 + '{"alt": "Chelsea"}' + "}" * 300
    assert written(tmp_path, "posts.jsonl", row(deep))[0] == row(deep.replace('"Chelsea"', "null"), NEW)


def test_of_two_columns_of_one_name_none_is_published_as_it_is(tmp_path):
    table = f"image,caption,caption\na.jpg,Chelsea asleep,{CAPTION}\n"
    text, changed = written(tmp_path, "t.csv", table)
    assert (text, changed) == (f"image,caption,caption\na.jpg,,{NEW}\n", {"-caption"})


@pytest.mark.parametrize(
    ("field", "emptied"),
    [
        ({"exif": '{"Image Model": "X", "GPS GPSLatitude": "[47, 3, 1]"}'}, True),
        ({"exif": '{"Image Model": "X"}'}, False),
        ({"tags": {"EXIF:GPSLatitude": 47.3}}, True),
        ({"tags": {"IPTC:City": "Zurich"}}, True),
        ({"gpsAltitude": "408 m"}, True),
        ({"IPTC:Citycard": "Zurich"}, False),
        ({"Ort": "Zürich"}, True),
        ({"Sorte": "Zürich"}, False),
    ],
)
def test_places_in_tags_of_exif_are_emptied(field, emptied, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "posts.jsonl").write_text(json.dumps({"image": "a.jpg", "caption": "a dog", **field}) + "\n")
    dataset = open_dataset(tmp_path, tmp_path / "posts.jsonl")
    assert {one.emptied for one in dataset.changed_fields} == ({True} if emptied else set())


def test_every_field_that_names_the_photo_follows_it(tmp_path: Path) -> None:
    (tmp_path / "my cat at home.tiff").write_bytes(b"x")
    names = ', "path": "./my cat at home.tiff", "uri": "https://x.org/1.tiff", "file": 7'
    text = f'{{"image": "my cat at home.tiff", "caption": "{CAPTION}"{names}}}\n'
    table = "image,caption,path,file_name\nmy cat at home.tiff,a cat,my cat at home.tiff,other.tiff\n"
    for name, content in (("posts.jsonl", text), ("posts.csv", table)):
        (tmp_path / name).write_text(content)
        dataset = open_dataset(tmp_path, tmp_path / name)
        write_captions(dataset, Edits({}, {"my cat at home.tiff": "one.png"}), tmp_path / "out" / name)
    row = json.loads((tmp_path / "out" / "posts.jsonl").read_text())
    assert row == {"image": "one.png", "caption": CAPTION, "path": "one.png", "uri": "https://x.org/1.tiff", "file": 7}
    assert (tmp_path / "out" / "posts.csv").read_text().splitlines()[1] == "one.png,a cat,one.png,other.tiff"
