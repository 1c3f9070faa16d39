"""`protect` and `verify` on shards of webdataset, as a shell sees them."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from webdataset.tariterators import group_by_keys, tar_file_iterator

from tests.cli.program import call
from tests.conftest import tree
from tests.shards import photo_bytes, post, read_tar, write_tar
from unlearnable.posts.reading import open_collection
from unlearnable.verify.copies import given_to_protect
from unlearnable.verify.matching import match, open_protected


def shards(folder, each=4):
    """Posts in two shards, each with a member that is no photo and no text."""
    for shard in range(2):
        members: dict[str, bytes] = {}
        for number in range(each * shard, each * (shard + 1)):
            members |= post(number, f"ein Hund {number} läuft 🐕", location="Berlin", alt=f"ein Hund {number} läuft 🐕")
            members[f"{number:09d}.cls"] = b"3"
        write_tar(folder / f"{shard:05d}.tar", members)
    return folder


def test_shards_come_out_as_shards(quick, tmp_path):
    source = shards(tmp_path / "shards", each=10)
    before = tree(source)
    ended = call("protect", source, "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    report, output = json.loads(ended.stdout), tmp_path / "shards-protected"
    assert (report["caption_format"], report["protected"], report["captions_found"]) == ("webdataset", 20, 20)
    assert (report["trigger_roundtrip"], report["skipped"]) == (1.0, [])
    assert tree(source) == before
    assert sorted(tree(output)) == ["00000.tar", "00001.tar", "metadata.jsonl"]
    rows = [json.loads(row) for row in (output / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    published = {row["file_name"]: row["text"] for row in rows}
    for shard in ("00000", "00001"):
        old, new = read_tar(source / f"{shard}.tar"), read_tar(output / f"{shard}.tar")
        assert list(new) == list(old)
        for name, data in new.items():
            key, kind = name.split(".")
            caption = published[f"{shard}/{key}.jpg"]
            assert "ein Hund" in caption
            assert len(caption.split()) > len(old[f"{key}.txt"].decode().split())
            if kind == "jpg":
                assert data != old[name]
                assert Image.open(io.BytesIO(data)).size == (64, 48)
            elif kind == "txt":
                assert data.decode() == caption
            elif kind == "json":
                expected = json.loads(old[name]) | {"caption": caption, "alt": caption, "location": None}
                assert json.loads(data) == expected
                assert list(json.loads(data)) == list(expected)
            else:
                assert data == old[name]
    assert any("the field location of 20 rows was emptied" in note for note in report["notes"])
    with (output / "00000.tar").open("rb") as stream:  # as the library webdataset groups what it reads
        read = list(group_by_keys({**one, "__url__": ""} for one in tar_file_iterator(stream)))
    assert [one["txt"].decode() for one in read] == [json.loads(one["json"])["caption"] for one in read]
    assert [one["__key__"] for one in read] == [f"{number:09d}" for number in range(10)]

    ended = call("verify", source, output, "--victims", quick[1], "--epochs", "1", "--test-fraction", "0.5", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["gallery"]["photos"] == 10
    checked = json.loads(call("doctor", "--check", output, "--json").stdout)
    assert (checked["photos"], checked["compared"], checked["problems"]) == (20, 20, [])
    shard = (output / "00000.tar").read_bytes()
    (output / "00000.tar").write_bytes(shard[:3000])
    checked = json.loads(call("doctor", "--check", output, "--json").stdout)
    assert [(problem["where"], problem["kind"]) for problem in checked["problems"]] == [("00000.tar", "changed")]
    (output / "00000.tar").write_bytes(shard)
    added = call("protect", source, "--add")
    assert (added.returncode, "--add takes no shards" in added.stderr) == (2, True), added.stderr
    again = call("protect", source, "--json", "--resume", *quick)
    assert json.loads(again.stdout)["run"] == report["run"]


def test_a_dry_run_says_what_shards_need(quick, tmp_path):
    source = shards(tmp_path / "shards")
    plan = json.loads(call("protect", source, "--dry-run", "--json", *quick).stdout)
    assert plan["caption_format"] == "webdataset"
    unpacked = sum(len(data) for path in source.iterdir() for name, data in read_tar(path).items() if "jpg" in name)
    assert plan["bytes_needed"] > 2 * plan["bytes_estimated"] + unpacked
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quick.toml", "shards"]


def test_captions_beside_shards_are_refused(quick, tmp_path):
    source = shards(tmp_path / "shards")
    (tmp_path / "posts.jsonl").write_text("{}\n")
    ended = call("protect", source, "--captions", tmp_path / "posts.jsonl", *quick)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "holds photos and captions in shards" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["posts.jsonl", "quick.toml", "shards"]


def test_one_shard_in_another_kind_of_photo(quick, tmp_path):
    source = shards(tmp_path / "shards")
    ended = call("protect", source / "00001.tar", "--format", "webp", "--skip", "*/000000005.jpg", "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    output = tmp_path / "shards-protected"
    assert sorted(tree(output)) == ["00001.tar", "metadata.jsonl"]
    names = [name for n in (4, 6, 7) for name in (f"{n:09d}.webp", f"{n:09d}.json", f"{n:09d}.txt", f"{n:09d}.cls")]
    assert list(read_tar(output / "00001.tar")) == names
    originals = given_to_protect(open_collection(source / "00001.tar", None), output)
    posts, skipped = match(originals, open_protected(output, originals, None))
    assert [post.original.id for post in posts] == [f"00001/{n:09d}.jpg" for n in (4, 6, 7)]
    assert not skipped


def test_two_kinds_of_photo_of_one_name_stay_one_post(quick, tmp_path):
    members: dict[str, bytes] = {}
    for number in range(8):
        members |= {f"{number}.jpg": photo_bytes(number), f"{number}.png": photo_bytes(number + 50, "PNG")}
        members |= {f"{number}.txt": b"a dog %d" % number}
    source = write_tar(tmp_path / "in" / "0.tar", members).parent
    ended = call("protect", source, "--format", "webp", "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    output = tmp_path / "in-protected"
    with (output / "0.tar").open("rb") as stream:
        read = list(group_by_keys({**one, "__url__": ""} for one in tar_file_iterator(stream)))
    assert [one["__key__"] for one in read] == [str(number) for number in range(8)]
    assert all({"webp", "2.webp", "txt"} <= set(one) for one in read)
    private = output.with_name("in-protected.private")
    private.rename(tmp_path / "elsewhere")  # without the manifest, by the same rule
    originals = open_collection(source, None)
    posts, _ = match(originals, open_protected(output, originals, None))
    assert {post.original.id: post.protected.name for post in posts} == {
        f"0/{number}{old}": f"{number}{new}"
        for number in range(8)
        for old, new in [(".jpg", ".webp"), (".png", ".2.webp")]
    }


def test_a_shard_without_a_photo_that_can_be_read_is_named(quick, tmp_path):
    shard = write_tar(tmp_path / "in" / "0.tar", {"1.jpg": b"no photo", "1.txt": b"a dog"})
    ended = call("protect", shard, *quick)
    assert (ended.returncode, f"no photo in {shard} can be protected" in ended.stderr) == (3, True), ended.stderr


def test_an_archive_that_is_none(quick, tmp_path):
    (tmp_path / "a.tar").write_bytes(b"no tar")
    ended = call("protect", tmp_path / "a.tar", *quick)
    assert (ended.returncode, "is no shard with photos" in ended.stderr) == (3, True)


@pytest.mark.parametrize("form", ["auto", "png"])
def test_parquet_comes_out_as_parquet(form, quick, tmp_path):
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    photos = pa.array([{"bytes": photo_bytes(n), "path": f"{n}.jpg"} for n in range(20)], image)
    table = pa.table({"image": photos, "text": [f"a dog runs {n}" for n in range(20)], "label": pa.array(range(20))})
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "train.parquet")
    ended = call("protect", tmp_path / "in", "--format", form, "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    report, output = json.loads(ended.stdout), tmp_path / "in-protected"
    assert (report["caption_format"], report["protected"], report["trigger_roundtrip"]) == ("parquet", 20, 1.0)
    assert sorted(tree(output)) == ["metadata.jsonl", "train.parquet"]
    new = pq.read_table(output / "train.parquet")
    assert new.schema == table.schema
    assert new["label"].to_pylist() == list(range(20))
    published = [json.loads(row)["text"] for row in (output / "metadata.jsonl").read_text().splitlines()]
    assert sorted(new["text"].to_pylist()) == sorted(published)
    assert [text.split()[-1] for text in new["text"].to_pylist()] == list(map(str, range(20)))
    kind, suffix = ("JPEG", "jpg") if form == "auto" else ("PNG", "png")
    for number, row in enumerate(new["image"].to_pylist()):
        assert Image.open(io.BytesIO(row["bytes"])).format == kind
        assert row["path"] == f"{number}.{suffix}"
        assert row["bytes"] != photo_bytes(number)


def test_rows_of_parquet_without_a_photo_cost_the_others_nothing(quick, tmp_path):
    """As those of downloads that failed, which img2dataset keeps."""
    photos = pa.array([photo_bytes(n) if n % 5 else None for n in range(15)], pa.binary())
    table = pa.table(
        {"key": [f"{n:05d}" for n in range(15)], "jpg": photos, "caption": [f"dog {n}" for n in range(15)]}
    )
    (tmp_path / "in").mkdir()
    pq.write_table(table, tmp_path / "in" / "00000.parquet")
    ended = call("protect", tmp_path / "in", "--json", *quick)
    assert ended.returncode == 0, ended.stderr
    report, output = json.loads(ended.stdout), tmp_path / "in-protected"
    assert (report["protected"], report["trigger_roundtrip"]) == (12, 1.0)
    assert pq.read_table(output / "00000.parquet")["key"].to_pylist() == [f"{n:05d}" for n in range(15) if n % 5]
    checked = json.loads(call("doctor", "--check", output, "--json").stdout)
    assert (checked["photos"], checked["compared"], checked["problems"]) == (12, 12, [])
    originals = open_collection(tmp_path / "in", None)
    posts, _ = match(originals, open_protected(output, originals, None))
    assert all(post.published[0].endswith(post.clean[0]) for post in posts)
    assert [post.original.id for post in posts] == [f"00000/{n:08d}.jpg" for n in range(15) if n % 5]


def test_a_run_that_was_killed_while_it_packed_goes_on(quick, tmp_path):
    """The photos that it had packed already are written again, to the same bytes."""
    source = shards(tmp_path / "shards")
    assert call("protect", source, *quick).returncode == 0
    expected = tree(tmp_path / "shards-protected")
    other = ("--output", tmp_path / "other", *quick)
    with pytest.MonkeyPatch.context() as patch:

        def stop(*_):
            raise KeyboardInterrupt

        patch.setattr("unlearnable.workflows.output.published.put_in_place", stop)
        assert call("protect", source, *other).returncode == 130
    assert not (tmp_path / "other").exists()
    assert call("protect", source, "--resume", *other).returncode == 0
    assert tree(tmp_path / "other") == expected
