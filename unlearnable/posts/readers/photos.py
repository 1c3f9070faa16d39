"""Photos without a caption file: without captions, or with descriptions in their own metadata (XMP, IPTC, EXIF, PNG).

Copies have no such descriptions, but with `--keep-metadata all`: the new captions stand in metadata.jsonl alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from unlearnable.posts.text import is_blank
from unlearnable.posts.tree import find_photos, is_photo
from unlearnable.posts.types import UNWRITTEN, Dataset, Edits, Pair, assemble

_DC = "http://purl.org/dc/elements/1.1/"
_OF_MACHINES = frozenset(  # words of descriptions by cameras and programs: "OLYMPUS DIGITAL CAMERA", "Screenshot at PM"
    {"digital", "still", "camera", "pictures", "exif", "default", "olympus", "konica", "minolta", "sony", "samsung"}
    | {"kodak", "vivitar", "lead", "technologies", "inc", "created", "processed", "with", "gimp", "vsco", "preset"}
    | {"sdr", "hdr", "rhdr", "hdrpl", "dav", "cof", "oznor", "edf", "mde", "ptr", "bty", "applemark", "untitled"}
    | {"img", "image", "images", "photo", "photos", "picture", "pic", "jpg", "jpeg", "png", "heic", "dsc", "dscn"}
    | {"dscf", "dcim", "pxl", "pano", "gopr", "dji", "vid", "wa", "whatsapp", "screenshot", "screen", "shot"}
    | {"bildschirmfoto", "burst", "edited", "copy", "unnamed", "thumb", "media", "video", "at", "on", "um", "am", "pm"}
)
_OF_SOFTWARE = re.compile(  # as microscopes' TIFFs have
    r'\s*(?:<\?xml\b|<OME\b|ImageJ=|SCIFIO=|\{\s*(?:"[^"]*"\s*:|\}))'
)


class _Folder:
    """All photos in a folder and its sub-folders, each with an empty caption."""

    name = "folder"

    def sniff(self, source: Path) -> bool:
        return source.is_dir()

    def read(self, source: Path, root: Path) -> Dataset:
        return assemble(root, dict.fromkeys(find_photos(root)), (), (), self.name)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: there are no captions."""


class _Embedded:
    """Photos that have their captions in their own metadata, each a record."""

    name = "embedded"

    def sniff(self, source: Path) -> bool:
        return False  # agencies and programs write descriptions, so only `--captions embedded` reads them

    def read(self, source: Path, root: Path) -> Dataset:
        return self.of(root, find_photos(root))

    def of(self, root: Path, photos: Iterable[str]) -> Dataset:
        """Return the data set of photos, by id."""
        pairs = [
            Pair(photo, caption, UNWRITTEN - number, index)
            for number, photo in enumerate(photos)
            for index, caption in enumerate(_captions_in(root / photo))
        ]
        return assemble(root, dict.fromkeys(photos), pairs, (), self.name)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: the captions are in photos, which are published without them."""


def _captions_in(photo: Path) -> list[str]:
    """Return the captions in a photo: those of its XMP, and other descriptions that do not repeat one of them."""
    from unlearnable.imaging.metadata import described

    packet, others = described(photo)
    captions = _xmp_captions(packet)
    for text in filter(_tells, others):  # of a long one IPTC has the beginning
        if not any(" ".join(caption.split()).startswith(" ".join(text.split())) for caption in captions):
            captions.append(text)
    return captions


def _xmp_captions(packet: bytes) -> list[str]:
    """Return the description of the photo itself in XMP, in each of its languages, and the title."""
    from unlearnable.imaging.metadata import parse_xmp, texts_of

    document = parse_xmp(packet) if packet else None
    if document is None:
        return []
    values: list[str] = []
    for name in ("description", "title"):
        for element in document.getElementsByTagNameNS(_DC, name):
            around = element.parentNode and element.parentNode.parentNode
            if getattr(around, "localName", None) == "RDF":  # not of what the photo is made of
                values += texts_of(element)
    return list(dict.fromkeys(filter(_tells, values)))


def _tells(description: str) -> bool:
    """Return whether a description is one: not blank, no name of a file, and not what a machine writes by itself."""
    if is_blank(description) or is_photo(description) or _OF_SOFTWARE.match(description):
        return False
    words = set(re.findall(r"[a-z]{2,}", description.lower()))
    return not description.isascii() or not words <= _OF_MACHINES


FOLDER, EMBEDDED = _Folder(), _Embedded()
