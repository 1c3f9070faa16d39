"""Shards that are tar files: what is read, what is left out, and what their copies hold."""

from __future__ import annotations

import errno
import io
import json
import tarfile

import pytest

from tests.conftest import tree
from tests.shards import photo_bytes, post, read_tar, write_tar
from unlearnable.datasets import Edits, open_dataset
from unlearnable.datasets.formats.webdataset import WEBDATASET
from unlearnable.datasets.shards import tar
from unlearnable.datasets.shards.kind import Room
from unlearnable.errors import InputError, OutputError

PHOTO = photo_bytes(0)


@pytest.fixture
def unpacked(tmp_path):
    """A function that unpacks and reads a folder of shards."""

    def read(source):
        WEBDATASET.unpack(source, tmp_path / "unpacked")
        return WEBDATASET.read(source, tmp_path / "unpacked")

    return read


def captions(dataset):
    return dataset.captions_by_photo()


def written(dataset, target, edits=None):
    """Write the data set with its photos as they are; the members of the shard `a`."""
    paths = {photo.id: photo.id for photo in dataset.photos}
    for photo in dataset.photos:
        (target / photo.id).parent.mkdir(parents=True, exist_ok=True)
        (target / photo.id).write_bytes(b"protected " + photo.path.read_bytes())
    WEBDATASET.write(dataset, edits or Edits({}, paths), target)
    return read_tar(target / "a.tar")


def test_without_edits_only_the_photos_change(unpacked, tmp_path):
    members = post(1, "a dog") | {"000000001.cls": b"7", "notes/readme": b"kept out"} | post(2, "ein Haus\n\nam See ")
    write_tar(tmp_path / "in" / "a.tar", members)
    dataset = unpacked(tmp_path / "in")
    assert captions(dataset) == {"a/000000001.jpg": ["a dog"], "a/000000002.jpg": ["ein Haus\n\nam See"]}
    new = written(dataset, tmp_path / "out")
    del members["notes/readme"]  # it belongs to no photo
    assert list(new) == list(members)
    assert new == {name: b"protected " * name.endswith("jpg") + data for name, data in members.items()}
    with tarfile.open(tmp_path / "in" / "a.tar") as old, tarfile.open(tmp_path / "out" / "a.tar") as copy:
        heads = [{info.name: (info.mtime, info.mode, info.uname) for info in opened} for opened in (old, copy)]
    assert heads[1] == {name: head for name, head in heads[0].items() if name in new}


def test_a_picture_under_another_name_is_left_out_and_listed(unpacked, tmp_path):
    heif = b"\0\0\0\x18ftypheic\0\0\0\0"
    pictures = {"1.orig": heif, "1.img": PHOTO, "1.ppm": b"P6\n1 1\n255\n\0\0\0", "1.jxl": b"\xff\x0a\0"}
    pictures["1.old"] = b"BM\x1a\0\0\0\0\0\0\0\x1a"
    others = {"1.cls": b"BMW 3", "1.mp4": heif.replace(b"heic", b"mp42"), "1.npy": b"\x93NUMPY\x01\0"}
    write_tar(tmp_path / "in" / "a.tar", {"1.jpg": PHOTO, "1.txt": b"a dog", **pictures, **others})
    dataset = unpacked(tmp_path / "in")
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [(f"a/{name}", "picture") for name in pictures]
    assert list(written(dataset, tmp_path / "out")) == ["1.jpg", "1.txt", *others]


def test_suffixes_in_capitals_are_texts_too_and_raw_photos_are_left_out(unpacked, tmp_path):
    members = {"1.JPG": PHOTO, "1.TXT": b"a dog", "1.JSON": b'{"caption": "a cat"}', "1.DNG": PHOTO, "1.cls": b"7"}
    write_tar(tmp_path / "in" / "a.tar", members)
    dataset = unpacked(tmp_path / "in")
    assert captions(dataset) == {"a/1.JPG": ["a dog", "a cat"]}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("a/1.DNG", "raw")]
    edits = Edits({(pair.record, pair.index): f"new {pair.caption}" for pair in dataset.pairs}, {"a/1.JPG": "a/1.JPG"})
    new = written(dataset, tmp_path / "out", edits)
    assert sorted(new) == ["1.JPG", "1.JSON", "1.TXT", "1.cls"]
    assert (new["1.TXT"], new["1.JSON"]) == (b"new a dog", b'{"caption": "new a cat"}')


def test_captions_under_other_suffixes_get_their_triggers_too(unpacked, tmp_path):
    fields = "\ufeff" + json.dumps({"caption": "a dog", "id": 7, "description": "a dog on a lawn"})
    members = {"1.jpg": PHOTO, "1.caption": b"a dog", "2.jpg": PHOTO, "2.Text": b"a cat", "3.jpg": PHOTO}
    members |= {"3.transcript": b"a hen", "4.jpg": PHOTO, "4.jsn": fields.encode()}
    write_tar(tmp_path / "in" / "a.tar", members)
    dataset = unpacked(tmp_path / "in")
    found = {"a/1.jpg": ["a dog"], "a/2.jpg": ["a cat"], "a/3.jpg": ["a hen"], "a/4.jpg": ["a dog"]}
    assert (captions(dataset), dataset.skipped) == (found, ())
    edits = Edits({(pair.record, 0): f"new {pair.caption}" for pair in dataset.pairs}, {name: name for name in found})
    new = written(dataset, tmp_path / "out", edits)
    assert [new[name] for name in ("1.caption", "2.Text", "3.transcript")] == [b"new a dog", b"new a cat", b"new a hen"]
    assert new["4.jsn"].decode().startswith("\ufeff{")
    assert json.loads(new["4.jsn"].decode("utf-8-sig")) == {"caption": "new a dog", "id": 7, "description": None}


@pytest.mark.parametrize(
    ("fields", "text", "found"),
    [
        ({"caption": "a dog"}, b"a dog\n", ["a dog"]),
        ({"caption": " a dog "}, b"a dog", ["a dog"]),
        ({"caption": "a cat"}, b"a dog", ["a dog", "a cat"]),
        ({"caption": None}, b"a dog", ["a dog"]),
        ({"caption": "a dog"}, None, ["a dog"]),
        ({"text": "a dog"}, None, ["a dog"]),
        (None, "\ufeffein Hündchen".encode(), ["ein Hündchen"]),
        (None, b"  \n", []),
        (None, None, []),
    ],
)
def test_captions_stand_in_texts_and_fields(fields, text, found, unpacked, tmp_path):
    members = {"1.txt": text, "1.jpg": PHOTO, "1.json": json.dumps(fields).encode() if fields else None}
    members = {name: data for name, data in members.items() if data is not None}
    write_tar(tmp_path / "in" / "a.tar", members)
    dataset = unpacked(tmp_path / "in")
    assert captions(dataset) == {"a/1.jpg": found or ["a photo"]}
    assert [skip.reason for skip in dataset.skipped] == []
    edits = Edits({(0, n): f'new "{n}" ü' for n in range(len(found))}, {"a/1.jpg": "a/1.jpg"})
    new = written(dataset, tmp_path / "out", edits)
    if text and text.strip():
        mark = b"\xef\xbb\xbf" * text.startswith(b"\xef\xbb\xbf")
        assert new["1.txt"] == mark + 'new "0" ü'.encode() + text[len(text.rstrip()) :]
    if fields:
        again = json.loads(new["1.json"])
        assert list(again) == list(fields)
        assert again.get("caption", again.get("text")) in [None, 'new "0" ü', 'new "1" ü']
    assert new["1.jpg"] == b"protected " + PHOTO


def test_fields_with_sentences_that_stay_are_named(unpacked, tmp_path):
    fields = {"caption": "a dog", "story": "It runs on a lawn.", "alt": "It is a dog.", "exif": "Make: a b c"}
    write_tar(tmp_path / "0.tar", post(1, "a dog") | {"000000001.json": json.dumps(fields).encode()})
    (note,) = unpacked(tmp_path / "0.tar").notes
    assert note.startswith("0.tar has whole sentences in story, which are published as they are: ")


def test_members_of_sentences_that_stay_are_named(unpacked, tmp_path):
    others = {"alt": b"It runs on a lawn.", "cls": b"7", "npy": b"\x93NUMPY a b c d", "wav": b"a b c d\0"}
    write_tar(tmp_path / "0.tar", post(1, "a dog") | {f"000000001.{name}": data for name, data in others.items()})
    (note,) = unpacked(tmp_path / "0.tar").notes
    assert note.startswith("0.tar has whole sentences in .alt, which are published as they are: ")


def test_photos_of_one_post_share_its_caption(unpacked, tmp_path):
    write_tar(tmp_path / "in" / "a.tar", {"1.left.jpg": PHOTO, "1.right.png": PHOTO, "1.txt": b"a dog"})
    pairs = unpacked(tmp_path / "in").pairs
    assert [(pair.photo, pair.record, pair.index) for pair in pairs] == [
        ("a/1.left.jpg", 0, 0),
        ("a/1.right.png", 0, 0),
    ]


def test_a_photo_that_is_dropped_takes_its_post_along(unpacked, tmp_path):
    write_tar(tmp_path / "in" / "a.tar", post(1, "a dog") | post(2, "a cat"))
    dataset = unpacked(tmp_path / "in")
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "000000002.webp").write_bytes(b"new")
    WEBDATASET.write(dataset, Edits({}, {"a/000000002.jpg": "a/000000002.webp"}), tmp_path / "out")
    new = read_tar(tmp_path / "out" / "a.tar")
    assert list(new) == ["000000002.webp", "000000002.json", "000000002.txt"]
    assert new["000000002.webp"] == b"new"


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_what_leads_elsewhere_is_left_out_and_listed(unpacked, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(PHOTO)
    names = ["../out.jpg", "/tmp/out.jpg", "x/../../out.jpg", ".hidden.jpg", "c:\\out.jpg", "../out.txt"]
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tar", "w") as opened:
        for name in [*names, "1.jpg", "1.jpg", "folder/2.jpg"]:
            info = tarfile.TarInfo(name)
            info.size = len(PHOTO)
            opened.addfile(info, io.BytesIO(PHOTO))
        opened.addfile(special("3.jpg", tarfile.SYMTYPE, str(tmp_path / "secret.jpg")))
        opened.addfile(special("4.jpg", tarfile.LNKTYPE, "1.jpg"))
        opened.addfile(special("5.jpg", tarfile.FIFOTYPE))
        opened.addfile(special("folder", tarfile.DIRTYPE))
    before = set(tree(tmp_path))
    dataset = unpacked(tmp_path / "in")
    assert set(tree(tmp_path)) - before == {"unpacked/a/1.jpg", "unpacked/a/folder/2.jpg"}
    assert [photo.id for photo in dataset.photos] == ["a/1.jpg", "a/folder/2.jpg"]
    assert {(skip.where, skip.reason) for skip in dataset.skipped} == {
        *((f"a/{name}", "bad-name") for name in names),
        ("a/1.jpg", "duplicate"),
        *((f"a/{number}.jpg", "link") for number in (3, 4, 5)),
    }
    assert list(written(dataset, tmp_path / "out")) == ["1.jpg", "folder/2.jpg"]


def test_a_name_that_no_file_can_have_is_left_out_and_listed(unpacked, tmp_path):
    long = "n" * 300 + ".jpg"
    write_tar(tmp_path / "in" / "a.tar", {"1.jpg": PHOTO, long: PHOTO, f"{long[:-4]}.txt": b"a dog"})
    dataset = unpacked(tmp_path / "in")
    assert [photo.id for photo in dataset.photos] == ["a/1.jpg"]
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [(f"a/{long}", "bad-name")]
    assert list(written(dataset, tmp_path / "out")) == ["1.jpg"]


def test_texts_that_cannot_be_read_are_left_out(unpacked, tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "LARGEST_TEXT", 1000)
    members = {
        "1.jpg": PHOTO,
        "1.txt": "größe".encode("latin-1"),
        "1.json": b'{"caption": "a dog"}',
        "2.jpg": PHOTO,
        "2.json": b"[1]",
        "3.jpg": PHOTO,
        "3.txt": b"x" * 1001,
    }
    write_tar(tmp_path / "in" / "a.tar", members)
    dataset = unpacked(tmp_path / "in")
    assert captions(dataset) == {"a/1.jpg": ["a dog"], "a/2.jpg": ["a photo"], "a/3.jpg": ["a photo"]}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [
        ("a/1.txt", "bad-row"),
        ("a/2.json", "bad-row"),
        ("a/3.txt", "bad-row"),
    ]
    assert list(written(dataset, tmp_path / "out")) == ["1.jpg", "1.json", "2.jpg", "3.jpg"]


def test_texts_without_a_photo_are_left_out(unpacked, tmp_path):
    write_tar(tmp_path / "in" / "a.tar", {"1.jpg": PHOTO, "2.txt": b"not downloaded"})
    dataset = unpacked(tmp_path / "in")
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("a/2", "no-photo")]
    assert list(written(dataset, tmp_path / "out")) == ["1.jpg"]


def test_a_large_photo_and_a_full_disk(unpacked, tmp_path, monkeypatch):
    write_tar(tmp_path / "in" / "a.tar", {"1.jpg": PHOTO, "2.jpg": PHOTO + bytes(9)})
    monkeypatch.setattr(tar, "LARGEST", len(PHOTO))
    assert [skip.reason for skip in unpacked(tmp_path / "in").skipped] == ["too-large"]
    monkeypatch.setattr("unlearnable.disk.limits.free_space", lambda folder: len(PHOTO))
    with pytest.raises(InputError, match="do not fit"):
        WEBDATASET.unpack(tmp_path / "in", tmp_path / "other")
    monkeypatch.undo()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", full)
    with pytest.raises(OutputError, match="the disk is full"):
        WEBDATASET.kind.unpack(tmp_path / "in" / "a.tar", tmp_path / "third", Room(tmp_path))


@pytest.mark.parametrize("size", [1500, 3000, 5120 + 512])
def test_a_shard_that_is_cut_off_is_named(size, tmp_path):
    path = write_tar(tmp_path / "in" / "a.tar", post(1, "a dog") | post(2, "a cat"))
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match=r"a\.tar cannot be read"):
        WEBDATASET.unpack(tmp_path / "in", tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("now", "why"), [(post(1, "a cat"), "has changed since"), (post(2, "a dog"), r"000000001\.jpg is in its shard no")]
)
def test_a_shard_that_changed_is_not_written(unpacked, tmp_path, now, why):
    write_tar(tmp_path / "in" / "a.tar", post(1, "a dog"))
    dataset = unpacked(tmp_path / "in")
    write_tar(tmp_path / "in" / "a.tar", now)
    with pytest.raises(InputError, match=why):
        written(dataset, tmp_path / "out")
    assert not (tmp_path / "out" / "a.tar").exists()


def test_two_shards_of_one_name(tmp_path):
    for name in ("a.tar", "A.tar"):
        write_tar(tmp_path / "in" / name, post(1, "a dog"))
    if len(list((tmp_path / "in").iterdir())) == 2:
        with pytest.raises(InputError, match="have one name"):
            WEBDATASET.unpack(tmp_path / "in", tmp_path / "unpacked")


def test_shards_in_folders_and_a_point_before_their_members(unpacked, tmp_path):
    write_tar(tmp_path / "in" / "train" / "a.tar", {"./x/1.jpg": PHOTO, "./x/1.txt": b"a dog"})
    dataset = unpacked(tmp_path / "in")
    assert captions(dataset) == {"train/a/x/1.jpg": ["a dog"]}
    target = tmp_path / "out" / "train" / "a" / "x" / "1.jpg"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"new")
    WEBDATASET.write(dataset, Edits({}, {"train/a/x/1.jpg": "train/a/x/1.jpg"}), tmp_path / "out")
    assert read_tar(tmp_path / "out" / "train" / "a.tar") == {"./x/1.jpg": b"new", "./x/1.txt": b"a dog"}


def test_a_folder_with_photos_of_its_own_is_no_folder_of_shards(tmp_path):
    write_tar(tmp_path / "a.tar", post(1, "a dog"))
    (tmp_path / "b.jpg").write_bytes(PHOTO)
    assert not WEBDATASET.sniff(tmp_path)
    assert [photo.id for photo in open_dataset(tmp_path).photos] == ["b.jpg"]


def test_an_extended_head_does_not_give_a_copy_the_size_of_its_original(unpacked, tmp_path):
    members = {"1.jpg": PHOTO, "1.txt": b"a dog", "1.cls": b"7"}
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tar", "w", format=tarfile.PAX_FORMAT) as opened:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), {"size": str(len(data)), "path": name, "comment": "mine"}
            opened.addfile(info, io.BytesIO(data))
    dataset = unpacked(tmp_path / "in")
    new = written(dataset, tmp_path / "out", Edits({(0, 0): "a very small dog"}, {"a/1.jpg": "a/1.jpg"}))
    assert new == {"1.jpg": b"protected " + PHOTO, "1.txt": b"a very small dog", "1.cls": b"7"}
