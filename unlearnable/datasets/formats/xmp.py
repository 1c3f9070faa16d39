"""XMP beside photos, as Lightroom, darktable and digiKam write it: the description in `a.xmp` or `a.jpg.xmp`.

It is not published: it also holds places, people, keywords and how the photo was edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from xml.dom.minidom import Document, Element, Node

from unlearnable.datasets.beside import Beside, StoredCaption, first_beside
from unlearnable.datasets.text.spans import is_blank, spell_line
from unlearnable.datasets.tree import is_photo, telling_words
from unlearnable.xmp import RDF, parse

_DC = "http://purl.org/dc/elements/1.1/"
_HAS_WORDS = re.compile(r"description|title")  # most have none, and need not be taken apart


def _match(root: Path, photos: Sequence[str]) -> dict[str, str]:
    return first_beside(root, photos, _names)


def _names(photo: str) -> Iterator[str]:
    for stem in (photo, str(PurePosixPath(photo).with_suffix(""))):
        yield from (f"{stem}.xmp", f"{stem}.XMP")


def _captions(text: str) -> list[StoredCaption]:
    """Return the description, in each of its languages, and the title; a name of a file is none."""
    if not _HAS_WORDS.search(text):
        return []
    document = parse(text.encode())
    if document is None:
        raise ValueError("it is no XMP, or damaged")
    descriptions = (one for one in _values(document, "description") if not is_photo(one))
    titles = (one for one in _values(document, "title") if telling_words(one) and not is_photo(one))
    return [StoredCaption(words, (), spell_line) for words in dict.fromkeys((*descriptions, *titles))]


def _values(document: Document, name: str) -> Iterator[str]:
    """Yield the values that a property of the photo itself has, not of what it is made of."""
    for element in document.getElementsByTagNameNS(_DC, name):
        around = element.parentNode and element.parentNode.parentNode
        if isinstance(around, Element) and around.localName == "RDF":
            for one in element.getElementsByTagNameNS(RDF, "li") or [element]:
                words = "".join(node.data for node in one.childNodes if node.nodeType == Node.TEXT_NODE).strip()
                if not is_blank(words):
                    yield words


XMP = Beside("xmp", _match, _captions, None)
