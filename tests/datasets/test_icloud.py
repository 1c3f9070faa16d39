"""An export of iCloud: photos that its lists call hidden or deleted are not published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.conftest import captions, touch
from tests.datasets.formats.exports import lay_out
from unlearnable.datasets import open_dataset
from unlearnable.errors import InputError

HEADING = "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate"
DATE = '"Sunday May 1,2022 9:08 PM GMT"'
FIRST, SECOND = "iCloud Photos Part 1 of 2/Photos", "iCloud Photos Part 2 of 2/Photos"
HIDDEN, DELETED = "it is hidden in iCloud", "it was deleted in iCloud"


def details(**marks: str) -> str:
    rows = (f"{name}.JPG,AX,yes,{mark},{DATE},1,{DATE}" for name, mark in marks.items())
    return "\r\n".join([HEADING, *rows, ""])


def left_out(root: Path, own: Path | None = None) -> list[tuple[str, str]]:
    dataset = open_dataset(root, own)
    kept = {photo.id for photo in dataset.photos}
    skipped = [(skip.where, skip.detail) for skip in dataset.skipped if skip.reason == "withheld"]
    assert not kept & {where for where, _ in skipped}
    assert f"{FIRST}/plain.JPG" in kept
    return skipped


@pytest.mark.parametrize("own", [False, True])
def test_hidden_and_deleted_photos_are_left_out_and_named(own: bool, tmp_path: Path) -> None:
    texts = {
        f"{FIRST}/Photo Details.csv": details(plain="no,no", a="yes,no", b="no,yes", gone="yes,no", far="yes,yes"),
        f"{SECOND}/Photo Details-1.csv": details(a="no,no"),
    }
    lay_out(tmp_path, texts, *(f"{FIRST}/{name}" for name in ("plain.JPG", "a.jpg", "b.JPG")))
    touch(tmp_path, f"{SECOND}/a.JPG", f"{SECOND}/far.JPG")
    row = f'{{"file_name": "{FIRST}/a.jpg", "text": "my dog"}}'
    rows = captions(tmp_path / "own.jsonl", row, row.replace("a.jpg", "plain.JPG")) if own else None
    assert left_out(tmp_path, rows) == [
        (f"{FIRST}/a.jpg", HIDDEN),
        (f"{FIRST}/b.JPG", DELETED),
        (f"{SECOND}/far.JPG", HIDDEN),
    ]


@pytest.mark.parametrize("heading", ["Images", "imgName", "imageName"])
def test_the_album_of_hidden_photos_is_left_out(heading: str, tmp_path: Path) -> None:
    lists = {"Hidden.csv": f"{heading}\r\na.JPG\r\n\r\n", "Trip.csv": f"{heading}\r\nplain.JPG\r\n"}
    albums = {f"iCloud Photos Part 1 of 2/Albums/{name}": text for name, text in lists.items()}
    lay_out(tmp_path, albums, f"{FIRST}/plain.JPG", f"{FIRST}/a.JPG")
    assert left_out(tmp_path) == [(f"{FIRST}/a.JPG", HIDDEN)]


@pytest.mark.parametrize("text", [b"name,hidden\nplain.JPG,yes\n", b"\xff\x00\x81", b""])
def test_other_tables_of_that_name_keep_nothing_back(text: bytes, tmp_path: Path) -> None:
    touch(tmp_path, f"{FIRST}/plain.JPG")
    (tmp_path / FIRST / "Photo Details.csv").write_bytes(text)
    assert left_out(tmp_path) == []


def test_an_export_of_hidden_photos_alone_says_so(tmp_path: Path) -> None:
    lay_out(tmp_path, {"Photo Details.csv": details(a="yes,no")}, "a.JPG")
    with pytest.raises(InputError, match=r"may be published; a.JPG: withheld \(it is hidden in iCloud\)"):
        open_dataset(tmp_path)
