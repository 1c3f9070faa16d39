from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational

from unlearnable.imaging import metadata
from unlearnable.imaging.metadata import SAFE_EXIF_TAGS, SAFE_TAGS, is_safe
from unlearnable.imaging.picture import Picture

Photo = NDArray[np.uint8]
Decoded = Callable[..., Picture]


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
    """A block of parts, the first of which is a directory."""
    return b"Exif\0\0II*\0\x08\0\0\0" + b"".join(parts)


def loaded(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def test_safe_keeps_what_is_on_the_list_and_nothing_else() -> None:
    block = metadata.safe_exif(camera_exif().tobytes())
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


def test_a_name_in_the_tag_of_a_date_goes() -> None:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.DateTime] = "Acme", "Ada was here"
    exif.get_ifd(IFD.Exif).update({Base.LensModel: "x" * 65, Base.SubsecTime: "12"})
    block = metadata.safe_exif(exif.tobytes())
    assert block is not None
    assert loaded(block).get_ifd(IFD.Exif) == {Base.SubsecTime: "12"}
    assert loaded(block).get(Base.DateTime) is None


def test_nothing_harmless_is_none() -> None:
    exif = Image.Exif()
    exif[Base.HostComputer] = "ada-laptop"
    assert metadata.safe_exif(exif.tobytes()) is None
    assert metadata.safe_exif(b"Exif\0\0rubbish") is None


def test_a_number_too_large_to_be_written_back_costs_the_others_nothing() -> None:
    of_the_camera = directory((Base.FNumber, 16, 1, 56), (Base.Flash, 3, 1, 5))
    number = struct.pack("<Q", 1 << 40)
    safe = metadata.safe_exif(exif_of(directory((IFD.Exif, 4, 1, 26)), of_the_camera, number))
    assert safe is not None
    assert loaded(safe).get_ifd(IFD.Exif) == {Base.Flash: 5}


def test_an_orientation_in_letters_turns_nothing(photo: Photo, decoded: Decoded) -> None:
    exif = exif_of(directory((Base.Orientation, 2, 2, ord("6"))))
    np.testing.assert_array_equal(decoded(Image.fromarray(photo), "a.png", exif=exif).pixels, photo)


@pytest.mark.parametrize("prefix", [b"", metadata.PREFIX])
def test_upright_changes_two_bytes_at_most(prefix: bytes) -> None:
    for endian in ("<", ">"):
        source = camera_exif()
        source.endian = endian
        block = prefix + source.tobytes().removeprefix(metadata.PREFIX)
        turned = metadata.upright_exif(block)
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
    found = metadata.read_metadata(image)
    assert 1 <= found.orientation <= 8
    if found.exif is not None:
        metadata.safe_exif(found.exif)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_however_often_the_prefix_stands_before_exif_it_stands_there_once(times: int) -> None:
    image, block = Image.new("RGB", (2, 2)), camera_exif().tobytes().removeprefix(metadata.PREFIX)
    image.info["exif"] = times * metadata.PREFIX + block
    assert metadata.read_metadata(image).exif == metadata.PREFIX + metadata.upright_exif(block)


@pytest.mark.parametrize(
    "inside", [b'<rdf tiff:Orientation="3" dc:title="x3"/>', b"<tiff:Orientation>3</tiff:Orientation>"]
)
def test_xmp_is_kept_upright(photo: Photo, decoded: Decoded, inside: bytes) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + inside + b"</x:xmpmeta>"
    picture = decoded(Image.fromarray(photo), "a.webp", xmp=xmp, lossless=True)
    assert picture.xmp == xmp.replace(b"3", b"1", 1)
    # Like browsers and Pillow's exif_transpose: without EXIF, XMP says which way is up.
    np.testing.assert_array_equal(picture.pixels, photo[::-1, ::-1])
