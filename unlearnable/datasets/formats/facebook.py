"""Facebook's export in JSON, in mojibake: posts, `[{"timestamp", "data": [{"post"}], "attachments"}]`, and albums.

The text of a post belongs to all its photos, and each photo may have a `description` of its own. An album is
`{"name", "photos": [{"uri", "description"}]}`; `your_uncategorized_photos.json` has `other_photos_v2` for `photos`.
Posts in groups are in an object, as `group_posts_v2`; a post that is the only one is no list in older exports.

Newer posts are `{"label_values": [{"label", "value"}, {"label", "media": [{"uri"}]}], "media"}`. Labels are in the
language of the account, so that a text is taken only from a label that is known; what else such a post says is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from unlearnable.datasets.export import Export
from unlearnable.datasets.text.json_spans import Node, decode, items, object_in, parts_of, rows_in, spans_of
from unlearnable.datasets.text.mojibake import speller, text_in
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan
from unlearnable.datasets.types import Skipped

_CALLED = (
    r"(your_posts.*|posts_on_other_pages_and_profiles|group_posts_and_comments.*"
    r"|your_uncategorized_photos|your_photos|\d+)\.json"  # albums last
)
_GROUP = "group_posts_v2"
_LABELS = "label_values"
_BELOW = (_LABELS, "media", "dict", "vec")  # lists in a post with labels, inside each other
_TEXT = frozenset(("message", "text", "caption", "nachricht", "mensaje", "messaggio", "mensagem", "bericht"))
_ALBUM = ("photos", "other_photos_v2")
_COVER = "cover_photo"
_MENTION = re.compile(r"@\[\d+:\d*:([^\]]*)\]")  # `@[4000:2048:Ada Cox]`


def _suits(text: str) -> bool:
    if '"uri"' not in text or not ('"creation_timestamp"' in text or f'"{_LABELS}"' in text):
        return False
    whole = decode(text)
    photos = (one for name in _ALBUM for one in rows_in(text, whole, name))
    return any(_is_medium(one.value) for one in photos) or any(
        _has_attachments(post) or any(_labelled_media(text, post, (), [])) for post in _posts(text, whole)
    )


def _posts(text: str, whole: Node) -> list[Node]:
    """Return the posts of a file: those of its list, be that in an object, or the object itself; none of an album."""
    if isinstance(whole.value, list):
        return list(items(text, whole.start))
    is_post = _has_attachments(whole) or bool(rows_in(text, whole, _LABELS))
    return [whole] if is_post else rows_in(text, whole, _GROUP)


def _has_attachments(post: Node) -> bool:
    return isinstance(post.value, dict) and "attachments" in post.value


def _is_medium(value: Any) -> bool:
    return isinstance(value, dict) and {"uri", "creation_timestamp"} <= value.keys()


def _scan(text: str) -> Scan:
    whole = decode(text)
    posts = _posts(text, whole)
    if isinstance(whole.value, dict) and not posts:
        return _scan_album(text, whole)
    grouped = isinstance(whole.value, dict) and _GROUP in whole.value
    parts = {name: row for row, name, _ in parts_of(text, whole.start)} if grouped else {}
    lists = [tuple(parts.values()), spans_of(posts)]
    found: list[CaptionRecord | Skipped] = []
    for number, post in enumerate(posts):
        is_labelled = not _has_attachments(post) and bool(rows_in(text, post, _LABELS))
        found += (_labelled if is_labelled else _attached)(text, f"{_GROUP if grouped else ''}[{number}]", post, lists)
    records, faults = told_apart(found)
    if grouped:  # what else is in the object, such as comments, is cut
        records = tuple(replace(one, rows=(parts[_GROUP], *one.rows)) for one in records)
    return Scan(records, faults, tuple(lists), speller(text), commas=True)


def _attached(text: str, place: str, post: Node, lists: list[tuple[Span, ...]]) -> Iterator[CaptionRecord | Skipped]:
    """Yield the records of a post with attachments, and add the lists of these to `lists`."""
    words = next((found for one in rows_in(text, post, "data") if (found := _words_in(text, one, "post"))), None)
    data = [rows_in(text, attachment, "data") for attachment in rows_in(text, post, "attachments")]
    media = [row for rows in data for row in rows if isinstance(row.value, dict) and _is_medium(row.value.get("media"))]
    links = [row for rows in data for row in rows if row not in media]
    lists += map(spans_of, data)
    for row in media:
        medium = object_in(text, row, "media") or row
        yield from _record(text, place, medium, words, spans_of([post, row, *links]))
    if not media:
        yield Skipped(place, "no-photo", "a post without media")


def _labelled(text: str, place: str, post: Node, lists: list[tuple[Span, ...]]) -> Iterator[CaptionRecord | Skipped]:
    """Yield the records of a post with labels, and add its lists to `lists`, so that what is not understood is cut."""
    media = list(_labelled_media(text, post, (post.span,), lists))
    said = [one for one in rows_in(text, post, _LABELS) if text_in(text, one, "value") and "href" not in one.value]
    labels = [label.value if (label := text_in(text, one, "label")) else "" for one in said]
    known = [one for one, label in zip(said, labels, strict=True) if label.strip().casefold() in _TEXT]
    words = _words_in(text, known[0], "value") if len(known) == 1 else None
    if not media:
        yield Skipped(place, "no-photo", "a post without media")
    elif said and words is None:
        what = f"which of {', '.join(labels)} is the text of the post is not known"
        yield Skipped(place, "unknown-part", f"{what}: its photos are taken without")
    for medium, rows in media:
        yield from _record(text, place, medium, words, (*rows, *(spans_of(known) if words else ())))


def _labelled_media(
    text: str, node: Node, rows: tuple[Span, ...], lists: list[tuple[Span, ...]]
) -> Iterator[tuple[Node, tuple[Span, ...]]]:
    """Yield the media in a post with labels, each with the rows around it, and add the lists of these to `lists`."""
    for name in _BELOW:
        parts = rows_in(text, node, name)
        lists.append(spans_of(parts))
        for part in parts:
            if name == "media" and text_in(text, part, "uri"):
                yield part, (*rows, part.span)
            else:
                yield from _labelled_media(text, part, (*rows, part.span), lists)


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
    photo, own = text_in(text, medium, "uri"), _words_in(text, medium, "description")
    if photo is None:
        return
    if words and own and words.value == own.value:
        yield CaptionRecord(place, photo, (words,), rows, repeats=((0, own),))
    else:
        yield CaptionRecord(place, photo, tuple(caption for caption in (words, own) if caption), rows)


def _words_in(text: str, node: Node, name: str) -> TextSpan | None:
    """Return the words that an object holds under a name, in which people who are mentioned stand by their names."""
    found = text_in(text, node, name)
    return found._replace(value=_MENTION.sub(r"\1", found.value)) if found else None


FACEBOOK = Export("facebook", _CALLED, _suits, _scan)
