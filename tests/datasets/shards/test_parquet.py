"""Parquet files: photos in them, photos that they name, and metadata beside a tar."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.shards import photo_bytes, post, read_tar, write_tar
from unlearnable.datasets import Edits, open_dataset, write_captions
from unlearnable.datasets.formats.parquet import PARQUET
from unlearnable.datasets.formats.webdataset import WEBDATASET
from unlearnable.errors import ConfigError, InputError


def hugging_face(path, captions=("a dog", "ein Haus am See", None), **columns):
    """Rows as `datasets` writes them, with its own metadata of the schema."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    photos = [{"bytes": photo_bytes(n), "path": f"p{n}.jpg"} for n in range(len(captions))]
    names = {"image": pa.array(photos, image), "text": pa.array(captions, pa.string()), **columns}
    table = pa.table(names).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": {}}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return path


def published(dataset, target, suffix=".jpg", gone=()):
    """Write with new captions and photos; the photos that stay."""
    paths = {photo.id: photo.id.replace(".jpg", suffix) for photo in dataset.photos if photo.id not in gone}
    for new in paths.values():
        (target / new).parent.mkdir(parents=True, exist_ok=True)
        (target / new).write_bytes(f"protected {new}".encode())
    captions = {(pair.record, pair.index): f"new {pair.caption}" for pair in dataset.pairs if pair.record >= 0}
    return Edits(captions, paths)


def test_photos_in_parquet_come_back_under_the_same_schema(tmp_path):
    other = {"n": pa.array([1, None, 3], pa.int16()), "alt": ["a dog", "see", ""], "gps": pa.array([1.5, 2.5, None])}
    source = hugging_face(tmp_path / "in" / "train.parquet", **other)
    PARQUET.unpack(tmp_path / "in", tmp_path / "unpacked")
    dataset = PARQUET.read(tmp_path / "in", tmp_path / "unpacked")
    ids = [f"train/p{n}.jpg" for n in range(3)]
    assert dataset.captions_by_photo() == dict(
        zip(ids, [["a dog"], ["ein Haus am See"], ["a photo of train"]], strict=True)
    )
    assert [photo.path.read_bytes() for photo in dataset.photos] == [photo_bytes(n) for n in range(3)]
    assert {(one.photo, one.name, one.emptied) for one in dataset.changed_fields} == {
        *((ids[0], "alt", False), (ids[0], "gps", True), (ids[1], "alt", True), (ids[1], "gps", True)),
    }
    edits = published(dataset, tmp_path / "out", gone={ids[1]})
    PARQUET.write(dataset, edits, tmp_path / "out")
    old, new = pq.read_table(source), pq.read_table(tmp_path / "out" / "train.parquet")
    assert new.schema.equals(old.schema, check_metadata=True)
    assert pq.ParquetFile(tmp_path / "out" / "train.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    assert new.to_pylist() == [
        {"image": {"bytes": f"protected {ids[0]}".encode(), "path": "p0.jpg"}, "text": "new a dog", "n": 1}
        | {"alt": "new a dog", "gps": None},
        {"image": {"bytes": f"protected {ids[2]}".encode(), "path": "p2.jpg"}, "text": None, "n": 3}
        | {"alt": "", "gps": None},
    ]


def test_other_pictures_and_captions_within_lists_and_structs_are_emptied(tmp_path):
    picture = pa.array([{"bytes": photo_bytes(0), "path": "p0.jpg"}])
    other = {
        "original": pa.array([photo_bytes(0)]), "thumbnail": picture, "code": pa.array([b"\x00\x01"]),
        "all": [["a dog on grass", "x"]], "meta": [{"text": "a dog on grass", "n": 1}],
        "where": [{"exif": {"lat": 1.5}}], "tags": [["dog", "grass"]],
    }  # fmt: skip
    hugging_face(tmp_path / "in" / "a.parquet", ("a dog on grass",), **other)
    PARQUET.unpack(tmp_path / "in", tmp_path / "unpacked")
    dataset = PARQUET.read(tmp_path / "in", tmp_path / "unpacked")
    emptied = {"original", "thumbnail", "all", "meta", "where"}
    assert {(one.name, one.emptied) for one in dataset.changed_fields} == {(name, True) for name in emptied}
    PARQUET.write(dataset, published(dataset, tmp_path / "out"), tmp_path / "out")
    (row,) = pq.read_table(tmp_path / "out" / "a.parquet").to_pylist()
    assert {name for name, value in row.items() if value is None} == emptied
    assert (row["code"], row["tags"], row["text"]) == (b"\x00\x01", ["dog", "grass"], "new a dog on grass")


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int8(), pa.string()), pa.large_list(pa.string())])
def test_captions_of_other_types_and_columns_that_had_to_be_filled(tmp_path, kind):
    listed = pa.types.is_large_list(kind)
    texts = pa.array([["a dog"], ["a cat"]], kind) if listed else pa.array(["a dog", "a cat"]).cast(kind)
    table = pa.table({"jpg": [photo_bytes(0), photo_bytes(1)], "caption": texts, "lat": [1.5, 2.5]})
    (tmp_path / "in").mkdir()
    full = pa.schema([field.with_nullable(False) for field in table.schema])
    pq.write_table(table.cast(full), tmp_path / "in" / "a.parquet")
    PARQUET.unpack(tmp_path / "in", tmp_path / "unpacked")
    dataset = PARQUET.read(tmp_path / "in", tmp_path / "unpacked")
    assert list(dataset.captions_by_photo().values()) == [["a dog"], ["a cat"]]
    PARQUET.write(dataset, published(dataset, tmp_path / "out"), tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "a.parquet").to_pylist()
    assert [row["caption"] for row in rows] == (
        [["new a dog"], ["new a cat"]] if listed else ["new a dog", "new a cat"]
    )
    assert [row["lat"] for row in rows] == [None, None]


def rewritten(folder, rows):
    """Pack rows into a shard, publish it with other photos and captions, and return what is in it then."""
    (folder / "in").mkdir()
    pq.write_table(pa.table(rows), folder / "in" / "a.parquet")
    PARQUET.unpack(folder / "in", folder / "unpacked")
    dataset = PARQUET.read(folder / "in", folder / "unpacked")
    PARQUET.write(dataset, published(dataset, folder / "out"), folder / "out")
    return pq.read_table(folder / "out" / "a.parquet")


FINE = 1_700_000_000_123_456_789  # a time that Python cannot hold
PLACE = pa.struct({"city": pa.string(), "since": pa.timestamp("ns")})
TIMES = pa.struct({"taken": pa.timestamp("ns"), "all": pa.list_(pa.duration("ns"))})


@pytest.mark.parametrize(
    "column",
    [
        pa.array([FINE] * 150, pa.timestamp("ns")),
        pa.array([10**7] * 150, pa.date32()),
        pa.array([FINE] * 150, pa.timestamp("us", "Nowhere/Land")),
        pa.array([{"taken": FINE, "all": [FINE]}] * 150, TIMES),
        pa.array(["in", "out", None] * 50).dictionary_encode(),
    ],
    ids=lambda column: str(column.type)[:9],
)
def test_times_of_any_kind_and_categories_stay(tmp_path, column):
    captions = pa.array([f"a dog {n}" for n in range(150)])
    place = pa.array([{"city": "Rome", "since": FINE}, None] * 75, PLACE)
    rows = {"jpg": [photo_bytes(n % 2) for n in range(150)], "x": column, "place": place, "caption": captions}
    new = rewritten(tmp_path, rows)
    assert new["x"].equals(pa.chunked_array([column]))
    assert new["caption"].to_pylist() == [f"new a dog {n}" for n in range(150)]
    assert new["place"].null_count == 150


def test_captions_may_fill_a_narrow_category(tmp_path):
    captions = pa.array([f"a dog {n}" for n in range(120)]).cast(pa.dictionary(pa.int8(), pa.string()))
    new = rewritten(tmp_path, {"jpg": [photo_bytes(n % 2) for n in range(120)], "caption": captions})["caption"]
    assert pa.types.is_dictionary(new.type)
    assert new.to_pylist() == [f"new a dog {n}" for n in range(120)]


def test_photos_whose_paths_are_alike_or_lead_elsewhere_go_by_their_row(tmp_path):
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = ["a/p.jpg", "b/P.jpg", "../..", None, ".hidden.jpg", "00000005", "x.png"]
    photos = pa.array([{"bytes": photo_bytes(n), "path": path} for n, path in enumerate(paths)], image)
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"image": photos}), tmp_path / "in" / "a.parquet")
    names = ["p.jpg", *(f"{n:08d}.jpg" for n in range(1, 6)), "x.png"]
    assert [post.photos for post in PARQUET.kind.posts(tmp_path / "in" / "a.parquet")] == [[name] for name in names]


def test_another_kind_of_photo_changes_the_path_beside_it(tmp_path):
    hugging_face(tmp_path / "in" / "train.parquet")
    PARQUET.unpack(tmp_path / "in", tmp_path / "unpacked")
    dataset = PARQUET.read(tmp_path / "in", tmp_path / "unpacked")
    PARQUET.write(dataset, published(dataset, tmp_path / "out", ".webp"), tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert [row["image"]["path"] for row in rows] == ["p0.webp", "p1.webp", "p2.webp"]


def test_img2datasets_parquet_has_no_photo_in_some_rows(tmp_path):
    jpg = pa.array([photo_bytes(0), None], pa.binary())
    rows = {"key": ["0", "1"], "status": ["success", "failed"], "caption": ["a dog", "a cat"], "jpg": jpg}
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "in" / "00000.parquet")
    dataset = open_dataset(tmp_path / "in")
    assert dataset.captions_by_photo() == {"00000/00000000.jpg": ["a dog"]}
    assert [(skip.where, skip.reason) for skip in dataset.skipped] == [("00000/00000001.jpg", "no-photo")]
    PARQUET.write(dataset, published(dataset, tmp_path / "out"), tmp_path / "out")
    (row,) = pq.read_table(tmp_path / "out" / "00000.parquet").to_pylist()
    assert row == {"key": "0", "status": "success", "caption": "new a dog", "jpg": b"protected 00000/00000000.jpg"}


def test_photos_keep_their_names_where_rows_before_them_are_left_out(tmp_path):
    """As rows without a path, with one path twice, or that would have one name in another kind of photo."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    paths = ["gone.jpg", "gone.jpg", None, "p.jpg", "p.jpeg"]
    photos = pa.array([{"bytes": photo_bytes(n), "path": path} for n, path in enumerate(paths)], image)
    source = tmp_path / "in" / "a.parquet"
    source.parent.mkdir()
    pq.write_table(pa.table({"image": photos}), source)
    PARQUET.unpack(source, tmp_path / "unpacked")
    dataset = PARQUET.read(source, tmp_path / "unpacked")
    new = ["a/00000001.jpg", "a/00000002.jpg", "a/p.jpg", "a/p-2.jpg"]
    ids = ["a/00000001.jpg", "a/00000002.jpg", "a/p.jpg", "a/p.jpeg"]
    (tmp_path / "out" / "a").mkdir(parents=True)
    for name in new:
        (tmp_path / "out" / name).write_bytes(name.encode())
    PARQUET.write(dataset, Edits({}, dict(zip(ids, new, strict=True))), tmp_path / "out")
    copy = tmp_path / "out" / "a.parquet"
    assert pq.read_table(copy)["image"].to_pylist() == [
        {"bytes": name.encode(), "path": path}
        for name, path in zip(new, ["gone.jpg", None, "p.jpg", "p.jpg"], strict=True)
    ]
    assert [post.photos for post in PARQUET.kind.posts(copy)] == [[name.removeprefix("a/")] for name in new]
    assert pq.read_schema(copy).equals(pq.read_schema(source), check_metadata=True)


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("no JSON", {}),
        ("7", {}),
        ('{"a": 1}', {}),
        ("[" * 9999, {}),
        ('[1, "../x.jpg", "b.jpg", "b.jpg"]', {1: "x", 2: "b"}),
    ],
)
def test_names_noted_in_a_file_of_somebody_elses_are_no_danger(note, named, tmp_path):
    file = tmp_path / "a.parquet"
    with pq.ParquetWriter(file, pa.schema([("jpg", pa.binary())])) as out:
        out.write_table(pa.table({"jpg": [photo_bytes(n) for n in range(4)]}))
        out.add_key_value_metadata({"file_names": note})
    names = [name for post in PARQUET.kind.posts(file) for name in post.photos]
    assert names == [f"{named.get(n, f'{n:08d}')}.jpg" for n in range(4)]
    PARQUET.unpack(file, tmp_path / "unpacked")
    assert sorted(path.name for path in (tmp_path / "unpacked" / "a").iterdir()) == sorted(names)


def test_rows_of_parquet_tell_the_split_whether_they_hold_photos_or_name_them(tmp_path):
    """As those of Flickr30k on the hub do, which are all in one split of `datasets`."""
    hugging_face(tmp_path / "shards" / "a.parquet", split=pa.array(["train", "Test", None]))
    assert [photo.split for photo in open_dataset(tmp_path / "shards").photos] == ["train", "test", None]
    names = ["a.jpg", "b.jpg"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    table = pa.table({"image": names, "text": ["a dog", "a cat"], "split": ["test", "train"]})
    pq.write_table(table, tmp_path / "posts.parquet")
    assert [photo.split for photo in open_dataset(tmp_path, tmp_path / "posts.parquet").photos] == ["test", "train"]


@pytest.mark.parametrize("nested", [True, False])
def test_a_parquet_file_that_names_photos(nested, tmp_path):
    names = ["b.jpg", "a.jpg", "absent.jpg"]
    for name in names[:2]:
        (tmp_path / name).write_bytes(b"x")
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    photo = pa.array([{"bytes": None, "path": name} for name in names], image) if nested else names
    lists = pa.array([["a dog", "two dogs"], ["a cat"], ["nothing"]])
    table = pa.table({"image": photo, "captions": lists, "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "posts.parquet")
    dataset = open_dataset(tmp_path, tmp_path / "posts.parquet")
    assert dataset.format == "parquet-table"
    assert dataset.captions_by_photo() == {"a.jpg": ["a cat"], "b.jpg": ["a dog", "two dogs"]}
    assert [skip.reason for skip in dataset.skipped] == ["missing-photo"]
    (tmp_path / "out").mkdir()
    write_captions(dataset, published(dataset, tmp_path / "out", ".png"), tmp_path / "out" / "posts.parquet")
    new = pq.read_table(tmp_path / "out" / "posts.parquet")
    assert new.schema == table.schema
    assert [row["captions"] for row in new.to_pylist()] == [["new a dog", "new two dogs"], ["new a cat"]]
    assert [row["image"]["path"] if nested else row["image"] for row in new.to_pylist()] == ["b.png", "a.png"]
    again = open_dataset(tmp_path / "out", tmp_path / "out" / "posts.parquet")
    assert again.captions_by_photo() == {"a.png": ["new a cat"], "b.png": ["new a dog", "new two dogs"]}


@pytest.mark.parametrize("now", [["a.jpg", "c.jpg"], ["a.jpg"]])
def test_a_parquet_file_that_names_another_photo_now_is_not_written(now, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    source, texts = tmp_path / "posts.parquet", ["a dog", "a cat"]
    pq.write_table(pa.table({"image": ["a.jpg", "b.jpg"], "caption": texts}), source)
    dataset = open_dataset(source)
    pq.write_table(pa.table({"image": now, "caption": texts[: len(now)]}), source)
    with pytest.raises(InputError, match="has changed since"):
        write_captions(dataset, Edits({}, {"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_metadata_beside_a_tar_follows_it(tmp_path):
    write_tar(tmp_path / "in" / "a.tar", post(1, "a dog") | post(2, "a cat"))
    rows = {"key": [f"{n:09d}" for n in (1, 2, 3)], "caption": ["a dog", "a cat", "failed"], "width": [64, 64, None]}
    pq.write_table(pa.table(rows), tmp_path / "in" / "a.parquet")
    WEBDATASET.unpack(tmp_path / "in", tmp_path / "unpacked")
    dataset = WEBDATASET.read(tmp_path / "in", tmp_path / "unpacked")
    WEBDATASET.write(dataset, published(dataset, tmp_path / "out", gone={"a/000000002.jpg"}), tmp_path / "out")
    assert list(read_tar(tmp_path / "out" / "a.tar")) == list(post(1, ""))
    assert pq.read_table(tmp_path / "out" / "a.parquet").to_pylist() == [
        {"key": "000000001", "caption": "new a dog", "width": 64}
    ]


def test_without_the_library_it_says_how_to_install_it(tmp_path, monkeypatch):
    hugging_face(tmp_path / "in" / "train.parquet")
    write_tar(tmp_path / "tars" / "a.tar", post(1, "a dog"))
    hugging_face(tmp_path / "tars" / "a.parquet")

    def missing(module):
        raise ModuleNotFoundError(name="pyarrow")

    monkeypatch.setattr("unlearnable.extras.import_module", missing)
    monkeypatch.setattr("unlearnable.extras.find_spec", lambda module: None)
    with pytest.raises(ConfigError, match="pyarrow is not installed") as raised:
        open_dataset(tmp_path / "in")
    assert raised.value.hint == "pip install 'unlearnable[shards]'"
    (tmp_path / "in" / "b.jpg").write_bytes(b"x")
    assert open_dataset(tmp_path / "in").format == "folder"
    assert "pip install 'unlearnable[shards]'" in open_dataset(tmp_path / "tars").notes[0]


@pytest.mark.parametrize("with_photos", [True, False])
def test_columns_with_sentences_that_stay_are_named(with_photos, tmp_path):
    messages = [{"role": "assistant", "content": "A dog runs on a lawn."}]
    columns = {"messages": [messages, [], None], "tags": [["dog"], [], None], "exif": ["Make: a b c"] * 3}
    source = hugging_face(tmp_path / "in" / "posts.parquet", **columns, summary=["A dog on a lawn."] * 3)
    if not with_photos:
        pq.write_table(
            pq.read_table(source).drop_columns("image").append_column("image", [[f"p{n}.jpg" for n in range(3)]]),
            source,
        )
        for n in range(3):
            (source.parent / f"p{n}.jpg").write_bytes(photo_bytes(n))
    dataset = open_dataset(source.parent, None if with_photos else source)
    where = "in" if with_photos else "posts.parquet"
    assert [note.partition(",")[0] for note in dataset.notes] == [f"{where} has whole sentences in messages"]


def test_a_damaged_file_is_named(tmp_path):
    path = hugging_face(tmp_path / "in" / "train.parquet")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"no photo in|cannot be read"):
        open_dataset(tmp_path / "in")
    with pytest.raises(InputError, match=r"train\.parquet cannot be read"):
        open_dataset(path)
