"""Fields of EXIF, XMP and IPTC that tell of a person, by name and kind."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin
from PIL.ExifTags import GPS, IFD

from unlearnable.imaging import metadata
from unlearnable.imaging.descriptions import text_of
from unlearnable.imaging.opening import opened
from unlearnable.imaging.xmp import opt_out_of, parse
from unlearnable.wording import counted

Kind = Literal["place", "name", "description", "device number", "thumbnail", "time", "camera", "unreadable"]

EXIF_NAMES: dict[int, str] = {number: base.name for number, base in ((base.value, base) for base in ExifTags.Base)} | {
    0xA436: "ImageTitle", 0xA437: "Photographer", 0xA438: "ImageEditor",  # of EXIF 3.0, which Pillow does not name
}  # fmt: skip
IPTC_NAMES = {
    5: "ObjectName", 25: "Keywords", 26: "ContentLocationCode", 27: "ContentLocationName", 80: "By-line",
    90: "City", 92: "Sub-location", 95: "Province-State", 101: "Country", 105: "Headline", 110: "Credit",
    115: "Source", 116: "CopyrightNotice", 118: "Contact", 120: "Caption-Abstract", 122: "Writer-Editor",
}  # fmt: skip
_KINDS: dict[Kind, str] = {
    "place": "City State Country CountryName CountryCode Location LocationName Sublocation GPSLatitude GPSLongitude "
    "Sub-location Province-State ContentLocationCode ContentLocationName",
    "name": "Artist Copyright CameraOwnerName OwnerName HostComputer XPAuthor Photographer ImageEditor By-line Credit "
    "Source CopyrightNotice Contact Writer-Editor creator rights contributor Author Owner CaptionWriter "
    "PersonInImage RegionName PersonDisplayName CiEmailWork CiTelWork CiUrlWork CiAdrExtadr",
    "description": "ImageDescription DocumentName UserComment XPTitle XPComment XPKeywords XPSubject ImageTitle "
    "ObjectName Keywords Headline Caption-Abstract title description subject AltTextAccessibility "
    "ExtDescrAccessibility Event",
    "device number": "BodySerialNumber LensSerialNumber CameraSerialNumber SerialNumber ImageUniqueID MakerNote "
    "DocumentID OriginalDocumentID InstanceID",
    "time": "DateTime DateTimeOriginal DateTimeDigitized CreateDate DateCreated",
    "camera": "Make Model LensMake LensModel",
}
KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}


_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_LONGEST = 80  # characters of a value


class Found(NamedTuple):
    """One thing that the metadata of a photo tells: its block, kind, name and value."""

    block: str
    kind: Kind
    name: str
    value: str


class Personal(NamedTuple):
    """The opt-out that a photo carries, without its vocabulary, and all that its metadata tells of a person."""

    opt_out: str | None
    found: tuple[Found, ...]


def examine(path: Path) -> Personal:
    """Read EXIF, XMP, IPTC and comments of a photo.

    Raises:
        DecodeError: the file is no photo that can be opened.
    """
    with opened(path) as (image, _, _):
        image.load()  # of some formats, what stands behind the pixels is read only then
        xmp = image.info.get("xmp")
        xmp = xmp if isinstance(xmp, bytes) and xmp else None
        further = [one for more in _extended(image) for one in _xmp(more)]
        found = [*_exif(image), *_xmp(xmp), *further, *_iptc(image), *_comments(image)]
    return Personal(opt_out_of(xmp), tuple(dict.fromkeys(found)))


def _exif(image: Image.Image) -> Iterator[Found]:
    try:
        exif = image.getexif()
        tags = {**exif, **exif.get_ifd(IFD.Exif)}
        place, thumbnail = exif.get_ifd(IFD.GPSInfo), exif.get_ifd(IFD.IFD1)
        damaged = bool(metadata.read(image).lost)
    except Exception:  # on a damaged block Pillow raises anything from struct.error to AttributeError
        tags, place, thumbnail, damaged = {}, {}, {}, True
    if damaged:
        yield Found("EXIF", "unreadable", "EXIF", "it is damaged and may hold anything")
    for number, value in tags.items():
        yield from _known("EXIF", EXIF_NAMES.get(number, ""), value)
    if place:
        yield Found("EXIF", "place", "GPS", _position(place) or f"{counted(len(place), 'value')}")
    if thumbnail:
        yield Found("EXIF", "thumbnail", "thumbnail", "a small picture, which may show the photo as it was")


def _extended(image: Image.Image) -> Iterator[bytes]:
    """Yield what a JPEG has of XMP beyond its first 64 kB, in parts with a number, a length and their place."""
    parts: dict[bytes, dict[int, bytes]] = {}
    for marker, data in getattr(image, "applist", ()):
        if marker == "APP1" and data.startswith(_EXTENDED):
            part = data[len(_EXTENDED) :]
            parts.setdefault(part[:32], {})[int.from_bytes(part[36:40], "big")] = part[40:]
    for own in parts.values():
        yield b"".join(own[place] for place in sorted(own))


def _xmp(xmp: bytes | None) -> Iterator[Found]:
    document = parse(xmp) if xmp else None
    if xmp and document is None:
        yield Found("XMP", "unreadable", "XMP", "it is damaged and may hold anything")
    for element in document.getElementsByTagName("*") if document else ():
        for attribute in element.attributes.values():
            yield from _known("XMP", _local_name(attribute), attribute.value)
        texts = [node for node in _below(element) if node.nodeType == node.TEXT_NODE]
        yield from _known("XMP", _local_name(element), " ".join(node.data.strip() for node in texts))


def _local_name(node: Any) -> str:
    """Return a property's name without its prefix, which writers may choose; of a region, the name of who is on it."""
    return "RegionName" if (node.namespaceURI, node.localName) == (_REGIONS, "Name") else node.localName or ""


def _below(node: Any) -> Iterator[Any]:
    for child in node.childNodes:
        yield child
        yield from _below(child)


def _iptc(image: ImageFile.ImageFile) -> Iterator[Found]:
    information: dict[tuple[int, int], Any] = {}
    with suppress(Exception), warnings.catch_warnings():  # as for EXIF; only Photoshop's and agencies' photos have it
        information = IptcImagePlugin.getiptcinfo(image) or {}
    for (_, number), value in information.items():
        for one in value if isinstance(value, list) else [value]:
            yield from _known("IPTC", IPTC_NAMES.get(number, ""), one)


def _comments(image: Image.Image) -> Iterator[Found]:
    """JPEG's comment, and the text chunks of a PNG."""
    texts = {"comment": image.info.get("comment"), **(getattr(image, "text", None) or {})}
    for name, value in texts.items():
        if value and name != "XML:com.adobe.xmp":
            yield Found("text", "description", name, _text(_decoded(name, value)))


def _known(block: str, name: str, value: Any) -> Iterator[Found]:
    """Yield what a field tells, if its name is on the lists and it is not blank."""
    kind = KIND_OF.get(name)
    if kind and (text := counted(len(value), "byte") if name == "MakerNote" else _text(_decoded(name, value))):
        yield Found(block, kind, name, text)


def _decoded(name: str, value: Any) -> Any:
    """Return the text of a field: UTF-16 where Windows or the field itself says so, or else UTF-8 or Latin-1."""
    if isinstance(value, str):
        return text_of(value)
    if not isinstance(value, bytes):
        return value
    if name.startswith("XP") or value.startswith(b"UNICODE\0"):
        return value.removeprefix(b"UNICODE\0").decode("utf-16-le", "replace")
    return text_of(value.removeprefix(b"ASCII\0\0\0"))


def _text(value: Any) -> str:
    """Return a value in one line that a terminal can show."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(value))
    text = " ".join(printable.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _position(place: dict[int, Any]) -> str:
    """Return degrees north and east; empty where the values are no position."""
    try:
        angles = [
            sum(float(part) / 60**power for power, part in enumerate(place[tag]))
            for tag in (GPS.GPSLatitude, GPS.GPSLongitude)
        ]
        signs = [-1 if place.get(tag) in ("S", "W") else 1 for tag in (GPS.GPSLatitudeRef, GPS.GPSLongitudeRef)]
    except (KeyError, TypeError, ValueError):
        return ""
    if not all(map(math.isfinite, angles)):  # as cameras without a fix write it: 0/0
        return ""
    return ", ".join(f"{sign * angle:.4f}" for sign, angle in zip(signs, angles, strict=True))
