"""What a photo's XMP says of it in words, and which descriptions are none, as cameras and programs write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.dom.minidom import Document, Element, Node

from unlearnable.datasets.text.spans import is_blank
from unlearnable.datasets.tree import is_photo, telling_words
from unlearnable.imaging.xmp import RDF

_DC = "http://purl.org/dc/elements/1.1/"
_OF_MACHINES = frozenset(  # words of which, in any case, their descriptions are made: "OLYMPUS DIGITAL CAMERA"
    {"digital", "still", "camera", "pictures", "exif", "default", "olympus", "konica", "minolta", "sony", "samsung"}
    | {"kodak", "vivitar", "lead", "technologies", "inc", "created", "processed", "with", "gimp", "vsco", "preset"}
    | {"sdr", "hdr", "rhdr", "hdrpl", "dav", "cof", "oznor", "edf", "mde", "ptr", "bty", "applemark"}
)
_OF_SOFTWARE = re.compile(
    r'\s*(?:<\?xml\b|<OME\b|ImageJ=|SCIFIO=|\{\s*(?:"[^"]*"\s*:|\}))'
)  # as microscopes' TIFFs have


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
