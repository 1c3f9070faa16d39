"""Descriptions in the photos themselves are captions, in every kind of photo, and what a camera writes is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin
from PIL.ExifTags import Base

from tests.posts.conftest import touch
from tests.posts.readers.unpublished import iptc_into, xmp_of
from unlearnable.posts import EMBEDDED, Edits, open_dataset, write_captions

KINDS = ["a.jpg", "a.png", "a.webp", "a.heic", "a.avif", "a.tif"]
NESTED = b"<x:xmpmeta>" + b"<a>" * 3000 + b"</a>" * 3000 + b"</x:xmpmeta>"


def save(path: Path, *, xmp: str | bytes = "", iptc: bytes = b"", exif: str | bytes = "", **options: Any) -> None:
    """Save a photo with these descriptions."""
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    description = exif.encode() if isinstance(exif, str) else exif
    if path.suffix == ".tif":
        tags = {Base.ImageDescription: description, 700: packet}
        options["tiffinfo"] = {tag: value for tag, value in tags.items() if value}
    elif description:
        block = Image.Exif()
        block[Base.ImageDescription] = description
        options["exif"] = block.tobytes()
    if packet and path.suffix == ".png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    elif packet:
        options["xmp"] = packet
    pillow_heif.register_heif_opener()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), "teal").save(path, **options)
    if iptc:
        iptc_into(path, iptc)


def captions(folder: Path) -> dict[str, list[str]]:
    return open_dataset(folder, EMBEDDED).captions_by_photo()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_photo_tells_its_xmp_and_exif(name: str, tmp_path: Path) -> None:
    save(tmp_path / name, xmp=xmp_of("Rex & me", "Rex und ich", title="at home"), exif="at a lake")
    save(tmp_path / f"trip/{name}", exif="bei Łódź")
    assert captions(tmp_path) == {
        name: ["Rex & me", "Rex und ich", "at home", "at a lake"],
        f"trip/{name}": ["bei Łódź"],
    }


def test_each_text_is_taken_once_xmp_first(tmp_path: Path) -> None:
    long = "my boat " * 9
    save(tmp_path / "a.jpg", xmp=xmp_of("a\nboat"), iptc="früh am See".encode(), exif="a boat")
    save(tmp_path / "b.jpg", xmp=xmp_of(long), iptc=long[:30].encode(), exif="früh".encode("latin-1"))
    assert captions(tmp_path) == {"a.jpg": ["a\nboat", "früh am See"], "b.jpg": [long.strip(), "früh"]}


MACHINES = """
OLYMPUS DIGITAL CAMERA         |Minolta DSC|SAMSUNG CAMERA PICTURES|Exif_JPEG_PICTURE|LEAD Technologies Inc. V1.01
|Processed with VSCO with a6 preset|DCIM\\100MEDIA\\DJI_0001.JPG|default|Screenshot|IMG_1234|  |dav
|<?xml version="1.0"?><OME xmlns="x"/>|<OME UUID="urn:uuid:1"><Image/></OME>|ImageJ=1.53t images=3|{"shape": [512, 3]}
"""


@pytest.mark.parametrize("text", MACHINES.replace("\n", "").split("|"))
def test_what_a_camera_or_program_writes_by_itself_is_no_caption(text: str, tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", exif=text, iptc=text.encode(), xmp=xmp_of(text))
    assert open_dataset(tmp_path, EMBEDDED).captioned == 0


@pytest.mark.parametrize("text", ["❤️", "花", "my digital camera", "Rex", "<3 my boat", "{ashore} at last"])
def test_few_words_are_a_caption_all_the_same(text: str, tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", exif=text)
    assert captions(tmp_path) == {"a.jpg": [text]}


def test_damaged_metadata_and_what_is_no_photo_say_nothing_and_stop_nothing(tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    for number, xmp in enumerate((b"<x:xmpmeta>dc:description", bomb, NESTED, b"\xff\0")):
        save(tmp_path / f"{number}.jpg", xmp=xmp)
    Image.new("RGB", (40, 30)).save(tmp_path / "exif.jpg", exif=b"Exif\0\0II*\0\xff\xff\0\0")
    save(tmp_path / "iptc.jpg", iptc=b"x")
    whole, cut = (tmp_path / "iptc.jpg").read_bytes(), (tmp_path / "0.jpg").read_bytes()[:90]
    (tmp_path / "iptc.jpg").write_bytes(whole.replace(b"\x1c\x02\x78\0", b"\x1c\x02\x78\xff"))
    (tmp_path / "cut.jpg").write_bytes(cut)
    touch(tmp_path, "empty.jpg")
    assert open_dataset(tmp_path, EMBEDDED).captioned == 0
    save(tmp_path / "mine.jpg", exif="my boat")
    dataset = open_dataset(tmp_path, EMBEDDED)
    assert {photo.id for photo in dataset.photos} - dataset.uncaptioned == {"mine.jpg"}
    assert dataset.skipped == ()


def test_nothing_is_written_and_each_photo_is_a_record(tmp_path: Path) -> None:
    for photo in ("a.jpg", "b.jpg"):
        save(tmp_path / photo, exif="my boat")
    dataset = open_dataset(tmp_path, EMBEDDED)
    assert len({pair.record for pair in dataset.pairs}) == 2  # or both would get the same words
    assert all(pair.record < -1 for pair in dataset.pairs)
    (tmp_path / "out").mkdir()
    write_captions(dataset, Edits({}, {"a.jpg": "a.jpg", "b.jpg": "b.jpg"}), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
