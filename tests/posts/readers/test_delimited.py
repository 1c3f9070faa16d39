"""Captions in CSV, TSV and lines: delimiters, headings, and the rows that real files have."""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnable.posts import Dataset, Edits, open_dataset, write_captions


def opened(root: Path, name: str, text: str) -> Dataset:
    for photo in ("a.jpg", "Images/b.jpg"):
        (root / photo).parent.mkdir(exist_ok=True)
        (root / photo).touch()
    (root / name).write_bytes(text.encode())
    return open_dataset(root / name)


def rewritten(root: Path, dataset: Dataset, edits: Edits) -> str:
    write_captions(dataset, edits, root / "out")
    return (root / "out").read_bytes().decode()


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
        ("t.csv:6", "no-caption"),
        ("t.csv:7", "no-photo"),
    ]


def test_flickr30k_of_kaggle_is_a_table_with_bars(tmp_path: Path) -> None:
    text = "image_name| comment_number| comment\na.jpg| 0| Two dogs .\nb.jpg| 4   A dog runs .\n"
    dataset = opened(tmp_path, "results.csv", text)
    assert next((pair.photo, pair.caption) for pair in dataset.pairs) == ("a.jpg", "Two dogs .")
    assert [(s.where, s.reason) for s in dataset.skipped] == [("results.csv:3", "no-caption")]


def test_flickr_of_kaggle_is_csv(tmp_path: Path) -> None:
    text = 'image,caption\na.jpg,A dog .\nb.jpg,"A ""cat"" , sits ."\n'
    dataset = opened(tmp_path, "captions.txt", text)
    assert dataset.format == "flickr"
    assert [pair.caption for pair in dataset.pairs] == ["A dog .", 'A "cat" , sits .']
    assert rewritten(tmp_path, dataset, Edits({}, {"Images/b.jpg": "Images/b.jpg"})) == text.replace(
        "a.jpg,A dog .\n", ""
    )


@pytest.mark.parametrize(
    ("name", "text", "captions"),
    [
        ("metadata.csv", "file_name,n,what it shows\na.jpg,1,a dog\n", ["a dog"]),
        ("metadata.csv", "file_name,other,text\na.jpg,x,a dog\n", ["a dog"]),
        ("metadata.jsonl", '{"file_name": "a.jpg", "blip": "a dog", "n": 3, "split": "train"}\n', ["a dog"]),
        ("metadata.jsonl", '{"file_name": "a.jpg", "blip": "x", "prompt": "a dog"}\n', ["a dog"]),
    ],
)
def test_imagefolder_takes_the_only_column_of_text(name: str, text: str, captions: list[str], tmp_path: Path) -> None:
    dataset = opened(tmp_path, name, text)
    assert dataset.format == "imagefolder"
    assert [pair.caption for pair in dataset.pairs] == captions


@pytest.mark.parametrize("other", ["Description", "Caption-Abstract", "ImageDescription", "alt_text"])
def test_a_title_beside_another_description_is_not_the_caption_and_is_emptied(other: str, tmp_path: Path) -> None:
    """As in lists of ExifTool, where it often is the name of the file."""
    dataset = opened(tmp_path, "t.csv", f"SourceFile,Title,{other}\na.jpg,IMG_1,my dog\nb.jpg,a cat,\n")
    assert [pair.caption for pair in dataset.pairs] == ["my dog", "a cat"]
    edits = Edits({(0, 0): "x", (1, 0): "y"}, {photo.id: photo.id for photo in dataset.photos})
    assert rewritten(tmp_path, dataset, edits).splitlines()[1:] == ["a.jpg,,x", "b.jpg,y,"]
