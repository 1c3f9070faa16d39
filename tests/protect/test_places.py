from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from tests.cli.program import POSIX
from unlearnable.errors import ConfigError, OutputError
from unlearnable.protect.layout import OutputNames, layout_of

NAMES = st.lists(
    st.tuples(
        st.sampled_from(["a", "A", "b/a", "b/á", "b/a\u0301", "a-2"]), st.sampled_from([".jpg", ".png", ".HEIC"])
    ),
    unique=True,
    max_size=12,
)


def copies(sources, originals):
    names = OutputNames(originals)
    return {photo: names.give(photo, suffix) for photo, suffix in sources}


@given(NAMES)
def test_no_two_photos_share_a_name_even_where_neither_case_nor_the_encoding_of_accents_counts(rows):
    def alike(name):
        return unicodedata.normalize("NFC", name).casefold()

    ids = [stem + suffix for stem, suffix in rows]
    names = copies(((i, ".png") for i in ids), ids)
    assert len(set(map(alike, names.values()))) == len(set(ids))
    owners = {alike(name): name for name in reversed(ids)}
    assert all(alike(owners.get(alike(name), photo)) == alike(photo) for photo, name in names.items())
    assert all(name.rpartition("/")[0] == photo.rpartition("/")[0] for photo, name in names.items())


def test_names_keep_their_stem_where_they_can():
    names = copies([("x/a.jpg", ".png"), ("x/b.png", ".png"), ("y/a.jpg", ".webp")], ["x/b.png"])
    assert names == {"x/a.jpg": "x/a.png", "x/b.png": "x/b.png", "y/a.jpg": "y/a.webp"}


def test_names_never_change_owner():
    ids = ["a-2.png", "a.jpg", "a.png", "b.bmp", "b.png"]
    names = copies([(one, ".png") for one in ids if one != "b.png"], ids)  # b.png could not be read
    assert names == {"a-2.png": "a-2.png", "a.jpg": "a-3.png", "a.png": "a.png", "b.bmp": "b-2.png"}


def test_no_copy_stands_beside_the_text_of_another_photo():
    assert copies([("a.tiff", ".png"), ("a.png", ".png")], ["a.tiff", "a.png", "a-2.jpg"])["a.tiff"] == "a-3.png"


def test_default_folders(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "posts.jsonl").write_text("")
    for given_path in (tmp_path / "photos", tmp_path / "photos" / "posts.jsonl"):
        where = layout_of(given_path, None)
        assert where.output == tmp_path / "photos-protected"
        assert where.private == tmp_path / "photos-protected.private"


def test_the_default_folder_lies_beside_a_link_to_the_photos(tmp_path, monkeypatch):
    (tmp_path / "disk" / "photos").mkdir(parents=True)
    (tmp_path / "mine").symlink_to(tmp_path / "disk" / "photos")
    monkeypatch.chdir(tmp_path)
    for path in ("mine", "./mine/", tmp_path / "mine"):
        assert layout_of(Path(path), None).output == tmp_path / "mine-protected"
    monkeypatch.chdir(tmp_path / "disk" / "photos")
    for path in (".", "../photos", "../../disk/photos"):
        assert layout_of(Path(path), None).output == tmp_path / "disk" / "photos-protected"


@pytest.mark.parametrize("output", ["photos", "photos/out", ".", "photos/..", "/"])
def test_output_and_photos_may_not_overlap(tmp_path, output):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ConfigError, match="overlap"):
        layout_of(tmp_path / "photos", tmp_path / output)


def test_photos_are_neither_the_private_folder_nor_a_whole_disk(tmp_path):
    (tmp_path / "me.private").mkdir()
    with pytest.raises(ConfigError, match="overlap"):
        layout_of(tmp_path / "me.private", tmp_path / "me")
    with pytest.raises(ConfigError, match="as a whole cannot be protected"):
        layout_of(Path("/"), tmp_path / "out")


@pytest.mark.parametrize("name", ["out", "out.private"])
@pytest.mark.parametrize("make", [Path.touch, pytest.param(getattr(os, "mkfifo", None), marks=POSIX)])
def test_what_is_no_folder_is_no_output(tmp_path, name, make):
    (tmp_path / "photos").mkdir()
    make(tmp_path / name)
    with pytest.raises(OutputError, match=rf"{name} is not a folder"):
        layout_of(tmp_path / "photos", tmp_path / "out")


def test_no_private_folder_lies_in_a_published_one(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "site.private").mkdir()
    (tmp_path / "site.private" / "manifest.jsonl").touch()
    assert layout_of(tmp_path / "photos", tmp_path / "site").private == tmp_path / "site.private"
    for output in ("site/lake", "site/2024/lake"):
        with pytest.raises(OutputError, match=r"lake\.private would lie in .*site, which is to be published"):
            layout_of(tmp_path / "photos", tmp_path / output)
