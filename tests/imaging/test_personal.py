from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from tests.imaging.test_metadata import camera_exif, directory, exif_of
from unlearnable.imaging.encode import Encoding, KeepMetadata, encode
from unlearnable.imaging.metadata import Found, examine
from unlearnable.imaging.opening import DecodeError
from unlearnable.imaging.picture import Picture

Photo = NDArray[np.uint8]
KEPT: tuple[KeepMetadata, ...] = ("none", "safe", "all")
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 photoshop:City="Berlin" crs:Name="a look" crs:Exposure="1"><dc:creator><rdf:Seq><rdf:li>Ada Example</rdf:li></rdf:Seq>
</dc:creator><rs:Region rs:Name="Grace"/></rdf:Description></rdf:RDF></x:xmpmeta>"""


def found(path: Path) -> set[Found]:
    return set(examine(path).found)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif", "a.heic", "a.tif"])
def test_what_exif_tells(photo: Photo, tmp_path: Path, name: str) -> None:
    Image.fromarray(photo).save(tmp_path / name, exif=camera_exif(1).tobytes())
    told = {(kind, field): value for _, kind, field, value in found(tmp_path / name)}
    assert told == {
        ("camera", "Make"): "Acme",
        ("name", "Artist"): "Ada Example",
        ("name", "Copyright"): "(c) Example",
        ("name", "HostComputer"): "ada-laptop",
        ("name", "CameraOwnerName"): "Ada Owner",
        ("description", "ImageDescription"): "at home",
        ("description", "UserComment"): "secret",
        ("time", "DateTimeOriginal"): "2024:05:06 07:08:09",
        ("device number", "BodySerialNumber"): "SN-12345",
        ("device number", "LensSerialNumber"): "LN-12345",
        ("device number", "ImageUniqueID"): "ID-12345",
        ("device number", "MakerNote"): "10 bytes",
        ("place", "GPS"): "2 values",
    }


def test_a_thumbnail(photo: Photo, tmp_path: Path) -> None:
    own = directory((Base.Orientation, 3, 1, 1))[:-4] + (26).to_bytes(4, "little")  # where the next directory stands
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif_of(own, directory((Base.JpegIFOffset, 4, 1, 0))))
    ((block, kind, name, _),) = examine(tmp_path / "a.jpg").found
    assert (block, kind, name) == ("EXIF", "thumbnail", "thumbnail")


@pytest.mark.parametrize(("encoding", "words"), [("utf-8", "Jürgen und 花"), ("latin-1", "Jürgen"), ("ascii", "Ada")])
def test_texts_of_exif_and_iptc_in_the_encoding_that_they_have(
    photo: Photo, tmp_path: Path, encoding: str, words: str
) -> None:
    exif, text = Image.Exif(), words.encode(encoding)
    exif[Base.Artist] = text
    record = b"\x1c\x02\x50" + len(text).to_bytes(2, "big") + text
    block = b"8BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + record + b"\0" * (len(record) % 2)
    body = b"Photoshop 3.0\0" + block
    segment = b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif)
    written = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(written[:2] + segment + written[2:])
    assert {(block, value) for block, _, _, value in found(tmp_path / "a.jpg")} == {("EXIF", words), ("IPTC", words)}


@pytest.mark.parametrize(
    ("north", "east", "position"), [("S", "E", "-33.5100, 70.6000"), ("N", "W", "33.5100, -70.6000")]
)
def test_a_position_and_texts_in_utf_16(photo: Photo, tmp_path: Path, north: str, east: str, position: str) -> None:
    exif = Image.Exif()
    exif[Base.XPAuthor] = "Ada é".encode("utf-16-le")
    exif.get_ifd(IFD.Exif)[Base.UserComment] = b"UNICODE\0" + "été".encode("utf-16-le")
    gps = exif.get_ifd(IFD.GPSInfo)
    gps.update({GPS.GPSLatitude: (33.0, 30.0, 36.0), GPS.GPSLatitudeRef: north})
    gps.update({GPS.GPSLongitude: (70.0, 36.0, 0.0), GPS.GPSLongitudeRef: east})
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif.tobytes())
    assert found(tmp_path / "a.jpg") == {
        Found("EXIF", "name", "XPAuthor", "Ada é"),
        Found("EXIF", "description", "UserComment", "été"),
        Found("EXIF", "place", "GPS", position),
    }


@pytest.mark.parametrize("value", [(IFDRational(0, 0),) * 3, (0.0, 7.0, float("inf"))])
def test_a_position_that_is_none_is_counted(photo: Photo, tmp_path: Path, value: Any) -> None:
    exif = Image.Exif()
    exif.get_ifd(IFD.GPSInfo).update({GPS.GPSLatitude: value, GPS.GPSLongitude: value})
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif.tobytes())
    assert found(tmp_path / "a.jpg") == {Found("EXIF", "place", "GPS", "2 values")}


@pytest.mark.parametrize("encoding", [Encoding("png"), Encoding("webp")])
def test_what_xmp_tells(photo: Photo, tmp_path: Path, encoding: Encoding) -> None:
    encode(Picture(photo, None, None, XMP, "PNG"), tmp_path / "a", encoding, keep_metadata="all", opt_out=True)
    told = examine(tmp_path / "a")
    assert told.opt_out == "DMI-PROHIBITED-AIMLTRAINING"
    assert set(told.found) == {
        Found("XMP", "place", "City", "Berlin"),
        Found("XMP", "name", "creator", "Ada Example"),
        Found("XMP", "name", "RegionName", "Grace"),
    }


def test_what_xmp_tells_beyond_its_first_part(photo: Photo, tmp_path: Path) -> None:
    Image.fromarray(photo).save(tmp_path / "a.jpg")
    whole, parts = (tmp_path / "a.jpg").read_bytes(), b""
    for place, part in ((300, XMP[300:]), (0, XMP[:300])):
        body = b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 32 + len(XMP).to_bytes(4, "big")
        body += place.to_bytes(4, "big") + part
        parts += b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    (tmp_path / "a.jpg").write_bytes(whole[:2] + parts + whole[2:])
    assert Found("XMP", "place", "City", "Berlin") in found(tmp_path / "a.jpg")


def test_comments_text_chunks_and_iptc(photo: Photo, tmp_path: Path) -> None:
    Image.fromarray(photo).save(tmp_path / "a.jpg", comment=b"at\x1b[31m home " + b"x" * 100)
    ((block, kind, name, value),) = examine(tmp_path / "a.jpg").found
    assert (block, kind, name) == ("text", "description", "comment")
    assert value.startswith("at [31m home x")  # nothing that steers a terminal
    assert len(value) == 80
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", "a secret prompt")
    chunks.add(b"tEXt", b"Comment\0behind the pixels", after_idat=True)
    Image.fromarray(photo).save(tmp_path / "a.png", pnginfo=chunks)
    assert found(tmp_path / "a.png") == {
        Found("text", "description", "parameters", "a secret prompt"),
        Found("text", "description", "Comment", "behind the pixels"),
    }
    data = b"".join(
        b"\x1c\x02" + bytes([n, 0, len(v)]) + v for n, v in ((80, b"Ada"), (80, b"Bo"), (90, b"Berlin"), (3, b"x"))
    )
    resource = b"8BIM\x04\x04\0\0" + len(data).to_bytes(4, "big") + data + b"\0" * (len(data) % 2)
    segment = b"Photoshop 3.0\0" + resource
    plain = (tmp_path / "plain.jpg", tmp_path / "iptc.jpg")
    Image.fromarray(photo).save(plain[0])
    jpeg = plain[0].read_bytes()
    plain[1].write_bytes(jpeg[:2] + b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:])
    assert found(plain[0]) == set()
    assert found(plain[1]) == {
        Found("IPTC", "name", "By-line", "Ada"),
        Found("IPTC", "name", "By-line", "Bo"),
        Found("IPTC", "place", "City", "Berlin"),
    }


@pytest.mark.parametrize("encoding", [Encoding("png"), Encoding("webp"), Encoding("jpeg", 95)])
def test_safe_leaves_nothing_of_a_person(photo: Photo, tmp_path: Path, encoding: Encoding) -> None:
    exif = camera_exif()
    exif[Base.XPAuthor] = "Ada".encode("utf-16-le")
    picture = Picture(photo, None, exif.tobytes(), XMP, "JPEG")
    told = {}
    for keep in KEPT:
        encode(picture, tmp_path / f"a{encoding.suffix}", encoding, keep_metadata=keep)
        told[keep] = {one.name for one in examine(tmp_path / f"a{encoding.suffix}").found}
    assert told["none"] == set()
    assert told["safe"] == {"Make", "DateTimeOriginal"}
    assert told["all"] >= {"Artist", "Copyright", "CameraOwnerName", "XPAuthor", "GPS", "creator", "City"}


@pytest.mark.parametrize(
    ("options", "block"), [({"exif": b"Exif\0\0II*\0\xff\xff\0\0"}, "EXIF"), ({"xmp": b"<x:xmpmeta"}, "XMP")]
)
def test_a_damaged_block_is_no_clean_one(photo: Photo, tmp_path: Path, options: dict[str, Any], block: str) -> None:
    Image.fromarray(photo).save(tmp_path / "a.jpg", **options)
    assert [(one.block, one.kind) for one in examine(tmp_path / "a.jpg").found] == [(block, "unreadable")]


def test_what_is_no_photo_or_half_of_one(photo: Photo, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(DecodeError, match="not-an-image"):
        examine(tmp_path / "a.txt")
    Image.fromarray(photo).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:-300])
    with pytest.raises(DecodeError, match="truncated"):
        examine(tmp_path / "a.jpg")
