"""What a run takes from a folder, and what it says of that before the work begins."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Told
from unlearnable.errors import ConfigError, InputError
from unlearnable.protect.posts import Source, open_posts, source_of
from unlearnable.settings import ProtectSettings


def opened(*photos: Path, captions: Path | None = None, **patterns: tuple[str, ...]):
    told = Told()
    settings = ProtectSettings(photos=photos, captions=captions)
    return open_posts(source_of(photos, **patterns), settings, told), told.notes


def test_the_caption_file_in_the_folder_is_taken_and_named(posts):
    dataset, notes = opened(posts)
    assert dataset.source == posts / "posts.jsonl"
    assert notes == ["captions from posts.jsonl", "1 other field is not published (`keep_fields` keeps them)"]


XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description>
<rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_descriptions_in_photos_are_captions_only_where_they_are_asked_for(posts):
    for name, words in (("a.jpg", "my dog"), ("b.jpg", "SONY DSC")):
        Image.new("RGB", (40, 40)).save(posts / name, xmp=(XMP % words).encode())
    (posts / "posts.jsonl").unlink()
    for paths in ((posts,), (posts / "a.jpg", posts / "b.jpg")):
        assert opened(*paths)[0].captioned == 0
        dataset, notes = opened(*paths, captions=Path("embedded"))
        assert (dataset.captioned, dataset.captions_by_photo()["a.jpg"]) == (1, ["my dog"])
        said = "captions from the descriptions in the photos themselves: the new ones are in metadata.jsonl alone"
        assert notes[0] == said


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Liste.csv", b"Kennung;Notizen\np0.png;Ein Hund\n"),
        ("Liste.csv", b"Foto;Notizen\ntrip\\p7;Ein Hund\n"),
        ("list.csv", b"p0.png,a dog\n"),
        ("list.txt", b"Name\tWords\np0.png\ta dog\n"),
        ("list.jsonl", b'{"foto": "p0.png", "words": "a dog"}\n'),
        ("meta_cap.json", b'{"p0": {"caption": "a dog"}}'),
        ("result.json", b'{"messages": [{"photo": "a/p0.png", "text": "a dog"}]}'),
        ("mine.csv", "image,caption\np1.png,for you\n".encode("utf-16-le")),
        ("mine.tsv", "image\tcaption\np1.png\tfor you\n".encode("utf-32")),
    ],
)
def test_captions_that_cannot_be_read_stop_the_run(posts, name, data):
    (posts / "posts.jsonl").unlink()
    (posts / name).write_bytes(data)
    (posts / "readme.txt").write_text("Photos, of our holidays: p0.png")
    with pytest.raises(InputError) as caught:
        opened(posts)
    assert name in caught.value.message
    assert caught.value.hint
    assert "`captions='none'`" in caught.value.hint
    dataset, _ = opened(posts, captions=Path("none"))
    assert (dataset.format, dataset.captioned) == ("folder", 0)


def test_texts_beside_the_photos_are_captions(posts):
    (posts / "posts.jsonl").unlink()
    (posts / "p0.txt").write_text("a dog")
    _, notes = opened(posts)
    assert notes[0] == "captions from the text file beside each photo"
    assert notes[1].startswith("captions of yours: 1 of 8 photos")
    (posts / "p1.caption").write_text("a cat")
    _, notes = opened(posts)
    assert notes[1].startswith("captions of yours: 2 of 8 photos")
    assert len(notes) == 2, "no text that is read counts among the files that are no photos"
    (posts / "p0.caption").write_text("a cow")
    _, notes = opened(posts)
    assert notes[2:] == ["1 file not read: 1 .caption"]


def test_where_several_could_be_meant_none_is_taken(posts):
    (posts / "more.csv").write_text("image,caption\np0.png,a cat\n")
    with pytest.raises(ConfigError, match=r"several caption files: more\.csv, posts\.jsonl") as caught:
        opened(posts)
    assert "`captions" in caught.value.hint
    dataset, notes = opened(posts, captions=posts / "more.csv")
    assert dataset.source == posts / "more.csv"
    assert notes[0] == "captions from more.csv"


def test_a_caption_file_beside_texts_of_photos_has_to_be_chosen(posts):
    (posts / "p0.txt").write_text("a dog")
    with pytest.raises(ConfigError, match=r"posts\.jsonl and in text files"):
        opened(posts)
    assert opened(posts, captions=posts / "posts.jsonl")[0].format == "jsonl"
    assert opened(posts, captions=posts)[0].format == "sidecar"


def test_photos_and_patterns_are_taken_from_their_folder(posts):
    assert source_of([posts]) == Source(posts)
    assert source_of([posts / "posts.jsonl"]) == Source(posts / "posts.jsonl")
    assert source_of([posts / "p1.png", posts / "p0.png", posts / "p1.png"]) == Source(posts, ("p0.png", "p1.png"))
    assert len(source_of([posts / "p*.png"]).chosen) == 7
    dataset, notes = opened(posts / "p0.png", posts / "p3.png")
    assert [photo.id for photo in dataset.photos] == ["p0.png", "p3.png"]
    assert [pair.photo for pair in dataset.pairs] == ["p0.png", "p3.png"]
    assert notes == ["captions from posts.jsonl", "1 other field is not published (`keep_fields` keeps them)"]


@pytest.mark.parametrize(
    ("names", "error", "words"),
    [
        (("p0.png", "gone.png"), InputError, "there is no .*gone"),
        (("*.heic",), InputError, "no file matches"),
        (("p0.png", "trip/p7.png"), ConfigError, "different folders"),
        (("p0.png", "posts.jsonl"), ConfigError, "posts.jsonl is not a photo"),
        (("p0.png", "trip"), ConfigError, "trip is not a photo"),
        ((".p0.png",), InputError, "p0.png is hidden"),
    ],
)
def test_several_paths_are_photos_of_one_folder(posts, names, error, words):
    shutil.copy(posts / "p0.png", posts / ".p0.png")
    with pytest.raises(error, match=words):
        source_of([posts / name for name in names])


@pytest.mark.parametrize(
    ("name", "kind", "hint"),
    [("IMG_1.MOV", "video", "give a photo or a folder"), ("IMG_1.DNG", "raw photo", "export it as JPEG first")],
)
def test_a_video_is_not_taken_for_a_file_of_captions(name, kind, hint, tmp_path):
    (tmp_path / name).write_bytes(b"\0\0\0\x14ftypqt")
    with pytest.raises(InputError) as caught:
        source_of([tmp_path / name])
    assert (caught.value.message, caught.value.hint) == (
        f"{tmp_path / name} is a {kind}, which cannot be protected",
        hint,
    )


def test_files_that_are_no_photos_are_counted(posts):
    for name in ("a.MP4", "trip/b.mov", "c.nef", ".hidden.mov"):
        (posts / name).write_bytes(b"x")
    dataset, notes = opened(posts)
    assert notes[-1] == "3 files not read: 1 .mov, 1 .mp4, 1 .nef"
    assert dataset.others == {".mov": 1, ".mp4": 1, ".nef": 1}
    (posts / "LICENSE").write_bytes(b"x")
    (posts / "notes.md").write_bytes(b"x")
    assert opened(posts)[1][-1] == "5 files not read: 1 without suffix, 1 .md, 1 .mov, 1 .mp4, 1 .nef"


def test_a_pattern_is_of_the_path_in_the_folder_or_of_the_name():
    source = Source(Path(), only=("2024/*",), skip=("*screenshot*",))
    assert source.takes("2024/a.jpg")
    assert source.takes("2024/deep/a.jpg")
    assert not source.takes("2023/a.jpg")
    assert not source.takes("2024/Screenshot 1.png")


def test_skip_takes_the_name_of_a_folder_too():
    for pattern in ("private", "private/", "./private/*", "PRIV*"):
        source = Source(Path(), skip=(pattern,))
        assert not source.takes("private/a.jpg")
        assert source.takes("a.jpg")
    assert not Source(Path(), skip=("private",)).takes("2024/private/deep/a.jpg")
    assert Source(Path(), skip=("private",)).takes("not-private/a.jpg")


def test_patterns_fit_however_accents_are_encoded():
    composed, decomposed = (unicodedata.normalize(form, "Zoë/café.jpg") for form in ("NFC", "NFD"))
    for photo, pattern in ((composed, decomposed), (decomposed, composed)):
        assert not Source(Path(), skip=(pattern,)).takes(photo)
        assert Source(Path(), only=(pattern,)).takes(photo)


@pytest.mark.parametrize(
    ("only", "skip", "left_out"),
    [((), (), ["trip"]), ((), ("trip",), []), ((), ("p1.png", "tr*/"), [])],
)
def test_a_folder_that_cannot_be_read_is_left_out_and_named_unless_it_is_to_be_skipped(
    posts, monkeypatch, only, skip, left_out
):
    scan = os.scandir

    def refuse(folder="."):  # root may look anywhere
        if Path(folder).name == "trip":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    dataset, notes = opened(posts, only=only, skip=skip)
    assert "p1.png" in {photo.id for photo in dataset.photos} or "p1.png" in skip
    assert [one.where for one in dataset.skipped if one.reason == "unreadable"] == left_out
    assert not any("matches no photo" in note for note in notes)


def test_patterns_that_leave_nothing_are_refused(posts):
    with pytest.raises(InputError, match="`only` and `skip` leave none of 8 photos"):
        opened(posts, only=("*.jpg",))
