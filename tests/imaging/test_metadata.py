"""EXIF, XMP and IPTC: what copies keep, what photos tell of people, and the opt-out."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from tests.posts.readers.unpublished import iptc_into
from unlearnable.imaging.decode import decode
from unlearnable.imaging.encode import Encoding, KeepMetadata, encode
from unlearnable.imaging.metadata import (
    NAMESPACE,
    PREFIX,
    PROHIBITED,
    RDF,
    SAFE_EXIF_TAGS,
    SAFE_TAGS,
    VOCABULARY,
    Found,
    examine,
    is_safe,
    opt_out_of,
    prohibit,
    read_metadata,
    safe_exif,
    upright_exif,
)
from unlearnable.imaging.picture import Picture

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]
ENCODINGS = [Encoding("png"), Encoding("webp"), Encoding("jpeg", 95)]
KEPT: tuple[KeepMetadata, ...] = ("none", "safe", "all")
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:rs="http://www.metadataworkinggroup.com/schemas/regions/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 photoshop:City="Berlin" crs:Name="a look" crs:Exposure="1"><dc:creator><rdf:Seq><rdf:li>Ada Example</rdf:li></rdf:Seq>
</dc:creator><rs:Region rs:Name="Grace"/></rdf:Description></rdf:RDF></x:xmpmeta>"""


def camera_exif(orientation: int = 6) -> Image.Exif:
    """What a phone writes, harmless and not."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.Make] = "Acme"
    exif[Base.Artist] = "Ada Example"
    exif[Base.Copyright] = "(c) Example"
    exif[Base.HostComputer] = "ada-laptop"
    exif[Base.ImageDescription] = "at home"
    inner = exif.get_ifd(IFD.Exif)
    inner[Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    inner[Base.ExposureTime] = 0.01
    inner[Base.BodySerialNumber] = "SN-12345"
    inner[Base.LensSerialNumber] = "LN-12345"
    inner[Base.CameraOwnerName] = "Ada Owner"
    inner[Base.UserComment] = b"ASCII\0\0\0secret"
    inner[Base.ImageUniqueID] = "ID-12345"
    inner[Base.MakerNote] = b"ACMEhidden"
    inner[Base.SubjectLocation] = (3, 4)  # numbers, but not on the list
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitude] = (52.0, 31.0, 12.0)
    gps[GPS.GPSLatitudeRef] = "N"
    return exif


def directory(*entries: tuple[int, int, int, int]) -> bytes:
    """A directory of the tag, type, count and value of each entry, without a next one."""
    rows = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + rows + b"\0" * 4


def exif_of(*parts: bytes) -> bytes:
    """A block of parts that begins with a directory."""
    return b"Exif\0\0II*\0\x08\0\0\0" + b"".join(parts)


def loaded(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def test_safe_keeps_what_is_on_the_list_and_nothing_else() -> None:
    block = safe_exif(camera_exif().tobytes())
    assert block is not None
    exif = loaded(block)
    assert dict(exif) == {Base.Make: "Acme", IFD.Exif: exif[IFD.Exif]}
    assert dict(exif.get_ifd(IFD.Exif)) == {Base.DateTimeOriginal: "2024:05:06 07:08:09", Base.ExposureTime: 0.01}
    assert exif.get_ifd(IFD.GPSInfo) == {}
    for secret in (b"12345", b"Ada", b"(c)", b"Owner", b"secret", b"hidden", b"laptop", b"home"):
        assert secret not in block


@pytest.mark.parametrize(
    ("tag", "good", "bad"),
    [
        (Base.Make, ["Acme", "Acme & Söhne"], ["x" * 65, "two\nlines", 7]),
        (Base.LensModel, ["24-70mm F2.8"], ["x" * 65, b"bytes"]),
        (Base.DateTime, ["2024:05:06 07:08:09", "    :  :     :  :  "], ["Ada was here", "2024:05:06 07:08:09 Ada", 7]),
        (Base.DateTimeOriginal, ["2024:05:06 07:08:09"], ["52.31, 13.24"]),
        (Base.SubsecTime, ["123", "50 "], ["Ada", "1" * 10]),
        (Base.ExifVersion, [b"0232"], [b"Ada!", b"0232 by Ada"]),
        (Base.FNumber, [2.8, IFDRational(28, 10)], ["Ada", b"Ada"]),
        (Base.ISOSpeedRatings, [100, (100, 200)], [(65, 100, 97), "ISO Ada"]),
    ],
)
def test_a_tag_that_stays_holds_what_it_should(tag: int, good: list[object], bad: list[object]) -> None:
    assert tag in SAFE_TAGS | SAFE_EXIF_TAGS
    assert [is_safe(tag, value) for value in [*good, *bad]] == [True] * len(good) + [False] * len(bad)


def test_nothing_harmless_is_none() -> None:
    exif = Image.Exif()
    exif[Base.HostComputer] = "ada-laptop"
    assert safe_exif(exif.tobytes()) is None
    assert safe_exif(b"Exif\0\0rubbish") is None


@pytest.mark.parametrize("prefix", [b"", PREFIX])
def test_upright_changes_two_bytes_at_most(prefix: bytes) -> None:
    for endian in ("<", ">"):
        source = camera_exif()
        source.endian = endian
        block = prefix + source.tobytes().removeprefix(PREFIX)
        turned = upright_exif(block)
        assert loaded(turned)[Base.Orientation] == 1
        assert sum(a != b for a, b in zip(block, turned, strict=True)) == 1


def test_a_picture_s_exif_is_the_source_s(photo: Photo, decoded: Decoded) -> None:
    block = camera_exif().tobytes()
    for name in ("a.jpg", "a.png", "a.webp", "a.avif", "a.heic"):
        picture = decoded(Image.fromarray(photo), name, exif=block)
        assert picture.exif is not None
        exif = loaded(picture.exif)
        assert exif.get(Base.Orientation, 1) == 1
        assert exif.get_ifd(IFD.Exif)[Base.BodySerialNumber] == "SN-12345"
        assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] == "N"
        assert picture.lost == ()


def test_a_tiff_s_own_tags_are_its_exif(photo: Photo, decoded: Decoded) -> None:
    picture = decoded(Image.fromarray(photo), "a.tif", exif=camera_exif().tobytes())
    assert picture.exif is not None
    exif = loaded(picture.exif)
    assert exif[Base.Make] == "Acme"
    assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] == "N"
    assert Base.ImageWidth not in exif


@pytest.mark.parametrize(
    "damaged",
    [
        b"Exif\0\0rubbish that is not TIFF",
        b"Exif\0\0II*\0\xff\xff\0\0",
        camera_exif().tobytes()[:90],
        b"Exif\0\0MM\0*",
        exif_of(directory((IFD.GPSInfo, 4, 1, 5000))),  # that lies behind the end
    ],
)
def test_damaged_exif_costs_no_picture(photo: Photo, decoded: Decoded, damaged: bytes) -> None:
    for name, options in (("a.jpg", {"quality": 100}), ("a.png", {}), ("a.webp", {"lossless": True})):
        picture = decoded(Image.fromarray(photo), name, exif=damaged, **options)
        assert picture.exif is None
        assert picture.lost == ("damaged EXIF dropped",)
        assert picture.pixels.size == photo.size


@given(st.binary(max_size=80))
def test_any_bytes_may_stand_for_exif(data: bytes) -> None:
    image = Image.new("RGB", (2, 2))
    image.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0" + data
    orientation, exif, _, _ = read_metadata(image)
    assert 1 <= orientation <= 8
    if exif is not None:
        safe_exif(exif)


@pytest.mark.parametrize(
    "inside", [b'<rdf tiff:Orientation="3" dc:title="x3"/>', b"<tiff:Orientation>3</tiff:Orientation>"]
)
def test_xmp_is_kept_upright(photo: Photo, decoded: Decoded, inside: bytes) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + inside + b"</x:xmpmeta>"
    picture = decoded(Image.fromarray(photo), "a.webp", xmp=xmp, lossless=True)
    assert picture.xmp == xmp.replace(b"3", b"1", 1)
    # Like browsers and Pillow's exif_transpose: without EXIF, XMP says which way is up.
    np.testing.assert_array_equal(picture.pixels, photo[::-1, ::-1])


def found(path: Path) -> set[Found]:
    return set(examine(path)[1])


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
    ((block, kind, name, _),) = found(tmp_path / "a.jpg")
    assert (block, kind, name) == ("EXIF", "thumbnail", "thumbnail")


@pytest.mark.parametrize(
    ("tag", "value", "words"),
    [
        (Base.Artist, "Jürgen und 花".encode(), "Jürgen und 花"),
        (Base.Artist, "Jürgen".encode("latin-1"), "Jürgen"),
        (Base.XPAuthor, "Ada é".encode("utf-16-le"), "Ada é"),
    ],
)
def test_texts_of_exif_in_the_encoding_that_they_have(
    photo: Photo, tmp_path: Path, tag: int, value: bytes, words: str
) -> None:
    exif = Image.Exif()
    exif[tag] = value
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif)
    assert found(tmp_path / "a.jpg") == {Found("EXIF", "name", Base(tag).name, words)}


@pytest.mark.parametrize("encoding", [Encoding("png"), Encoding("webp")])
def test_what_xmp_tells(photo: Photo, tmp_path: Path, encoding: Encoding) -> None:
    encode(Picture(photo, None, None, XMP, "PNG"), tmp_path / "a", encoding, keep_metadata="all", opt_out=True)
    opt_out, told = examine(tmp_path / "a")
    assert opt_out == "DMI-PROHIBITED-AIMLTRAINING"
    assert set(told) == {
        Found("XMP", "place", "City", "Berlin"),
        Found("XMP", "name", "creator", "Ada Example"),
        Found("XMP", "name", "RegionName", "Grace"),
    }


def test_comments_text_chunks_and_iptc(photo: Photo, tmp_path: Path) -> None:
    Image.fromarray(photo).save(tmp_path / "a.jpg", comment=b"at\x1b[31m home " + b"x" * 100)
    ((block, kind, name, value),) = found(tmp_path / "a.jpg")
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
    Image.fromarray(photo).save(tmp_path / "iptc.jpg")
    assert found(tmp_path / "iptc.jpg") == set()
    iptc_into(tmp_path / "iptc.jpg", b"at home")
    assert found(tmp_path / "iptc.jpg") == {Found("IPTC", "description", "IPTC", "1 field")}


@pytest.mark.parametrize("encoding", [Encoding("png"), Encoding("webp"), Encoding("jpeg", 95)])
def test_safe_leaves_nothing_of_a_person(photo: Photo, tmp_path: Path, encoding: Encoding) -> None:
    exif = camera_exif()
    exif[Base.XPAuthor] = "Ada".encode("utf-16-le")
    picture = Picture(photo, None, exif.tobytes(), XMP, "JPEG")
    told = {}
    for keep in KEPT:
        encode(picture, tmp_path / f"a{encoding.suffix}", encoding, keep_metadata=keep)
        told[keep] = {one.name for one in found(tmp_path / f"a{encoding.suffix}")}
    assert told["none"] == set()
    assert told["safe"] == {"Make", "DateTimeOriginal"}
    assert told["all"] >= {"Artist", "Copyright", "CameraOwnerName", "XPAuthor", "GPS", "creator", "City"}


@pytest.mark.parametrize(
    ("options", "block"), [({"exif": b"Exif\0\0II*\0\xff\xff\0\0"}, "EXIF"), ({"xmp": b"<x:xmpmeta"}, "XMP")]
)
def test_a_damaged_block_is_no_clean_one(photo: Photo, tmp_path: Path, options: dict[str, Any], block: str) -> None:
    Image.fromarray(photo).save(tmp_path / "a.jpg", **options)
    assert [(one.block, one.kind) for one in found(tmp_path / "a.jpg")] == [(block, "unreadable")]


def packet(attributes: str = "", inside: str = "", prefix: str = "plus") -> bytes:
    """A packet with a title, and what a test adds."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><!-- mine --><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<r:RDF xmlns:r="{RDF}"><r:Description r:about="uuid:7" xmlns:{prefix}="{NAMESPACE}" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}><dc:title>&lt;été&gt;</dc:title>{inside}'
        '</r:Description></r:RDF></x:xmpmeta>   <?xpacket end="w"?>'
    ).encode()


ALLOWED = VOCABULARY + "DMI-ALLOWED"
PACKETS = {
    "without": packet(),
    "attribute": packet(f'plus:DataMining="{ALLOWED}"'),
    "text": packet(inside=f"<plus:DataMining> {ALLOWED} </plus:DataMining>"),
    "resource": packet(inside=f'<plus:DataMining r:resource="{ALLOWED}"/>'),
    "other prefix": packet(f'p:DataMining="{ALLOWED}"', prefix="p"),
    "twice": packet(f'plus:DataMining="{VOCABULARY}{PROHIBITED}"', f"<plus:DataMining>{ALLOWED}</plus:DataMining>"),
}


@pytest.mark.parametrize("name", PACKETS)
def test_it_joins_what_is_there_and_loses_nothing_of_it(name: str) -> None:
    before = opt_out_of(PACKETS[name])
    assert before == {"without": None, "twice": PROHIBITED}.get(name, "DMI-ALLOWED")
    joined = prohibit(PACKETS[name])
    assert opt_out_of(joined) == PROHIBITED
    assert joined.count(b"DataMining") == 1
    assert b"ALLOWED" not in joined
    assert joined.count(b":RDF ") == 1  # a second one is no XMP
    for kept in ("<dc:title>&lt;été&gt;</dc:title>", "<!-- mine -->", "<?xpacket begin", '<?xpacket end="w"?>'):
        assert kept.encode() in joined
    assert joined.count(b'about="uuid:7"') == 2  # all properties of a packet are about one thing
    assert prohibit(joined) == joined


NESTED = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b"<a>" * 3000 + b"</a>" * 3000 + b"</x:xmpmeta>"
BOMB = b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\0\0",
        b"no XML",
        b"<a/>",
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        packet()[:-90],
        NESTED,
        BOMB,
        BOMB.decode().encode("utf-16"),
    ],
)
def test_what_is_no_xmp_is_replaced(broken: bytes) -> None:
    assert opt_out_of(broken) is None
    assert prohibit(broken) == prohibit(None)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("keep", ["none", "safe", "all"])
def test_every_copy_carries_it(
    photo: NDArray[np.uint8], tmp_path: Path, encoding: Encoding, keep: KeepMetadata
) -> None:
    path = tmp_path / f"a{encoding.suffix}"
    picture = Picture(photo, None, None, PACKETS["attribute"], "PNG")
    encode(picture, path, encoding, keep_metadata=keep, opt_out=True)
    back = decode(path)
    assert opt_out_of(back.xmp) == PROHIBITED
    assert back.xmp is not None
    assert (b"dc:title" in back.xmp) == (keep == "all")
    found = [element.get(f"{{{NAMESPACE}}}DataMining") for element in ElementTree.fromstring(back.xmp).iter()]
    assert f"{VOCABULARY}{PROHIBITED}" in found  # as others read it
    encode(picture, path, encoding, keep_metadata=keep)
    assert opt_out_of(decode(path).xmp) == ("DMI-ALLOWED" if keep == "all" else None)
