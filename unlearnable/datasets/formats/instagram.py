"""Instagram's export in JSON: `[{"media": [{"uri", "creation_timestamp", "title"}], "title"}]`, in mojibake.

Posts, reels, stories, archived posts and those of Threads, whichever folder they lie in; a list, an object that
wraps one, or a post that is the only one. The caption of several photos in one post stands in the post's own `title`,
that of a single one beside its `uri`, which is empty in Threads where there is no photo.
Older exports have one `media.json`: `{"photos": [{"path", "caption", "taken_at"}], "stories", "direct", ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from unlearnable.datasets.export import Export
from unlearnable.datasets.text.json_spans import Node, decode, items, members, parts_of, rows_in, spans_of
from unlearnable.datasets.text.mojibake import speller, text_in
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan
from unlearnable.datasets.types import Skipped

_CALLED = r"(posts|reels|stories|archived_posts|profile_photos|other_content|threads_and_replies|media)(_\d+)?\.json"
_POSTED = ("photos", "profile", "stories", "videos")  # lists of older exports
_SENT = "direct"  # the list of messages there
_NEWER = ("ig_", "text_post_app_text_posts")  # what names of lists of newer exports begin with, the last of Threads


def _suits(text: str) -> bool:
    if '"creation_timestamp"' not in text and '"taken_at"' not in text:
        return False
    whole = decode(text)
    return _is_older(whole.value) or any(_is_post(post.value) for _, posts in _lists(text, whole) for post in posts)


def _is_post(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    media = entry.get("media", [entry])
    return isinstance(media, list) and any(
        isinstance(one, dict) and one.get("uri") and "creation_timestamp" in one for one in media
    )


def _lists(text: str, whole: Node) -> Iterator[tuple[str, list[Node]]]:
    """Yield the lists of posts, with their place: the whole file, or those in an object that wraps them."""
    if isinstance(whole.value, list):
        yield "", list(items(text, whole.start))
    elif _is_post(whole.value):
        yield "", [whole]
    elif isinstance(whole.value, dict):
        for name, node in members(text, whole.start):
            if isinstance(node.value, list) and name.startswith(_NEWER):
                yield name, list(items(text, node.start))


def _is_older(whole: Any) -> bool:
    """Return whether a value is that of a `media.json`."""
    lists = [whole.get(name) for name in _POSTED] if isinstance(whole, dict) else []
    media = (one for entries in lists if isinstance(entries, list) for one in entries)
    return any(isinstance(one, dict) and {"path", "taken_at"} <= one.keys() for one in media)


def _scan(text: str) -> Scan:
    whole = decode(text)
    scan = _scan_older(text, whole) if _is_older(whole.value) else _scan_posts(text, whole)
    wraps = isinstance(whole.value, dict) and not _is_post(whole.value)
    return _with_parts(text, whole, scan) if wraps else scan


def _with_parts(text: str, whole: Node, scan: Scan) -> Scan:
    """Return the scan of an object with its parts as rows, so that one without a post that is kept is cut."""
    parts = list(parts_of(text, whole.start))
    records = tuple(
        replace(one, rows=(*(row for row, _, _ in parts if row.start < one.photo.start < row.end), *one.rows))
        for one in scan.records
    )
    unknown = tuple(
        Skipped(name, "unknown-part", "not understood, and left out of the written file")
        for _, name, node in parts
        if node.value and not (isinstance(node.value, list) and _is_known(name))
    )
    rows = tuple(row for row, _, _ in parts)
    return replace(scan, records=records, faults=(*scan.faults, *unknown), lists=(rows, *scan.lists))


def _is_known(name: str) -> bool:
    """Return whether a list is called as one of posts, or of messages, is."""
    return name in (*_POSTED, _SENT) or name.startswith(_NEWER)


def _scan_posts(text: str, whole: Node) -> Scan:
    found: list[CaptionRecord | Skipped] = []
    lists: list[tuple[Span, ...]] = []
    for name, posts in _lists(text, whole):
        lists.append(spans_of(posts))
        for number, post in enumerate(posts):
            place, row = f"{name}[{number}]", post.span
            if not _is_post(post.value):
                found.append(Skipped(place, "no-photo", "no media with a uri"))
                continue
            if "media" not in post.value:
                found += _records(text, place, [post], None, (row,))
                continue
            media = rows_in(text, post, "media")
            lists.append(spans_of(media))
            found += _records(text, place, media, text_in(text, post, "title"), (row,))
    return Scan(*told_apart(found), tuple(lists), speller(text), commas=True)


def _records(
    text: str, place: str, media: list[Node], title: TextSpan | None, rows: tuple[Span, ...]
) -> Iterator[CaptionRecord]:
    """Yield a record for each photo of a post, under the post's `title` and one of its own."""
    for number, one in enumerate(media):
        photo, own = text_in(text, one, "uri"), text_in(text, one, "title")
        if photo is not None:
            captions = tuple(caption for caption in (title, own) if caption)
            where = f"{place}.media[{number}]" if len(media) > 1 else place
            yield CaptionRecord(where, photo, captions, (*rows, one.span))


def _scan_older(text: str, whole: Node) -> Scan:
    """Take a `media.json` apart; the photos of messages are in a list of their own."""
    found: list[CaptionRecord | Skipped] = []
    lists: list[tuple[Span, ...]] = []
    for name in (name for name in whole.value if name in (*_POSTED, _SENT)):
        media = rows_in(text, whole, name)
        lists.append(spans_of(media))
        for number, one in enumerate(media):
            place, photo, caption = f"{name}[{number}]", text_in(text, one, "path"), text_in(text, one, "caption")
            if name == _SENT:
                found.append(Skipped(place, "message", "of a message to somebody"))
            elif photo is None:
                found.append(Skipped(place, "no-photo", "no path"))
            else:
                found.append(CaptionRecord(place, photo, (caption,) if caption else (), (one.span,)))
    return Scan(*told_apart(found), tuple(lists), speller(text), commas=True)


INSTAGRAM = Export("instagram", _CALLED, _suits, _scan)
