"""Descriptions in the photos themselves, as Lightroom, Apple Photos and digiKam export them: XMP, IPTC, EXIF, PNG.

Copies have none of them, but with `--keep-metadata all`: the new captions stand in metadata.jsonl alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.dom.minidom import Document, Element, Node

from unlearnable.imaging.metadata import RDF, parse_xmp
from unlearnable.posts.assembly import assemble
from unlearnable.posts.text import is_blank
from unlearnable.posts.tree import find_photos, is_photo, telling_words
from unlearnable.posts.types import UNWRITTEN, Dataset, Edits, Pair

_DC = "http://purl.org/dc/elements/1.1/"
_OF_MACHINES = frozenset(  # words of which, in any case, their descriptions are made: "OLYMPUS DIGITAL CAMERA"
    {"digital", "still", "camera", "pictures", "exif", "default", "olympus", "konica", "minolta", "sony", "samsung"}
    | {"kodak", "vivitar", "lead", "technologies", "inc", "created", "processed", "with", "gimp", "vsco", "preset"}
    | {"sdr", "hdr", "rhdr", "hdrpl", "dav", "cof", "oznor", "edf", "mde", "ptr", "bty", "applemark"}
)
_OF_SOFTWARE = re.compile(
    r'\s*(?:<\?xml\b|<OME\b|ImageJ=|SCIFIO=|\{\s*(?:"[^"]*"\s*:|\}))'
)  # as microscopes' TIFFs have


class Embedded:
    """Photos of a folder that have their captions in their own metadata; there is no caption file to write back."""

    name = "embedded"

    def sniff(self, source: Path) -> bool:
        """Return False: agencies and programs write descriptions, so only `--captions embedded` reads them."""
        return False

    def read(self, source: Path, root: Path) -> Dataset:
        """Read the photos below `root`; each is a record.

        Raises:
            InputError: there is no photo.
        """
        return self.of(root, find_photos(root))

    def of(self, root: Path, photos: Iterable[str]) -> Dataset:
        """Return the data set of photos, by id."""
        pairs = [
            Pair(photo, caption, UNWRITTEN - number, index)
            for number, photo in enumerate(photos)
            for index, caption in enumerate(captions_in(root / photo))
        ]
        return assemble(root, dict.fromkeys(photos), pairs, (), self.name, None)

    def write(self, dataset: Dataset, edits: Edits, target: Path) -> None:
        """Write nothing: the captions are in photos, which are published without them."""


def captions_in(photo: Path) -> list[str]:
    """Return the captions in a photo: what its XMP says, and of its other descriptions what is not in those before."""
    from unlearnable.imaging.metadata import described

    found = described(photo)
    document = parse_xmp(found.xmp) if found.xmp else None
    captions = words_of(document) if document else []
    for text in filter(tells, found.others):  # of a long one IPTC has the beginning
        if not any(_plain(caption).startswith(_plain(text)) for caption in captions):
            captions.append(text)
    return captions


def _plain(text: str) -> str:
    return " ".join(text.split())


def tells(description: str) -> bool:
    """Return whether a description is one: not blank, no name of a file, and not what a machine writes by itself."""
    if is_blank(description) or is_photo(description) or _OF_SOFTWARE.match(description):
        return False
    words = {word.casefold() for word in telling_words(description)}
    return not description.isascii() or not words <= _OF_MACHINES


def words_of(document: Document) -> list[str]:
    """Return the description in XMP, in each of its languages, and the title."""
    descriptions = filter(tells, _values(document, "description"))
    titles = (one for one in _values(document, "title") if telling_words(one) and tells(one))
    return list(dict.fromkeys((*descriptions, *titles)))


def _values(document: Document, name: str) -> Iterator[str]:
    """Yield the values that a property of the photo itself has, not of what it is made of."""
    for element in document.getElementsByTagNameNS(_DC, name):
        around = element.parentNode and element.parentNode.parentNode
        if isinstance(around, Element) and around.localName == "RDF":
            for one in element.getElementsByTagNameNS(RDF, "li") or [element]:
                yield "".join(node.data for node in one.childNodes if node.nodeType == Node.TEXT_NODE).strip()


EMBEDDED = Embedded()
