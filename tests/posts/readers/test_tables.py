"""Caption files of rows, and COCO's and Karpathy's: fields and headings, rows of real files, and what is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.posts.conftest import captions, touch, words
from unlearnable.posts import Dataset, Edits, find_captions, open_dataset, write_captions


def opened(root: Path, name: str, text: str, *photos: str, encoding: str = "utf-8") -> Dataset:
    touch(root, *(photos or ("a.jpg", "Images/b.jpg")))
    (root / name).write_bytes(text.encode(encoding))
    return open_dataset(root / name)


def rewritten(root: Path, dataset: Dataset, new: str | None = None, *keep: str, gone: str = "") -> str:
    """The text of the caption file that is written, every caption `new`."""
    edits = {(pair.record, pair.index): new for pair in dataset.pairs} if new is not None else {}
    paths = {photo.id: photo.id for photo in dataset.photos if photo.id != gone}
    touch(root / "out", *paths)
    write_captions(dataset, Edits(edits, paths, frozenset(keep)), root / "out" / dataset.source.name)
    return (root / "out" / dataset.source.name).read_bytes().decode()


@pytest.mark.parametrize(
    "text",
    [
        "File Name,alt_text\na.jpg,a dog\n",
        "Dateiname;Beschreibung\na.jpg;a dog\n",
        "SourceFile,ImageDescription\n./a.jpg,a dog\n",
        "SourceFile,Directory,Caption-Abstract\ntrip/../a.jpg,.,a dog\n",
        "image_name| comment_number| comment\na.jpg| 0| a dog\nb.jpg| 4   A dog runs .\n",  # Kaggle's Flickr30k
        'filename,caption\na.jpg,"a dog"\n',
    ],
)
def test_headings_of_people_and_programs(text: str, tmp_path: Path) -> None:
    assert words(opened(tmp_path, "t.csv", text)) == {"a.jpg": ["a dog"]}


def test_a_list_of_exiftool_without_captions_is_no_captions(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    source = captions(tmp_path / "exif.json", '[{"SourceFile": "a.jpg", "Make": "Canon"}]')
    assert find_captions(tmp_path) == []
    captions(source, '[{"SourceFile": "a.jpg", "Description": "a dog"}]')
    assert find_captions(tmp_path) == [source]


def test_a_table_in_cp1252_is_read_with_a_note(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "t.csv", "Datei;Text\na.jpg;Ü\n", encoding="cp1252")
    assert words(dataset) == {"a.jpg": ["Ü"]}
    assert "is not UTF-8" in dataset.notes[0]


def test_a_line_number_counts_the_lines_within_cells(tmp_path: Path) -> None:
    text = (
        'image,text,n\r\na.jpg,"two\r\nlines",1\r\n\r\na.jpg,too,many,cells\r\nb.jpg,,\r\n,x,\r\na.jpg,trailing,1,,\r\n'
    )
    dataset = opened(tmp_path, "t.csv", text)
    assert [(pair.caption, pair.record) for pair in dataset.pairs if pair.record >= 0] == [
        ("two\r\nlines", 0),
        ("trailing", 2),
    ]
    assert sorted((s.where, s.reason) for s in dataset.skipped) == [
        ("t.csv:5", "bad-row"),
        ("t.csv:7", "no-photo"),
    ]


def test_where_a_quote_is_never_closed_quotes_are_letters(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "t.tsv", 'filepath\ttitle\na.jpg\t"my 27" screen\n')
    assert words(dataset) == {"a.jpg": ['"my 27" screen']}


def test_flickr_of_kaggle_is_csv(tmp_path: Path) -> None:
    text = 'image,caption\na.jpg,A dog .\nb.jpg,"A ""cat"" , sits ."\n'
    dataset = opened(tmp_path, "captions.txt", text)
    assert dataset.format == "flickr"
    assert rewritten(tmp_path, dataset, gone="a.jpg") == text.replace("a.jpg,A dog .\n", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,other,text\na.jpg,x,a dog\n"),
        ("metadata.jsonl", '{"file_name": "a.jpg", "blip": "x", "prompt": "a dog"}\n'),
    ],
)
def test_imagefolder_takes_a_known_column(name: str, text: str, tmp_path: Path) -> None:
    dataset = opened(tmp_path, name, text)
    assert (dataset.format, words(dataset)) == ("imagefolder", {"a.jpg": ["a dog"]})


@pytest.mark.parametrize("other", ["Description", "Caption-Abstract", "ImageDescription", "alt_text"])
def test_a_title_beside_another_description_is_not_the_caption_and_is_emptied(other: str, tmp_path: Path) -> None:
    """As in lists of ExifTool, where it often is the name of the file."""
    dataset = opened(tmp_path, "t.csv", f"SourceFile,Title,{other}\na.jpg,IMG_1,my dog\nb.jpg,a cat,\n")
    assert words(dataset) == {"Images/b.jpg": ["a cat"], "a.jpg": ["my dog"]}
    assert rewritten(tmp_path, dataset, "x").splitlines()[1:] == ["a.jpg,,x", "b.jpg,x,"]


def test_the_first_key_that_holds_something_is_taken_and_a_split_in_any_case(tmp_path: Path) -> None:
    text = (
        '{"text": "second", "caption": "first", "path": "b.jpg", "image": "a.jpg", "split": " Val"}\n'
        '{"caption": null, "captions": ["", 3, "one", "two"], "file_name": "a.jpg"}\n'
        '{"caption": "", "sentences": "one", "uri": "a.jpg"}\n'
        '{"photo": "a.jpg", "caption": "three", "split": "test"}\n'
    )
    dataset = opened(tmp_path, "posts.jsonl", text, "a.jpg")
    assert [(p.record, p.index, p.caption) for p in dataset.pairs] == [
        (0, 0, "first"),
        (1, 0, "one"),
        (1, 1, "two"),
        (2, 0, "one"),
        (3, 0, "three"),
    ]
    assert dataset.photos[0].split == "val"


def test_half_a_surrogate_pair_is_read_as_it_is_written(tmp_path: Path) -> None:
    dataset = opened(tmp_path, "posts.jsonl", '{"image": "a.jpg", "caption": "\\ud83d dog"}\n', "a.jpg")
    rewritten(tmp_path, dataset)
    assert words(open_dataset(tmp_path / "out" / "posts.jsonl")) == words(dataset)


def test_karpathy_reports_what_it_cannot_use(tmp_path: Path) -> None:
    text = (
        '{"images": [{"filename": "a.jpg", "split": "restval", "sentences": [{"raw": "x"}, {"raw": ""}, 1]},'
        ' {"sentences": []}, null, {"filename": "a.jpg", "sentences": null}]}'
    )
    dataset = opened(tmp_path, "dataset.json", text, "a.jpg")
    assert [(s.where, s.reason) for s in dataset.skipped] == [
        ("dataset.json:images[1]", "no-photo"),
        ("dataset.json:images[2]", "bad-row"),
    ]
    assert (words(dataset), dataset.photos[0].split) == ({"a.jpg": ["x"]}, "restval")


def test_coco_reports_what_it_cannot_use(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2}]
    notes = [{"image_id": "1", "caption": "x"}, {"image_id": 3, "caption": "y"}]
    dataset = opened(tmp_path, "c.json", json.dumps({"images": images, "annotations": notes}), "a.jpg")
    assert [skip.where for skip in dataset.skipped] == ["c.json:images[1]", "c.json:annotations[1]"]
    assert words(dataset) == {"a.jpg": ["x"]}


@pytest.mark.parametrize(
    ("value", "photo"),
    [
        ("C:\\Users\\Eva\\Bilder\\a.jpg", "a.jpg"),
        ("c:/Users/Eva/b.jpg", "trip/b.jpg"),
        ("\\\\server\\share\\b.jpg", "trip/b.jpg"),
        ("file:///home/eva/Bilder/a.jpg", "a.jpg"),
        ("file:///C:/Users/Eva/my%20trip/c%20d.jpg", "my trip/c d.jpg"),
        ("D:\\old\\my trip\\twice.jpg", "my trip/twice.jpg"),
    ],
)
def test_paths_of_another_machine_are_found_by_their_end(tmp_path: Path, value: str, photo: str) -> None:
    photos = ("a.jpg", "trip/b.jpg", "my trip/c d.jpg", "my trip/twice.jpg", "trip/twice.jpg")
    dataset = opened(tmp_path, "liste.csv", f"Datei;Text\n{value};ein Hund\n", *photos)
    assert words(dataset) == {photo: ["ein Hund"]}
    assert rewritten(tmp_path, dataset) == f"Datei;Text\n{photo};ein Hund\n"


def test_a_name_that_two_photos_have_is_not_guessed(tmp_path: Path) -> None:
    url = (tmp_path / "c.jpg").as_uri()  # below the root it is not of another machine
    text = f"Datei;Text\nC:\\x\\b.jpg;ein Hund\ntrip/b.jpg;ein Haus\nC:\\gone.jpg;weg\n{url};ein Hut\n"
    dataset = opened(tmp_path, "liste.csv", text, "trip/b.jpg", "sea/b.jpg", "c.jpg")
    assert words(dataset) == {"trip/b.jpg": ["ein Haus"], "c.jpg": ["ein Hut"]}
    assert [skip.reason for skip in dataset.skipped] == ["ambiguous-photo", "missing-photo"]


class TestPublished:
    """What is published of a caption file: photo, caption and what the format or the user needs."""

    def test_fields_of_an_unknown_kind_stay_out_unless_they_are_kept(self, tmp_path: Path) -> None:
        row = {"image": "a.jpg", "caption": "a dog", "ocr": "Main St 5", "user": {"id": 7}}
        dataset = opened(tmp_path, "a.jsonl", json.dumps(row) + "\n", "a.jpg")
        assert json.loads(rewritten(tmp_path, dataset, "zip")) == {"image": "a.jpg", "caption": "zip"}
        assert json.loads(rewritten(tmp_path, dataset, "zip", "ocr", "user")) == {**row, "caption": "zip"}

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_columns_of_a_table_are_those_of_photo_and_caption(self, newline: str, tmp_path: Path) -> None:
        text = newline.join(["Nr;Datei;Text;Ort", '1;a.jpg;"ein; Hund";Rom', ""])
        dataset = opened(tmp_path, "a.csv", text, "a.jpg")
        rows = rewritten(tmp_path, dataset, 'zip "x"; y')
        assert rows == newline.join(["Datei;Text", 'a.jpg;"zip ""x""; y"', ""])
        assert "Rom" in rewritten(tmp_path, dataset, "zip", "ort")

    def test_coco_and_karpathy_keep_the_ids_that_join_them(self, tmp_path: Path) -> None:
        image, note = {"id": 4, "file_name": "a.jpg"}, {"id": 9, "image_id": 4, "caption": "a dog"}
        whole: dict[str, Any] = {"info": {}, "images": [{**image, "flickr_url": "x"}], "annotations": [note]}
        dataset = opened(tmp_path, "c.json", json.dumps(whole), "a.jpg")
        new = {"images": [image], "annotations": [{**note, "caption": "zip"}]}
        assert json.loads(rewritten(tmp_path, dataset, "zip")) == new
        sentence = {"raw": "A dog.", "tokens": ["a", "dog"], "sentid": 1, "mood": "x"}
        whole = {"images": [{"filename": "a.jpg", "split": "test", "cocoid": 7, "sentences": [sentence]}]}
        dataset = opened(tmp_path, "k.json", json.dumps(whole), "a.jpg")
        sentence = {"raw": "Zip, dog.", "tokens": ["zip", "dog"], "sentid": 1}
        new = {"images": [{"filename": "a.jpg", "split": "test", "sentences": [sentence]}]}
        assert json.loads(rewritten(tmp_path, dataset, "Zip, dog.")) == new

    @pytest.mark.parametrize(
        ("field", "value", "written"),
        [
            ("text", [{"language": "en", "text": "my dog"}, "Rex"], [{"text": "zip"}, "zip"]),
            ("sentences", [{"raw": "my dog", "tokens": ["my", "dog"]}], [{"raw": "zip"}]),
        ],
    )
    def test_of_captions_in_objects_nothing_else(self, field: str, value: Any, written: Any, tmp_path: Path) -> None:
        dataset = opened(tmp_path, "a.jsonl", json.dumps({"file_name": "a.jpg", field: value}) + "\n", "a.jpg")
        assert json.loads(rewritten(tmp_path, dataset, "zip")) == {"file_name": "a.jpg", field: written}
