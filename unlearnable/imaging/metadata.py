"""EXIF, XMP and IPTC: what may be published, what tells on people, descriptions and the opt-out from AI training."""

import re
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.dom.minidom import Document, Element, Node, parseString
from xml.parsers.expat import ExpatError

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin
from PIL.ExifTags import IFD, Base

from unlearnable.imaging.opening import DecodeError, opened
from unlearnable.wording import counted

# EXIF

PREFIX = b"Exif\0\0"

# When, with what and how a picture was taken. All others are removed, known or not: places, names of authors and
# owners, descriptions, comments, serial numbers, MakerNote, thumbnails (an unprotected copy of the photo), unique ids,
# time zones.
_CAMERAS = frozenset({Base.Make, Base.Model, Base.LensMake, Base.LensModel})
_TIMES = frozenset({Base.DateTime, Base.DateTimeOriginal, Base.DateTimeDigitized})
_DIGITS = frozenset({Base.ExifVersion, Base.SubsecTime, Base.SubsecTimeOriginal, Base.SubsecTimeDigitized})
_NUMBERS = (
    "ExposureTime FNumber ExposureProgram ISOSpeedRatings ShutterSpeedValue ApertureValue BrightnessValue "
    "ExposureBiasValue MaxApertureValue MeteringMode LightSource Flash FocalLength FocalLengthIn35mmFilm "
    "ExposureMode WhiteBalance DigitalZoomRatio SceneCaptureType"
)
SAFE_TAGS = frozenset({Base.Make, Base.Model, Base.DateTime})
SAFE_EXIF_TAGS = (_CAMERAS | _TIMES | _DIGITS | {Base[name] for name in _NUMBERS.split()}) - SAFE_TAGS
# A TIFF mixes the tags that describe the photo with those that describe the file's own layout.
_TIFF_TAGS = SAFE_TAGS | {Base.Artist, Base.Copyright, Base.ImageDescription, Base.Software, Base.HostComputer}
_TIFF_DIRECTORIES = {IFD.Exif: frozenset(ExifTags.TAGS), IFD.GPSInfo: frozenset(ExifTags.GPSTAGS)}
_TIME = re.compile(r"[\d ]{4}:[\d ]{2}:[\d ]{2} [\d ]{2}:[\d ]{2}:[\d ]{2}")
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[0-9]")


def read_metadata(image: Image.Image) -> tuple[int, bytes | None, bytes | None, tuple[str, ...]]:
    """Return the orientation of a loaded picture (1 to 8), its EXIF and XMP made upright, and notes on what is damaged.

    A damaged block is dropped; no error is raised.
    """
    lost: tuple[str, ...] = ()
    exif: bytes | None = None
    try:
        exif = _block(image)
        if exif:
            _check(exif)
            exif = upright_exif(exif)
    except Exception:  # on a damaged block Pillow raises anything from struct.error to AttributeError
        exif, lost = None, ("damaged EXIF dropped",)
    xmp = image.info.get("xmp")
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp.rstrip(b"\0")) if isinstance(xmp, bytes) else None
    return _orientation(image), exif or None, xmp or None, lost


def upright_exif(exif: bytes) -> bytes:
    """Return `exif` with its orientation set to 1 and every other byte unchanged."""
    data = bytearray(exif)
    start = len(PREFIX) if exif.startswith(PREFIX) else 0
    endian = "<" if exif[start : start + 2] == b"II" else ">"
    (offset,) = struct.unpack_from(endian + "L", exif, start + 4)
    (count,) = struct.unpack_from(endian + "H", exif, start + offset)
    for entry in range(start + offset + 2, start + offset + 2 + 12 * count, 12):
        if struct.unpack_from(endian + "H", exif, entry)[0] == Base.Orientation:
            # Written as one SHORT, whatever type the source used.
            struct.pack_into(endian + "HLHH", data, entry + 2, 3, 1, 1, 0)
    return bytes(data)


def safe_exif(exif: bytes) -> bytes | None:
    """Return a new block with the tags of `exif` that are listed above, if `is_safe`; None if there are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = Image.Exif()
            source.load(exif)
            return _pack(source, SAFE_TAGS, {IFD.Exif: SAFE_EXIF_TAGS}, is_safe)
    except Exception:  # a block that cannot be read cannot be called harmless
        return None


def is_safe(tag: int, value: Any) -> bool:
    """Return whether the value of a tag above is of its kind: a short name, a time, digits, or a number or two."""
    if tag in _CAMERAS:
        return isinstance(value, str) and value.isprintable() and len(value) <= 64
    if tag in _TIMES:
        return isinstance(value, str) and _TIME.fullmatch(value.rstrip("\0")) is not None
    if tag in _DIGITS:
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        return isinstance(text, str) and re.fullmatch(r"\d{1,9} *", text.rstrip("\0")) is not None
    numbers = value if isinstance(value, tuple) else (value,)
    return len(numbers) <= 2 and all(isinstance(number, Real) for number in numbers)


def _block(image: Image.Image) -> bytes | None:
    exif = image.info.get("exif")
    if isinstance(exif, bytes) and exif:
        return PREFIX + re.sub(rb"^(Exif\0\0)+", b"", exif)
    return _pack(image.getexif(), _TIFF_TAGS, _TIFF_DIRECTORIES) if image.format == "TIFF" else None


def _check(exif: bytes) -> None:
    """Read every directory of `exif`, turning Pillow's warnings into errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = Image.Exif()
        loaded.load(exif)
        for directory in (IFD.Exif, IFD.GPSInfo):
            loaded.get_ifd(directory)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except Exception:  # as in `read_metadata`
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _pack(
    source: Image.Exif,
    tags: frozenset[int],
    directories: Mapping[IFD, frozenset[int]],
    passes: Callable[[int, Any], bool] = lambda tag, value: True,
) -> bytes | None:
    """Return a block of these tags of a source, and of its directories, whose values pass; None without any."""
    packed, filled = Image.Exif(), False
    for tag in sorted(tags & set(source)):
        if passes(tag, source[tag]):
            packed[tag], filled = source[tag], True
    for directory, members in directories.items():
        for tag, value in source.get_ifd(directory).items():
            if tag in members and passes(tag, value):
                packed.get_ifd(directory)[tag], filled = value, True
    return packed.tobytes() if filled else None


# XMP, and the opt-out from AI training in it (`plus:DataMining` of PLUS and IPTC)

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACE = "http://ns.useplus.org/ldf/xmp/1.0/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
PROHIBITED = "DMI-PROHIBITED-AIMLTRAINING"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
).encode()
_DECLARES = re.compile(rb"<\0?!\0?D")  # a document type, in UTF-8 or UTF-16: no XMP has one, and entities may explode
_DEEPEST = 100  # elements within each other: XMP has about ten, and Python gives up at some hundreds


def parse_xmp(xmp: bytes | None) -> Document | None:
    """Return the XML of an XMP packet; None without one that can be read, or for one nested as no XMP is."""
    if not xmp or _DECLARES.search(xmp):
        return None
    try:
        document = parseString(xmp.strip(b"\0 \t\r\n"))
    except (ExpatError, ValueError, LookupError):
        return None
    level: list[Node] = [document]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in node.childNodes]
    return None if level else document


def prohibit(xmp: bytes | None) -> bytes:
    """Return an XMP packet that prohibits AI training and otherwise says what `xmp` says.

    Another value of the property is replaced. A packet that cannot be read is replaced as a whole.

    Source: IPTC Photo Metadata Standard 2023.1, "Data Mining".
    """
    document = parse_xmp(xmp)
    frames = document.getElementsByTagNameNS(RDF, "RDF") if document else []
    if xmp is None or document is None or not frames:
        return prohibit(_EMPTY)
    if set(_values(document)) == {VOCABULARY + PROHIBITED}:
        return xmp
    others = document.getElementsByTagNameNS(RDF, "Description")
    for element in others:
        if element.hasAttributeNS(NAMESPACE, "DataMining"):
            element.removeAttributeNS(NAMESPACE, "DataMining")
    for element in document.getElementsByTagNameNS(NAMESPACE, "DataMining"):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
    written: Any = parseString(
        f'<rdf:Description xmlns:rdf="{RDF}" xmlns:plus="{NAMESPACE}" rdf:about="" '
        f'plus:DataMining="{VOCABULARY}{PROHIBITED}"/>'
    )
    added = document.importNode(written.firstChild, True)
    if others:  # about the same thing as the packet's other properties
        added.setAttributeNS(RDF, "rdf:about", others[0].getAttributeNS(RDF, "about"))
    frames[0].appendChild(added)
    return "".join(node.toxml() for node in document.childNodes).encode()


def opt_out_of(xmp: bytes | None) -> str | None:
    """Return the value of the property in a packet, without its vocabulary; None if it has none."""
    document = parse_xmp(xmp)
    values = _values(document) if document else ()
    return next((value.removeprefix(VOCABULARY) for value in values if value), None)


def _values(document: Document) -> Iterator[str]:
    """Yield every value of the property, however it is spelt: as an attribute, a text or a resource."""
    for element in document.getElementsByTagNameNS(RDF, "Description"):
        if element.hasAttributeNS(NAMESPACE, "DataMining"):
            yield element.getAttributeNS(NAMESPACE, "DataMining")
    for element in document.getElementsByTagNameNS(NAMESPACE, "DataMining"):
        text = "".join(node.data for node in element.childNodes if node.nodeType == node.TEXT_NODE)
        yield element.getAttributeNS(RDF, "resource") or text.strip()


# Descriptions


def described(path: Path) -> tuple[bytes, list[str]]:
    """Return the XMP packet of a photo, empty without one, and its other descriptions: of IPTC, EXIF, a PNG's texts.

    Damaged metadata has none, nor has a photo that cannot be opened.
    """
    readers: tuple[Callable[[Any], Any], ...] = (
        lambda image: (IptcImagePlugin.getiptcinfo(image) or {}).get((2, 120)),  # Caption-Abstract
        lambda image: Image.Image.getexif(image).get(Base.ImageDescription),  # that of a PNG would load its pixels
        lambda image: image.info.get("Description"),
    )
    others: list[str] = []
    with suppress(DecodeError), opened(path, to_load=False) as (image, _, _):
        for read in readers:
            with suppress(Exception):  # as in `read_metadata`
                found = read(image)
                values = found if isinstance(found, list) else [found]
                others += [text_of(value) for value in values if isinstance(value, str | bytes)]
        xmp = image.info.get("xmp")
        return xmp if isinstance(xmp, bytes) else b"", others
    return b"", []


def text_of(value: str | bytes) -> str:
    """Return the text of a field, which is in UTF-8, or else in Latin-1, as which Pillow reads that of EXIF."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return text.strip("\0 \t\r\n")


# Fields that tell on people

Kind = Literal["place", "name", "description", "device number", "thumbnail", "time", "camera", "unreadable"]

_NAMES: dict[Kind, str] = {
    "place": "City State Country CountryName CountryCode Location LocationName Sublocation GPSLatitude GPSLongitude",
    "name": "Artist Copyright CameraOwnerName OwnerName HostComputer XPAuthor Credit Source creator rights contributor "
    "Author Owner CaptionWriter PersonInImage RegionName PersonDisplayName CiEmailWork CiTelWork CiUrlWork CiAdrExtadr",
    "description": "ImageDescription DocumentName UserComment XPTitle XPComment XPKeywords XPSubject Headline title "
    "description subject AltTextAccessibility ExtDescrAccessibility Event",
    "device number": "BodySerialNumber LensSerialNumber CameraSerialNumber SerialNumber ImageUniqueID MakerNote "
    "DocumentID OriginalDocumentID InstanceID",
    "time": "DateTime DateTimeOriginal DateTimeDigitized CreateDate DateCreated",
    "camera": "Make Model LensMake LensModel",
}
_KIND_OF = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
_DAMAGED = "it is damaged and may hold anything"
_LONGEST = 80  # characters of a value


class Found(NamedTuple):
    """One thing that the metadata of a photo tells: its block, kind, name and value."""

    block: str
    kind: Kind
    name: str
    value: str


def examine(path: Path) -> tuple[str | None, tuple[Found, ...]]:
    """Return the opt-out that a photo carries, without its vocabulary, and all that its metadata tells of a person.

    Raises:
        DecodeError: the file is no photo that can be opened.
    """
    with opened(path) as (image, _, _):
        image.load()  # some formats have more behind the pixels, which is read only then
        xmp = image.info.get("xmp")
        xmp = xmp if isinstance(xmp, bytes) and xmp else None
        found = [*_in_exif(image), *_in_xmp(xmp), *_in_texts(image)]
    return opt_out_of(xmp), tuple(dict.fromkeys(found))


def _in_exif(image: Image.Image) -> Iterator[Found]:
    try:
        exif = image.getexif()
        tags = {**exif, **exif.get_ifd(IFD.Exif)}
        place, thumbnail = exif.get_ifd(IFD.GPSInfo), exif.get_ifd(IFD.IFD1)
        damaged = bool(read_metadata(image)[-1])
    except Exception:  # as in `read_metadata`
        tags, place, thumbnail, damaged = {}, {}, {}, True
    if damaged:
        yield Found("EXIF", "unreadable", "EXIF", _DAMAGED)
    for number, value in tags.items():
        yield from _known("EXIF", ExifTags.TAGS.get(number, ""), value)
    if place:
        yield Found("EXIF", "place", "GPS", counted(len(place), "value"))
    if thumbnail:
        yield Found("EXIF", "thumbnail", "thumbnail", "a small picture, which may show the photo as it was")


def _in_xmp(xmp: bytes | None) -> Iterator[Found]:
    document = parse_xmp(xmp)
    if xmp and document is None:
        yield Found("XMP", "unreadable", "XMP", _DAMAGED)
    for element in document.getElementsByTagName("*") if document else ():
        for attribute in element.attributes.values():
            yield from _known("XMP", _local_name(attribute), attribute.value)
        yield from _known("XMP", _local_name(element), " ".join(texts_of(element)))


def texts_of(element: Element) -> list[str]:
    """Return the values of a property of XMP: of each of its items, or its own."""
    items = element.getElementsByTagNameNS(RDF, "li") or [element]
    return ["".join(getattr(node, "data", "") for node in item.childNodes).strip() for item in items]


def _local_name(node: Any) -> str:
    """Return a property's name without its prefix, which writers may choose; "RegionName" for who is on a region."""
    return "RegionName" if (node.namespaceURI, node.localName) == (_REGIONS, "Name") else node.localName or ""


def _in_texts(image: ImageFile.ImageFile) -> Iterator[Found]:
    """Yield the fields of IPTC as one, JPEG's comment, and the text chunks of a PNG."""
    with suppress(Exception):  # as for EXIF; only Photoshop's and agencies' photos have it
        if fields := IptcImagePlugin.getiptcinfo(image):
            yield Found("IPTC", "description", "IPTC", counted(len(fields), "field"))
    texts = {"comment": image.info.get("comment"), **(getattr(image, "text", None) or {})}
    for name, value in texts.items():
        if value and name != "XML:com.adobe.xmp":
            yield Found("text", "description", name, _one_line(name, value))


def _known(block: str, name: str, value: Any) -> Iterator[Found]:
    """Yield what a field tells, if its name is on the lists and it is not blank."""
    kind = _KIND_OF.get(name)
    if kind and (text := counted(len(value), "byte") if name == "MakerNote" else _one_line(name, value)):
        yield Found(block, kind, name, text)


def _one_line(name: str, value: Any) -> str:
    """Return a value in one line that a terminal can show.

    Bytes are UTF-16 where Windows or the field itself says so, or else UTF-8 or Latin-1.
    """
    if isinstance(value, bytes) and (name.startswith("XP") or value.startswith(b"UNICODE\0")):
        value = value.removeprefix(b"UNICODE\0").decode("utf-16-le", "replace")
    elif isinstance(value, bytes):
        value = text_of(value.removeprefix(b"ASCII\0\0\0"))
    elif isinstance(value, str):
        value = text_of(value)
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(value)).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
