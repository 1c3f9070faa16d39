"""Planted secrets: nothing that a photo's metadata tells of a person is in its copy."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageCms, PngImagePlugin
from PIL.ExifTags import GPS, IFD, Base

from tests.conftest import picture
from tests.torture.tally import Tally
from unlearnable.imaging.decode import DecodeError
from unlearnable.imaging.encode import encode
from unlearnable.protect.photo import target_of
from unlearnable.settings import Keep, ProtectSettings

TEXTS = ("Artist", "Copyright", "ImageDescription", "HostComputer", "XPAuthor", "XPTitle", "XPComment", "XPKeywords")
NESTED = ("UserComment", "CameraOwnerName", "BodySerialNumber", "LensSerialNumber", "ImageUniqueID", "MakerNote")
MISFITS = ("DateTime", "Orientation", "Software", "ExposureTime", "FNumber", "ColorSpace")
XMP = (
    *("dc:creator", "dc:description", "dc:title", "dc:rights", "photoshop:City", "photoshop:Credit"),
    *("photoshop:CaptionWriter", "xmpMM:DocumentID", "xmp:Label", "exif:GPSLatitude", "Iptc4xmpCore:Location"),
    *("mwg-rs:Name", "tiff:Artist", "aux:OwnerName"),
)
CHUNKS = ("Author", "Comment", "Description", "Title", "Location", "Raw profile type iptc", "parameters")
Plant = Callable[[Image.Image, Path, str], None]


def _exif(tag: str, ifd: int | None = None) -> Plant:
    def plant(image: Image.Image, path: Path, secret: str) -> None:
        exif = Image.Exif()
        where = exif if ifd is None else exif.get_ifd(ifd)
        number = GPS[tag] if ifd == IFD.GPSInfo else Base[tag]
        where[number] = secret.encode("utf-16-le") if tag.startswith("XP") else secret
        image.save(path, exif=exif.tobytes())

    return plant


def _xmp(name: str) -> Plant:
    prefix, _, tag = name.partition(":")
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:{prefix}="http://ns.example.com/{prefix}/" {prefix}:{tag}="SECRET"/>'
        "</rdf:RDF></x:xmpmeta>"
    )

    def plant(image: Image.Image, path: Path, secret: str) -> None:
        image.save(path, xmp=packet.replace("SECRET", secret).encode())

    return plant


def _chunk(key: str, *, packed: bool) -> Plant:
    def plant(image: Image.Image, path: Path, secret: str) -> None:
        info = PngImagePlugin.PngInfo()
        info.add_text(key, secret, zip=packed)
        image.save(path, pnginfo=info)

    return plant


def _comment(image: Image.Image, path: Path, secret: str) -> None:
    image.save(path, comment=secret.encode())


def _behind(image: Image.Image, path: Path, secret: str) -> None:
    image.save(path)
    path.write_bytes(path.read_bytes() + secret.encode())


def _segment(image: Image.Image, path: Path, secret: str) -> None:
    image.save(path)
    content = path.read_bytes()
    body = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0" + secret.encode()
    path.write_bytes(content[:2] + b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body + content[2:])


def _profile(image: Image.Image, path: Path, secret: str) -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    offset, length = struct.unpack_from(">LL", profile, 128 + 4 + 12 + 4)  # of the second tag, the copyright
    profile[offset + length - 2 * len(secret) : offset + length] = secret.encode("utf-16-be")
    image.save(path, icc_profile=bytes(profile))


def _garbage_profile(image: Image.Image, path: Path, secret: str) -> None:
    image.save(path, icc_profile=secret.encode() * 20)


def slots() -> list[tuple[str, str, Plant]]:
    """Return name, suffix and way of planting of every slot."""
    common: dict[str, Plant] = {tag: _exif(tag) for tag in (*TEXTS, *MISFITS)}
    common |= {f"Exif {tag}": _exif(tag, IFD.Exif) for tag in NESTED}
    common |= {f"GPS {tag}": _exif(tag, IFD.GPSInfo) for tag in ("GPSAreaInformation", "GPSDateStamp", "GPSMapDatum")}
    common |= {f"XMP {name}": _xmp(name) for name in XMP}
    common |= {"ICC text": _profile, "ICC garbage": _garbage_profile}
    found = [(name, suffix, plant) for suffix in (".jpg", ".png", ".webp") for name, plant in common.items()]
    found += [(f"chunk {key}", ".png", _chunk(key, packed=packed)) for key in CHUNKS for packed in (False, True)]
    found += [("comment", ".jpg", _comment), ("IPTC", ".jpg", _segment), ("behind the end", ".jpg", _behind)]
    return [*found, ("behind the end", ".png", _behind), ("behind the end", ".webp", _behind)]


def drill(trials: int, seed: int, folder: Path) -> Tally:
    """Plant a secret in each slot in turn and look for it in copies that keep `safe` metadata or none."""
    tally, planted = Tally("planted secrets"), slots()
    for number in range(trials):
        name, suffix, plant = planted[number % len(planted)]
        keep: Keep = ("safe", "none")[number // len(planted) % 2]
        secret = f"SECRET{random.Random(f'secret {seed} {number}').randrange(10**12):012}"
        path, copy = folder / f"photo{suffix}", folder / f"copy{suffix}"
        try:
            plant(Image.fromarray(picture(number % 7)), path, secret)
        except (TypeError, ValueError, OSError, KeyError, struct.error) as error:
            tally.outcomes[f"cannot be planted ({type(error).__name__})"] += 1
            continue
        if not _holds(path, secret):
            tally.outcomes["not in the photo"] += 1
            continue
        settings = ProtectSettings(photos=(path,), keep_metadata=keep, opt_out=not number % 3)
        try:
            target = target_of(path, settings)
        except DecodeError:
            tally.outcomes["refused"] += 1
            continue
        encode(target.picture, copy, target.encoding, keep_metadata=keep, opt_out=settings.opt_out)
        if _holds(copy, secret):
            tally.faults.append(f"trial {number} of seed {seed}: {name} of {suffix} is in the copy with {keep}")
        else:
            tally.outcomes["gone"] += 1
    return tally


def _holds(path: Path, secret: str) -> bool:
    content = unpacked(path)
    return any(secret.encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def unpacked(path: Path) -> bytes:
    """Return the bytes of a file, and those of its chunks that a PNG packs."""
    content = path.read_bytes()
    if not content.startswith(b"\x89PNG"):
        return content
    at, found = 8, [content]
    while at + 8 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            for start in range(len(body)):
                if body[start : start + 1] == b"x":
                    try:
                        found.append(zlib.decompress(body[start:]))
                    except zlib.error:
                        continue
        at += 12 + length
    return b"".join(found)
