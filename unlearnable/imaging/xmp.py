"""The XML of an XMP packet, as photos and the files beside them have it."""

from __future__ import annotations

import re
from xml.dom.minidom import Document, Node, parseString
from xml.parsers.expat import ExpatError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DECLARES = re.compile(rb"<\0?!\0?D")  # a document type, in UTF-8 or UTF-16: no XMP has one, and entities may explode
_DEEPEST = 100  # elements within each other: XMP has about ten, and Python gives up at some hundreds


def parse(xmp: bytes) -> Document | None:
    """Return the XML of an XMP packet; None if it cannot be read, or is nested as no XMP is."""
    if _DECLARES.search(xmp):
        return None
    try:
        document = parseString(xmp.strip(b"\0 \t\r\n"))
    except (ExpatError, ValueError, LookupError):
        return None
    level: list[Node] = [document]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in node.childNodes]
    return None if level else document
