"""The EXIF tags that may be published, each with what its value may be: the tag of a date may hold a name."""

from __future__ import annotations

import re
from numbers import Real
from typing import Any

from PIL.ExifTags import Base

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
