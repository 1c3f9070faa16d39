"""What a page sends: names that are safe, zips that stay inside, captions that were typed."""

from __future__ import annotations

import stat
import zipfile

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from tests.conftest import picture, tree
from unlearnable.app import inbox
from unlearnable.app.inbox import Inbox
from unlearnable.errors import ConfigError, InputError
from unlearnable.storage.progress import Silent


@pytest.fixture
def box(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Inbox(folder)


@pytest.fixture
def zipped(tmp_path, box):
    """Put a zip of names and contents, or of a prepared list of entries, into the inbox."""

    def make(entries, name="export.zip"):
        path = box.place(name)
        with zipfile.ZipFile(path, "w") as archive:
            for entry, content in entries.items():
                archive.writestr(entry, content)
        return path

    return make


@given(st.text(max_size=300))
def test_any_name_stays_in_the_folder(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    place = Inbox(folder).place(name)
    assert place.parent == folder
    place.write_bytes(b"")
    assert place.is_file()
    assert not place.name.startswith(".")


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a b.jpg", "a b.jpg"), ("../../etc/passwd", "passwd"), ("C:\\me\\a.jpg", "a.jpg"), ("", "file"), ("..", "file"),
     (".bashrc", "bashrc"), ("über.png", "über.png"), ("a\nb.png", "a_b.png"), ("captions.jsonl", "captions-2.jsonl")],
)  # fmt: skip
def test_names_are_kept_where_they_are_harmless(box, name, kept):
    assert box.place(name).name == kept


def test_of_two_files_of_one_name_both_stay(box):
    for _ in range(2):
        box.place("IMG_1.jpg").write_bytes(b"")
    box.place("img_1.JPG").write_bytes(b"")
    assert sorted(tree(box.folder)) == ["IMG_1-2.jpg", "IMG_1.jpg", "img_1-3.JPG"]


def test_a_zip_is_unpacked_without_the_folder_that_holds_it_all(box, zipped):
    box.unpack(zipped({"mine/a.jpg": "a", "mine/more/b.jpg": "b", "mine/posts.jsonl": "{}", "__MACOSX/x": "x"}))
    assert tree(box.folder) == {"a.jpg": b"a", "more/b.jpg": b"b", "posts.jsonl": b"{}"}
    box.unpack(zipped({"c.jpg": "c", "data/d.jpg": "d", ".hidden": "h"}))
    assert {"c.jpg", "data/d.jpg"} < set(tree(box.folder))
    assert not any("hidden" in name for name in tree(box.folder))


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "b/../../a.jpg", "..\\a.jpg", "C:/a.jpg"])
def test_a_zip_that_leads_out_of_the_folder_is_refused(box, zipped, tmp_path, name):
    before = tree(tmp_path)
    with pytest.raises(InputError, match="leads out"):
        box.unpack(zipped({"ok.jpg": "a", name: "b"}))
    assert tree(tmp_path) == before


def test_links_in_a_zip_are_not_made(box, zipped):
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    box.unpack(zipped({link: "/etc/passwd", "a.jpg": "a"}))
    assert tree(box.folder) == {"a.jpg": b"a"}


def test_a_zip_larger_than_the_disk_is_refused_whatever_it_says_of_its_size(box, zipped, monkeypatch):
    monkeypatch.setattr("unlearnable.storage.files.free_space", lambda _: 1000)
    with pytest.raises(InputError, match="larger than the free space"):
        box.unpack(zipped({"a.jpg": b"0" * 500, "b.jpg": b"0" * 500}))
    monkeypatch.setattr(inbox, "MOST_FILES", 1)
    with pytest.raises(InputError, match="more than 1 files"):
        box.unpack(zipped({"c.jpg": "", "d.jpg": ""}))


@pytest.mark.parametrize("second", ["image,caption\np0.png,a dog\n", "image,caption\np0.png,a cat\n"])
def test_captions_that_came_twice_are_taken_once(box, second):
    Image.fromarray(picture(0)).save(box.place("p0.png"))
    first = "image,caption\np0.png,a dog\n"
    for text in (first, second):
        box.place("posts.csv").write_text(text)
    if second == first:
        assert [pair.caption for pair in box.posts(Silent()).pairs] == ["a dog"]
    else:
        with pytest.raises(ConfigError, match="several caption files"):
            box.posts(Silent())


def test_nothing_stays_of_a_zip_that_is_refused(box, zipped):
    (box.folder / "b.jpg").write_bytes(b"b")
    with pytest.raises(InputError, match=r"b\.jpg came twice"):
        box.unpack(zipped({"a.jpg": "a", "more/c.jpg": "c", "b.jpg": "other"}))
    path = zipped({"a.jpg": b"whole", "d.jpg": b"damaged"})
    path.write_bytes(path.read_bytes().replace(b"damaged", b"DAMAGED", 1))
    with pytest.raises(InputError, match="cannot be unpacked: Bad CRC"):
        box.unpack(path)
    assert tree(box.folder) == {"b.jpg": b"b"}
    box.unpack(zipped({"a.jpg": "whole", "d.jpg": "whole"}))
    assert set(tree(box.folder)) == {"a.jpg", "b.jpg", "d.jpg"}


def test_captions_are_typed_where_nothing_that_came_has_any(box):
    for number in range(2):
        Image.fromarray(picture(number)).save(box.folder / f"p{number}.png")
    dataset = box.posts(Silent())
    assert box.takes_captions(dataset)
    box.write_captions({"p0.png": " two\n lines ", "p1.png": " "})
    dataset = box.posts(Silent())
    assert dataset.captions_by_photo()["p0.png"] == ["two\n lines"]
    assert dataset.uncaptioned == {"p1.png"}
    assert box.takes_captions(dataset)
    box.write_captions({"p0.png": ""})
    assert "captions.jsonl" not in tree(box.folder)
    (box.folder / "posts.jsonl").write_text('{"image": "p0.png", "caption": "from a file"}\n')
    assert not box.takes_captions(box.posts(Silent()))


def test_names_in_a_zip_are_read_as_todays_programs_write_them(box, tmp_path):
    path = box.place("mine.zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, bits in (("Zürich.jpg".encode(), 0), (b"B\x81cher.jpg", 0), ("Łódź.jpg".encode(), 0x800)):
            info = Raw(name.decode("latin-1"))
            info.raw, info.bits = name, bits
            archive.writestr(info, b"x")
    box.unpack(path)
    assert sorted(tree(box.folder)) == ["Bücher.jpg", "Zürich.jpg", "Łódź.jpg"]


class Raw(zipfile.ZipInfo):
    """A member whose name is written as the bytes that it is given."""

    raw: bytes = b""
    bits: int = 0

    def _encodeFilenameFlags(self):
        return self.raw, self.flag_bits | self.bits


@pytest.mark.parametrize(
    ("offset", "value", "said"), [(8, 1, "is locked by a password"), (10, 9, "cannot be unpacked")]
)
def test_a_zip_that_python_cannot_unpack_is_to_be_unzipped_by_hand(box, zipped, offset, value, said):
    """To download it again would change nothing. Flags and the kind of packing stand 8 and 10 bytes into a row."""
    path = zipped({"a.jpg": b"a photo"})
    data = bytearray(path.read_bytes())
    data[offset - 2] = value  # of the member itself
    data[data.index(b"PK\x01\x02") + offset] = value
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"export\.zip {said}") as refused:
        box.unpack(path)
    assert refused.value.hint == "unzip it yourself, and drop the photos"
    assert "ZipInfo" not in refused.value.message
    assert not tree(box.folder)
