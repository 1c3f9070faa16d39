"""Fields of EXIF, XMP and IPTC that tell of a person, by name, and of which kind each is."""

from __future__ import annotations

from typing import Literal

from PIL import ExifTags

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
