"""The XMP packet of a photo: its XML, and the opt-out from AI training in it (`plus:DataMining` of PLUS and IPTC)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.dom.minidom import Document, Element, Node, parseString
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


NAMESPACE = "http://ns.useplus.org/ldf/xmp/1.0/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
PROHIBITED = "DMI-PROHIBITED-AIMLTRAINING"

_META = "adobe:ns:meta/"
_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    f'<x:xmpmeta xmlns:x="{_META}"></x:xmpmeta><?xpacket end="w"?>'
).encode()


def prohibit(xmp: bytes | None) -> bytes:
    """Return an XMP packet that prohibits AI training and otherwise says what `xmp` says.

    Another value of the property is replaced. A packet that cannot be read (`joins`) is replaced as a whole.

    Source: IPTC Photo Metadata Standard 2023.1, "Data Mining".
    """
    document = parse(xmp) if xmp else None
    rdf = _rdf(document) if document else None
    if xmp is None or document is None or rdf is None:
        return prohibit(_EMPTY)
    if set(_values(document)) == {VOCABULARY + PROHIBITED}:
        return xmp
    for element in document.getElementsByTagNameNS(RDF, "Description"):
        if element.hasAttributeNS(NAMESPACE, "DataMining"):
            element.removeAttributeNS(NAMESPACE, "DataMining")
    for element in document.getElementsByTagNameNS(NAMESPACE, "DataMining"):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
    rdf.appendChild(_property(document))
    return "".join(node.toxml() for node in document.childNodes).encode()


def joins(xmp: bytes) -> bool:
    """Return whether `prohibit` can add to this packet, so that nothing of it is lost."""
    document = parse(xmp)
    return document is not None and _rdf(document) is not None


def opt_out_of(xmp: bytes | None) -> str | None:
    """Return the value of the property in a packet, without its vocabulary; None if it has none."""
    document = parse(xmp) if xmp else None
    if document is None:
        return None
    return next((value.removeprefix(VOCABULARY) for value in _values(document) if value), None)


def _values(document: Document) -> Iterator[str]:
    """Yield every value of the property, however it is spelt: as an attribute, a text or a resource."""
    for element in document.getElementsByTagNameNS(RDF, "Description"):
        if element.hasAttributeNS(NAMESPACE, "DataMining"):
            yield element.getAttributeNS(NAMESPACE, "DataMining")
    for element in document.getElementsByTagNameNS(NAMESPACE, "DataMining"):
        text = "".join(node.data for node in element.childNodes if node.nodeType == node.TEXT_NODE)
        yield element.getAttributeNS(RDF, "resource") or text.strip()


def _rdf(document: Document) -> Element | None:
    """Return the element that holds all properties, made if the packet lacks it; None if this is no XMP."""
    for element in document.getElementsByTagNameNS(RDF, "RDF"):
        return element
    root = document.documentElement
    if root is None or root.namespaceURI != _META:
        return None
    return root.appendChild(_element(document, f'<rdf:RDF xmlns:rdf="{RDF}"/>'))


def _property(document: Document) -> Element:
    """Return the property, said of what the packet's other properties are said of."""
    others = document.getElementsByTagNameNS(RDF, "Description")
    added = _element(
        document,
        f'<rdf:Description xmlns:rdf="{RDF}" xmlns:plus="{NAMESPACE}" rdf:about="" '
        f'plus:DataMining="{VOCABULARY}{PROHIBITED}"/>',
    )
    if others:
        added.setAttributeNS(RDF, "rdf:about", others[0].getAttributeNS(RDF, "about"))
    return added


def _element(document: Document, text: str) -> Element:
    element = parseString(text).documentElement
    assert element is not None
    return document.importNode(element, True)
