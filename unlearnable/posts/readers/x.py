"""X's archive: `window.YTD.tweets.part0 = [{"tweet": {"id_str", "full_text", "extended_entities"}}]` in `tweets.js`.

The caption is `full_text` without the link to the post's own media; a photo's file is `<id_str>-<name in its address>`.
Of a long post `tweets.js` has only the beginning, up to `…`; the whole stands in `note-tweet.js` beside it, as
`[{"noteTweet": {"core": {"text"}}}]`, under an id of its own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from unlearnable.errors import InputError
from unlearnable.posts.caption_file import Entry, Text
from unlearnable.posts.exports import Export, object_in, objects, text_in
from unlearnable.posts.rows import loads
from unlearnable.posts.text import is_blank, read_document
from unlearnable.posts.types import Skipped

_LINK = re.compile(r"https://t\.co/\w+")
_LEAST = 100  # letters of a beginning that nobody repeats; X cuts after 280, or 140 wide ones


def _suits(whole: Any) -> bool:
    return isinstance(whole, list) and any("full_text" in (object_in(post, "tweet") or post) for post in whole)


def _records(whole: Any, path: Path) -> Iterator[Entry | Skipped]:
    notes: list[str] | None = None
    for number, post in enumerate(whole):
        tweet = object_in(post, "tweet") or (post if isinstance(post, dict) else {})
        found = (objects(object_in(tweet, name), "media") for name in ("extended_entities", "entities"))
        media = next(filter(None, found), [])
        if why := _unusable(tweet, media):
            yield Skipped(f"[{number}]", *why)
            continue
        words = _words(tweet, [str(one.get("url")) for one in media])
        begun = _without_links(words)
        if begun.endswith("…") and len(begun) > _LEAST:
            notes = list(_notes(path.parent)) if notes is None else notes
            fitting = [note for note in notes if _without_links(note).startswith(begun[:-1].rstrip())]
            words = fitting[0] if len(fitting) == 1 else words
        yield from _media(f"[{number}]", tweet, media, Text(words) if words else None)


def _unusable(tweet: dict[str, Any], media: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Return why a post has no photos of the user's, as reason and detail; None where it has."""
    if str(tweet.get("full_text")).startswith("RT @"):
        return "boost", "a post of somebody else"
    if not media:
        return "no-photo", "a post without media"
    if all(one.get("type", "photo") != "photo" for one in media):
        return "not-a-photo", "a video"
    return None


def _media(place: str, tweet: dict[str, Any], media: list[dict[str, Any]], words: Text | None) -> Iterator[Entry]:
    own, date = str(tweet.get("id_str") or ""), ""
    with suppress(ValueError):
        date = datetime.strptime(str(tweet.get("created_at")), "%a %b %d %H:%M:%S %z %Y").date().isoformat()
    for number, one in enumerate(media):
        address = text_in(one, "media_url_https") or text_in(one, "media_url")
        if address is not None and one.get("type", "photo") == "photo":
            where = f"{place}.media[{number}]" if len(media) > 1 else place
            file = f"{own}-" * bool(own) + address.value.rpartition("/")[2]
            yield Entry(where, Text(file), (words,) if words else (), date=date)


def _words(tweet: dict[str, Any], links: list[str]) -> str:
    """Return a post's words, which end before the link to its media; empty if there are none."""
    found = text_in(tweet, "full_text")
    text = found.value if found else ""
    if link := next((link for link in links if text.endswith(link)), ""):
        text = text.removesuffix(link)
        text = text[:-1] if text[-1:].isspace() else text
    return "" if is_blank(text) else html.unescape(text)


def _without_links(words: str) -> str:
    """Return words without links, which are not the same ones in a note."""
    return _LINK.sub("", words).strip()


def _notes(folder: Path) -> Iterator[str]:
    """Yield the texts of long posts in a folder.

    Raises:
        InputError: a file of them cannot be read.
    """
    for path in sorted(folder.glob("note-tweet*.js")):
        try:
            rows = loads(read_document(path).text)
        except ValueError as error:
            raise InputError(f"{path} is damaged or cut short: {error}", hint="unpack the archive again") from error
        for row in rows if isinstance(rows, list) else ():
            if found := text_in(object_in(object_in(row, "noteTweet"), "core"), "text"):
                yield html.unescape(found.value).strip()


X = Export("x", r"(tweets?|community-tweet)(-part\d+)?\.js", ("window.YTD.",), _suits, _records)
