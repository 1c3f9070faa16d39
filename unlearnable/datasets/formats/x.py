"""X's archive: `window.YTD.tweets.part0 = [{"tweet": {"id_str", "full_text", "extended_entities"}}]` in `tweets.js`.

The caption is `full_text` without the link to the post's own media; a photo's file is `<id_str>-<name in its address>`.
Of a long post `tweets.js` has only the beginning, up to `…`; the whole stands in `note-tweet.js` beside it, as
`[{"noteTweet": {"core": {"text"}}}]`, under an id of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from unlearnable.datasets.export import Export
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.json_spans import (
    Node,
    decode,
    items,
    json_in,
    object_in,
    rows_in,
    spans_of,
    speller,
    text_in,
)
from unlearnable.datasets.text.records import CaptionRecord, Scan, told_apart
from unlearnable.datasets.text.spans import Span, TextSpan, is_blank
from unlearnable.datasets.types import Skipped
from unlearnable.errors import InputError

_PREFIX = re.compile(r"\s*window\.YTD\.\w+\.part\d+\s*=\s*")
_LINK = re.compile(r"https://t\.co/\w+")
_NAMES = re.compile(r"(@\w+\s+)*")  # whom a reply is to, which its note may lack
_LEAST = 100  # letters of a beginning that nobody repeats; X cuts after 280, or 140 wide ones


def _suits(text: str) -> bool:
    prefix = _PREFIX.match(text)
    return prefix is not None and '"full_text"' in text and isinstance(decode(text, prefix.end()).value, list)


def _scan(text: str) -> Scan:
    prefix = _PREFIX.match(text)
    whole = decode(text, prefix.end() if prefix else 0)
    if not isinstance(whole.value, list):
        raise ValueError("not a list of posts")
    posts = list(items(text, whole.start))
    found: list[CaptionRecord | Skipped] = []
    lists = [spans_of(posts)]
    for number, post in enumerate(posts):
        tweet = object_in(text, post, "tweet") or post
        media = [one for name in ("extended_entities", "entities") if (one := _media(text, tweet, name))][:1]
        why = _unusable(tweet.value, media)
        if why:
            found.append(Skipped(f"[{number}]", *why))
            continue
        lists.append(spans_of(media[0]))
        found += _records(text, f"[{number}]", tweet, media[0], post.span)
    return Scan(*told_apart(found), tuple(lists), speller(text), commas=True)


def _unusable(tweet: Any, media: list[list[Node]]) -> tuple[str, str] | None:
    """Return why a post has no photos of the user's, as reason and detail; None where it has."""
    if isinstance(tweet, dict) and str(tweet.get("full_text")).startswith("RT @"):
        return "boost", "a post of somebody else"
    if not media:
        return "no-photo", "a post without media"
    if all(one.value.get("type", "photo") != "photo" for one in media[0]):
        return "not-a-photo", "a video"
    return None


def _records(text: str, place: str, tweet: Node, media: list[Node], row: Span) -> Iterator[CaptionRecord]:
    own = str(tweet.value.get("id_str") or "")
    words = _words(text, tweet, [str(one.value.get("url")) for one in media])
    for number, one in enumerate(media):
        address = text_in(text, one, "media_url_https") or text_in(text, one, "media_url")
        if address is not None and one.value.get("type", "photo") == "photo":
            where = f"{place}.media[{number}]" if len(media) > 1 else place
            rows = (row, one.span)
            yield CaptionRecord(where, _file(text, address, f"{own}-" if own else ""), words, rows)


def _words(text: str, tweet: Node, links: list[str]) -> tuple[TextSpan, ...]:
    """Return the place of a post's words, which end before the link to its media; nothing if there are none."""
    found = text_in(text, tweet, "full_text")
    if found is None:
        return ()
    link = next((link for link in links if found.value.endswith(link)), "")
    words = found.value.removesuffix(link)
    words = words[:-1] if link and words[-1:].isspace() else words
    rest, spell_json = found.value[len(words) :], speller(text)

    def spell(raw: str, value: str, new: str) -> str:
        return spell_json(raw, json.loads(raw), _escaped(new) + rest)

    return (TextSpan(found.start, found.end, _unescaped(words), spell),) if not is_blank(words) else ()


def _file(text: str, address: TextSpan, before: str) -> TextSpan:
    """Return the place of a photo's address, as the name of its file in the archive."""
    folder, name = address.value.rpartition("/")[::2]
    spell_json = speller(text)

    def spell(raw: str, value: str, new: str) -> str:
        return spell_json(raw, address.value, f"{folder}/{PurePosixPath(new).name.removeprefix(before)}")

    return TextSpan(address.start, address.end, before + name, spell)


def _media(text: str, tweet: Node, name: str) -> list[Node]:
    entities = object_in(text, tweet, name)
    return [one for one in rows_in(text, entities, "media") if isinstance(one.value, dict)] if entities else []


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(words: str) -> str:
    return words.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")


def _completed(scan: Scan, path: Path) -> Scan:
    """Return the scan of `tweets.js` with long posts in full: those whose beginning is that of one note alone."""
    plain = {words.value: _plain(words.value) for one in scan.records for words in one.captions}
    begun = {words: said[:-1].rstrip() for words, said in plain.items() if said.endswith("…") and len(said) > _LEAST}
    notes = {note: _plain(note) for note in _notes(path.parent)} if begun else {}
    fitting = {words: _fitting(begun[words], notes) for words in begun}

    def whole(words: TextSpan) -> TextSpan:
        found = fitting.get(words.value, [])
        return words._replace(value=found[0], is_cut=True) if len(found) == 1 else words

    return replace(scan, records=tuple(replace(one, captions=tuple(map(whole, one.captions))) for one in scan.records))


def _fitting(begun: str, notes: dict[str, str]) -> list[str]:
    """Return which notes a beginning may be of, each with the names before a reply where only the beginning has them.

    Args:
        begun: beginning of a post, without links.
        notes: long posts, and the same without links.
    """
    found = [note for note, said in notes.items() if said.startswith(begun)]
    names = match.group() if (match := _NAMES.match(begun)) else ""
    rest = begun[len(names) :]
    if found or len(rest) < _LEAST:
        return found
    return [names + note for note, said in notes.items() if said.startswith(rest)]


def _plain(words: str) -> str:
    """Return words without links, which are not the same ones in a note."""
    return _LINK.sub("", words).strip()


def _notes(folder: Path) -> Iterator[str]:
    """Yield the texts of long posts in a folder.

    Raises:
        InputError: a file of them cannot be read.
    """
    for path in sorted(folder.glob("note-tweet*.js")):
        text = read_document(path).text
        try:
            whole = json_in(text)
        except ValueError as error:
            raise InputError(f"{path} is damaged or cut short: {error}", hint="unpack the archive again") from error
        for row in items(text, whole.start) if isinstance(whole.value, list) else ():
            note = object_in(text, row, "noteTweet")
            core = object_in(text, note, "core") if note else None
            found = text_in(text, core, "text") if core else None
            if found:
                yield _unescaped(found.value).strip()


X = Export("x", r"(tweets?|community-tweet)(-part\d+)?\.js", _suits, _scan, _completed)
