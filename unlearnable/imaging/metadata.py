"""EXIF and XMP: read the orientation, drop damaged blocks, and select the tags that may be published."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

from PIL import ExifTags, Image
from PIL.ExifTags import IFD, Base

# When, with what and how a picture was taken. All others are removed, known or not: places, names of authors and
# owners, descriptions, comments, serial numbers, MakerNote, thumbnails (an unprotected copy of the photo), unique ids,
# time zones.
_CAMERAS = frozenset({Base.Make, Base.Model, Base.LensMake, Base.LensModel})
_TIMES = frozenset({Base.DateTime, Base.DateTimeOriginal, Base.DateTimeDigitized})
_DIGITS = frozenset({Base.ExifVersion, Base.SubsecTime, Base.SubsecTimeOriginal, Base.SubsecTimeDigitized})
SAFE_TAGS = frozenset({Base.Make, Base.Model, Base.DateTime})
SAFE_EXIF_TAGS = frozenset(
    {
        *(_CAMERAS | _TIMES | _DIGITS) - SAFE_TAGS,
        Base.ExposureTime,
        Base.FNumber,
        Base.ExposureProgram,
        Base.ISOSpeedRatings,
        Base.ShutterSpeedValue,
        Base.ApertureValue,
        Base.BrightnessValue,
        Base.ExposureBiasValue,
        Base.MaxApertureValue,
        Base.MeteringMode,
        Base.LightSource,
        Base.Flash,
        Base.FocalLength,
        Base.FocalLengthIn35mmFilm,
        Base.ExposureMode,
        Base.WhiteBalance,
        Base.DigitalZoomRatio,
        Base.SceneCaptureType,
    }
)

_LONGEST = 64  # characters of a camera's or a lens's name
_TIME = re.compile(r"[\d ]{4}:[\d ]{2}:[\d ]{2} [\d ]{2}:[\d ]{2}:[\d ]{2}")
_NUMERALS = re.compile(r"\d{1,9} *")


def is_safe(tag: int, value: Any) -> bool:
    """Return whether the value of a tag above is of its kind: a short name, a time, digits, or a number or two."""
    if tag in _CAMERAS:
        return isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST
    if tag in _TIMES:
        return isinstance(value, str) and _TIME.fullmatch(value.rstrip("\0")) is not None
    if tag in _DIGITS:
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
        return isinstance(text, str) and _NUMERALS.fullmatch(text.rstrip("\0")) is not None
    numbers = value if isinstance(value, tuple) else (value,)
    return len(numbers) <= 2 and all(isinstance(number, Real) for number in numbers)


PREFIX = b"Exif\0\0"

# A TIFF mixes the tags that describe the photo with those that describe the file's own layout.
TIFF_TAGS = SAFE_TAGS | {Base.Artist, Base.Copyright, Base.ImageDescription, Base.Software, Base.HostComputer}

ORIENTATION = 0x0112
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[0-9]")


class Metadata(NamedTuple):
    """Metadata of a picture: its orientation (1 to 8), the blocks made upright, and notes on what was damaged."""

    orientation: int
    exif: bytes | None
    xmp: bytes | None
    lost: tuple[str, ...]


def read(image: Image.Image) -> Metadata:
    """Read the metadata of a loaded picture. A damaged block is dropped with a note; no error is raised."""
    lost: tuple[str, ...] = ()
    exif: bytes | None = None
    try:
        exif = _block(image)
        if exif:
            _check(exif)
            exif = upright(exif)
    except Exception:  # on a damaged block Pillow raises anything from struct.error to AttributeError
        exif, lost = None, ("damaged EXIF dropped",)
    xmp = image.info.get("xmp")
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp.rstrip(b"\0")) if isinstance(xmp, bytes) else None
    return Metadata(_orientation(image), exif or None, xmp or None, lost)


def upright(exif: bytes) -> bytes:
    """Return `exif` with its orientation set to 1 and every other byte unchanged."""
    data = bytearray(exif)
    start = len(PREFIX) if exif.startswith(PREFIX) else 0
    endian = "<" if exif[start : start + 2] == b"II" else ">"
    (offset,) = struct.unpack_from(endian + "L", exif, start + 4)
    (count,) = struct.unpack_from(endian + "H", exif, start + offset)
    for entry in range(start + offset + 2, start + offset + 2 + 12 * count, 12):
        if struct.unpack_from(endian + "H", exif, entry)[0] == ORIENTATION:
            # Written as one SHORT, whatever type the source used.
            struct.pack_into(endian + "HLHH", data, entry + 2, 3, 1, 1, 0)
    return bytes(data)


def safe(exif: bytes) -> bytes | None:
    """Return a new block with those tags of `exif` that `safe_tags` lists and lets pass; None if there are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = Image.Exif()
            source.load(exif)
            return _pack(source, SAFE_TAGS, {IFD.Exif: SAFE_EXIF_TAGS}, is_safe)
    except Exception:  # as in `read`; a block that cannot be read cannot be called harmless
        return None


def _block(image: Image.Image) -> bytes | None:
    exif = image.info.get("exif")
    if isinstance(exif, bytes) and exif:
        return PREFIX + re.sub(rb"^(Exif\0\0)+", b"", exif)
    if "Raw profile type exif" in image.info:  # how ImageMagick stores EXIF in a PNG
        return image.getexif().tobytes()
    if image.format == "TIFF":
        everything = frozenset(ExifTags.TAGS)
        return _pack(image.getexif(), TIFF_TAGS, {IFD.Exif: everything, IFD.GPSInfo: frozenset(ExifTags.GPSTAGS)})
    return None


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
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # as in `read`
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _pack(
    source: Image.Exif,
    tags: Iterable[int],
    directories: Mapping[int, frozenset[int]],
    passes: Callable[[int, Any], bool] = lambda tag, value: True,
) -> bytes | None:
    packed = Image.Exif()
    for tag in sorted(tags):
        if tag in source and passes(tag, source[tag]) and _writable(tag, source[tag]):
            packed[tag] = source[tag]
    for directory, members in directories.items():
        writable = {
            tag: value
            for tag, value in source.get_ifd(directory).items()
            if tag in members and passes(tag, value) and _writable(tag, value)
        }
        if writable:
            packed.get_ifd(directory).update(writable)
    block = packed.tobytes()
    return block if len(packed) or any(packed.get_ifd(directory) for directory in directories) else None


def _writable(tag: int, value: Any) -> bool:
    """Return whether Pillow can write `value` back: one odd tag must not cost all the others."""
    try:
        probe = Image.Exif()
        probe[tag] = value
        probe.tobytes()
    except Exception:  # as in `read`
        return False
    return True
