"""Fields of a row beside its photo and caption that must not be published as they are: descriptions, people, places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

from unlearnable.datasets.text.fields import SPLIT
from unlearnable.datasets.text.json_spans import Node, items, json_in, members
from unlearnable.datasets.text.records import CaptionRecord, FurtherField, Scan
from unlearnable.datasets.text.spans import TextSpan, is_blank
from unlearnable.datasets.tree import is_photo
from unlearnable.wording.counts import named

DESCRIPTIONS = frozenset(
    {
        *("alt", "alt_text", "alt-text", "alttext", "caption", "captions", "comment", "comments", "description"),
        *("headline", "prompt", "sentences", "summary", "text", "title", "alt text"),
        *("imagedescription", "caption-abstract", "beschreibung", "bildunterschrift"),
    }
)
PLACES = frozenset(
    {
        *("address", "city", "coordinates", "coords", "geo", "geolocation", "geotag", "gps", "lat", "latitude"),
        *("lng", "location", "locations", "lon", "longitude", "place", "place_name"),
        *("coordinate", "country", "country-primarylocationname", "geodata", "geodataexif", "province-state"),
        *("sub-location", "upload_ip", "ip_address"),
        *("aufnahmeort", "breitengrad", "koordinaten", "längengrad", "ort", "stadt", "standort"),
    }
)
PEOPLE = frozenset(
    {
        *("people", "person", "persondisplayname", "personinimage", "persons", "person_name", "regionname"),
        *("regionpersondisplayname", "tagged", "tagged_people", "personen"),
    }
)
Field = tuple[str, Node]
NULL = "null"  # what is left of a place in JSON
LANGUAGE = 3  # letters of the code of one
_KINDS = frozenset(  # of descriptions, in names of fields
    {
        "clean",
        "full",
        "long",
        "original",
        "raw",
        "short",
        "detailed",
        "generated",
        "image",
        "photo",
        "picture",
        "post",
        "user",
    }
    | {"english", "french", "german", "italian", "spanish", "deutsch", "espanol", "español", "francais", "français"}
)
_OF_NONE = frozenset(  # in names of fields of a single word, which is no description
    {"ai", "by", "dir", "fmt", "has", "id", "is", "key", "len", "max", "min", "num", "pos", "ref", "set", "src", "tag"}
    | {"url"}
)
_EXIF = "exif"  # all of it as a text, as img2dataset has it
_NAMED = 5  # fields in a remark; the others are counted
_FEWEST_WORDS = 3  # of a sentence
_FILE = re.compile(r"\.\w|://")
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"  # letters, as of "京都の紅葉"
_UNSPACED = re.compile(rf"[{UNSPACED}]{{4}}")
_PARTS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])")  # words of a name: two of altText, one of caption_2


def is_personal(name: str) -> bool:
    """Return whether a field says where something was, or who is there, also behind a group: `EXIF:GPSx`."""
    plain = name.rpartition(":")[2].casefold()
    return plain in PLACES or plain in PEOPLE or plain.startswith("gps")


def personal_in(text: str) -> Iterator[FurtherField]:
    """Yield the places and people, wherever they are in the JSON that a text holds, but for empty ones and zeros."""
    waiting = [json_in(text)]
    while waiting:
        for name, node in json_fields(text, waiting.pop()):
            if not is_personal(name):
                waiting.append(node)  # perhaps an object under the name of a description
            elif not _is_nothing(node.value):
                yield FurtherField(name, TextSpan(node.start, node.end, ""), None)


def _is_nothing(value: Any) -> bool:
    return all(map(_is_nothing, value.values())) if isinstance(value, dict) else value in (None, "", [], 0)


def json_fields(text: str, row: Node, captions: Sequence[TextSpan] = ()) -> Iterator[Field]:
    """Yield the strings below a JSON value with the names they stand under, and what is known as places or people.

    An object under the name of a description is yielded as a whole, unless captions were read from it.
    """
    waiting = [one for one in _items(text, row) if isinstance(one.value, dict)]
    while waiting:
        for name, node in members(text, waiting.pop().start):
            known = name.casefold() in DESCRIPTIONS
            if is_personal(name):
                yield name, node
                continue
            for value in _items(text, node):
                if not isinstance(value.value, dict | str):
                    continue
                is_read = any(value.start <= caption.start < value.end for caption in captions)
                if isinstance(value.value, str) or (known and not is_read):
                    yield name, value
                else:
                    waiting.append(value)


def _items(text: str, node: Node) -> Iterable[Node]:
    """Return the values of an array in which there are strings or objects, or the value itself."""
    if not isinstance(node.value, list):
        return [node]
    return items(text, node.start) if any(isinstance(value, str | dict) for value in node.value) else []


def with_further(record: CaptionRecord, fields: Iterable[Field]) -> CaptionRecord:
    """Return the record with those fields of its row that may not be published as they are, and others of words."""
    taken = (record.photo, *record.captions)

    def is_taken(node: Node) -> bool:  # or holds what is
        return any(node.start <= span.start < node.end for span in taken)

    found = [
        (name, node.value, _further(name, node, record.captions))
        for name, node in fields
        if name != SPLIT and not is_taken(node)
    ]
    further = tuple(field for _, _, field in found if field is not None)
    sentences = dict.fromkeys(name for name, value, field in found if field is None and is_sentence(name, value))
    return replace(record, further=further, sentences=tuple(sentences))


def further_of(name: str, value: object, captions: Sequence[str]) -> FurtherField | None:
    """Return the field that a value under a name is, beside captions, if it may not be published as it is."""
    return _further(name, Node(0, 0, value), [TextSpan(0, 0, caption) for caption in captions])


def _further(name: str, node: Node, captions: Sequence[TextSpan]) -> FurtherField | None:
    """Return a field that repeats a caption, describes the photo, or says where it was or who is in it; else None."""
    value = node.value.strip() if isinstance(node.value, str) else node.value
    if value in (None, "", [], {}) or (isinstance(value, str) and is_blank(value)):
        return None
    same = next((number for number, caption in enumerate(captions) if caption.value.strip() == value), None)
    known = _describes(name, value) or is_personal(name) or (name.casefold() == _EXIF and "GPS" in str(value))
    holds = isinstance(value, str) and any(_is_in(caption.value.strip(), value) for caption in captions)
    if same is None and not known and not holds:
        return None
    return FurtherField(name, TextSpan(node.start, node.end, value if isinstance(value, str) else ""), same)


def _describes(name: str, value: object) -> bool:
    """Return whether a field describes the photo by its name; of one such as `caption_2`, words do, or a single one."""
    plain = name.rpartition(":")[2]  # without a group, as in EXIF:ImageDescription
    parts = {part.casefold() for part in _PARTS.findall(plain)}
    others = parts - DESCRIPTIONS - _KINDS
    if plain.casefold() in DESCRIPTIONS:
        return True
    if not isinstance(value, str) or parts.isdisjoint(DESCRIPTIONS) or any(len(part) > LANGUAGE for part in others):
        return False
    return _has_words(value) or (others.isdisjoint(_OF_NONE) and _is_word(value))


def _is_word(text: str) -> bool:
    """Return whether a text without blanks is a word rather than a number, a file or an address."""
    return any(map(str.isalpha, text)) and not _FILE.search(text)


def _is_in(caption: str, value: str) -> bool:
    """Return whether a value holds a caption; a single word may stand there by chance."""
    return _has_words(caption) and caption in value


def _has_words(text: str) -> bool:
    """Return whether a text has several words, or letters in a row of a script that sets no blanks between them."""
    return " " in text or bool(_UNSPACED.search(text))


def is_sentence(name: str, value: object) -> bool:
    """Return whether a value under a name may be one, by its number of words."""
    if not isinstance(value, str) or is_photo(value) or name.casefold() == _EXIF:
        return False
    words = [word for word in value.split() if any(map(str.isalpha, word))]
    return len(words) >= _FEWEST_WORDS or bool(_UNSPACED.search(value))


def said_of_sentences(where: str, names: Set[str]) -> list[str]:
    """Return a remark on fields, by their names, that hold some and are published as they are; none without any."""
    if not names:
        return []
    return [
        f"{where} has whole sentences in {named(sorted(names), _NAMED)}, which are published as they are: "
        "take them out if they describe photos"
    ]


def further_changes(
    text: str, scan: Scan, record: CaptionRecord, new: Sequence[str], keep: Set[str]
) -> Iterator[TextSpan]:
    """Yield the changes to the further fields of a record.

    Args:
        text: text of the caption file.
        scan: the file, taken apart.
        record: one record of it.
        new: new text of each caption of the record.
        keep: names of fields that stay as they are, case-folded.
    """
    for name, span, caption in record.further:
        if name.casefold() in keep:
            continue
        if caption is None:
            yield span._replace(value=scan.null)
        elif new[caption] != record.captions[caption].value:
            yield span._replace(value=scan.spell(text[span.start : span.end], span.value, new[caption]))
