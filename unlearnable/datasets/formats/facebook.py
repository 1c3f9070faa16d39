"""Facebook's export in JSON, in mojibake: posts, `[{"timestamp", "data": [{"post"}], "attachments"}]`, and albums.

The text of a post belongs to all its photos, and each photo may have a `description` of its own. An album is
`{"name", "photos": [{"uri", "description"}]}`; `your_uncategorized_photos.json` has `other_photos_v2` for `photos`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unlearnable.datasets.export import Export
from unlearnable.datasets.text.json_spans import Node, decode, items, object_in, parts_of, rows_in, spans_of
from unlearnable.datasets.text.mojibake import speller, text_in
from unlearnable.datasets.text.records import CaptionRecord, Scan
from unlearnable.datasets.text.spans import Span, TextSpan
from unlearnable.datasets.types import Skipped

_CALLED = r"your_posts.*\.json|your_uncategorized_photos\.json|your_photos\.json|\d+\.json"
_ALBUM = ("photos", "other_photos_v2")
_COVER = "cover_photo"


def _suits(text: str) -> bool:
    if '"creation_timestamp"' not in text or '"uri"' not in text:
        return False
    whole = decode(text).value
    if isinstance(whole, dict):
        lists = [whole.get(name) for name in _ALBUM]
        return any(isinstance(photos, list) and any(_is_medium(one) for one in photos) for photos in lists)
    return isinstance(whole, list) and any(isinstance(post, dict) and "attachments" in post for post in whole)


def _is_medium(value: Any) -> bool:
    return isinstance(value, dict) and {"uri", "creation_timestamp"} <= value.keys()


def _scan(text: str) -> Scan:
    whole = decode(text)
    if isinstance(whole.value, dict):
        return _scan_album(text, whole)
    posts = list(items(text, whole.start))
    records: list[CaptionRecord] = []
    faults: list[Skipped] = []
    lists = [spans_of(posts)]
    for number, post in enumerate(posts):
        words = next((found for one in rows_in(text, post, "data") if (found := text_in(text, one, "post"))), None)
        data = [rows_in(text, attachment, "data") for attachment in rows_in(text, post, "attachments")]
        media = [
            row for rows in data for row in rows if isinstance(row.value, dict) and _is_medium(row.value.get("media"))
        ]
        links = [row for rows in data for row in rows if row not in media]
        lists += map(spans_of, data)
        for row in media:
            medium = object_in(text, row, "media") or row
            records += _record(text, f"[{number}]", medium, words, spans_of([post, row, *links]))
        if not media:
            faults.append(Skipped(f"[{number}]", "no-photo", "a post without media"))
    return Scan(tuple(records), tuple(faults), tuple(lists), speller(text), commas=True)


def _scan_album(text: str, album: Node) -> Scan:
    """Take an album apart; its cover is one of its photos once more, and stays where that does."""
    records: list[CaptionRecord] = []
    parts = {name: row for row, name, _ in parts_of(text, album.start)}
    cover_row = parts.pop(_COVER, None)
    lists = [tuple(row for row, _, _ in parts_of(text, album.start))]
    for name in _ALBUM:
        photos = rows_in(text, album, name)
        lists.append(spans_of(photos))
        for number, photo in enumerate(photos):
            records += _record(text, f"{name}[{number}]", photo, None, (*parts.values(), photo.span))
    cover = object_in(text, album, _COVER)
    if cover is not None and cover_row is not None and _is_medium(cover.value):
        records += _record(text, _COVER, cover, None, (cover_row,))
    return Scan(tuple(records), (), tuple(lists), speller(text), commas=True)


def _record(
    text: str, place: str, medium: Node, words: TextSpan | None, rows: tuple[Span, ...]
) -> Iterator[CaptionRecord]:
    """Yield the record of a photo under the words of its post and its description, which often repeats them."""
    photo, own = text_in(text, medium, "uri"), text_in(text, medium, "description")
    if photo is None:
        return
    if words and own and words.value == own.value:
        yield CaptionRecord(place, photo, (words,), rows, repeats=((0, own),))
    else:
        yield CaptionRecord(place, photo, tuple(caption for caption in (words, own) if caption), rows)


FACEBOOK = Export("facebook", _CALLED, _suits, _scan)
