"""What a photo says of itself in words: the descriptions in its metadata, read without its pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageFile, IptcImagePlugin
from PIL.ExifTags import Base

from unlearnable.imaging.opening import DecodeError, opened

_CAPTION = (2, 120)  # Caption-Abstract of IPTC


class Described(NamedTuple):
    """The XMP packet of a photo, empty without one, and its other descriptions: of IPTC, of EXIF, of a PNG's texts."""

    xmp: bytes
    others: tuple[str, ...]


def described(path: Path) -> Described:
    """Return what a photo says of itself; damaged metadata says nothing, nor does a photo that cannot be opened."""
    try:
        with opened(path, to_load=False) as (image, _, _):
            xmp = image.info.get("xmp")
            found = [text for read in (_iptc, _exif, _png) for text in _tried(read, image)]
    except DecodeError:
        return Described(b"", ())
    return Described(xmp if isinstance(xmp, bytes) else b"", tuple(found))


def _tried(read: Callable[[ImageFile.ImageFile], Iterable[Any]], image: ImageFile.ImageFile) -> list[str]:
    with suppress(Exception):  # on a damaged block Pillow raises anything from struct.error to AttributeError
        return [text_of(value) for value in read(image) if isinstance(value, str | bytes)]
    return []


def _iptc(image: ImageFile.ImageFile) -> Iterable[Any]:
    found = (IptcImagePlugin.getiptcinfo(image) or {}).get(_CAPTION, [])
    return found if isinstance(found, list) else [found]


def _exif(image: ImageFile.ImageFile) -> Iterable[Any]:
    return [Image.Image.getexif(image).get(Base.ImageDescription)]  # that of a PNG would load its pixels


def _png(image: ImageFile.ImageFile) -> Iterable[Any]:
    return [image.info.get("Description")]


def text_of(value: str | bytes) -> str:
    """Return the text of a field, which is in UTF-8, or else in Latin-1, as which Pillow reads that of EXIF."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return text.strip("\0 \t\r\n")
