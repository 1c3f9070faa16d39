"""Tables of people who speak other languages and use Windows: columns by name, cp1252, paths of another machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from unlearnable.errors import InputError
from unlearnable.posts import Edits, find_captions, open_dataset, write_captions


def folder(root: Path, text: str, encoding: str = "utf-8", photos: tuple[str, ...] = ("a.jpg", "trip/b.jpg")) -> Path:
    for photo in photos:
        (root / photo).parent.mkdir(exist_ok=True)
        (root / photo).touch()
    (root / "liste.csv").write_bytes(text.encode(encoding))
    return root / "liste.csv"


def captions(dataset) -> dict[str, str]:
    return {pair.photo: pair.caption for pair in dataset.pairs if pair.record >= 0}


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("File Name,alt_text", "a.jpg,a dog"),
        ("Dateiname;Beschreibung", "a.jpg;a dog"),
        ("SourceFile,ImageDescription", "./a.jpg,a dog"),
        ("SourceFile,Directory,Caption-Abstract", "trip/../a.jpg,.,a dog"),
    ],
)
def test_columns_that_people_and_programs_name_otherwise(heading, row, tmp_path):
    source = folder(tmp_path, f"{heading}\n{row}\n")
    assert captions(open_dataset(tmp_path, source)) == {"a.jpg": "a dog"}


def test_a_list_of_exiftool_without_captions_is_no_captions(tmp_path):
    source = folder(tmp_path, '[{"SourceFile": "a.jpg", "Make": "Canon"}]').rename(tmp_path / "exif.json")
    assert find_captions(tmp_path) == []
    source.write_text('[{"SourceFile": "a.jpg", "Description": "a dog"}]')
    assert find_captions(tmp_path) == [source]


def test_without_them_the_headings_are_shown(tmp_path):
    source = folder(tmp_path, "Kennung;Notiz\na.jpg;ein Hund\n")
    with pytest.raises(InputError) as raised:
        open_dataset(tmp_path, source)
    assert "Kennung;Notiz" in raised.value.hint
    assert "call two of them photo and caption" in raised.value.hint


def test_one_odd_letter_is_enough(tmp_path):
    dataset = open_dataset(tmp_path, folder(tmp_path, "Datei;Text\na.jpg;Ü\n", "cp1252"))
    assert captions(dataset) == {"a.jpg": "Ü"}


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
def test_paths_of_another_machine_are_found_by_their_end(tmp_path, value, photo):
    photos = ("a.jpg", "trip/b.jpg", "my trip/c d.jpg", "my trip/twice.jpg", "trip/twice.jpg")
    dataset = open_dataset(tmp_path, folder(tmp_path, f"Datei;Text\n{value};ein Hund\n", photos=photos))
    assert captions(dataset) == {photo: "ein Hund"}
    assert f"liste.csv has 1 path of another machine, such as {value}" in dataset.notes[0]
    paths = {photo.id: photo.id for photo in dataset.photos}
    write_captions(dataset, Edits({}, paths), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == f"Datei;Text\n{photo};ein Hund\n"


def test_a_name_that_two_photos_have_is_not_guessed(tmp_path):
    photos = ("trip/b.jpg", "sea/b.jpg")
    text = "Datei;Text\nC:\\x\\b.jpg;ein Hund\ntrip/b.jpg;ein Haus\nC:\\gone.jpg;weg\n"
    dataset = open_dataset(tmp_path, folder(tmp_path, text, photos=photos))
    assert captions(dataset) == {"trip/b.jpg": "ein Haus"}
    assert [skip.reason for skip in dataset.skipped] == ["ambiguous-photo", "missing-photo"]


def test_a_file_url_below_the_root_is_no_other_machine(tmp_path):
    url = (tmp_path / "a.jpg").as_uri()
    dataset = open_dataset(tmp_path, folder(tmp_path, f"Datei;Text\n{url};ein Hund\n"))
    assert captions(dataset) == {"a.jpg": "ein Hund"}
    assert dataset.notes == ()
