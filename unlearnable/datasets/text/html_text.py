"""The words of a piece of HTML, each letter with its place, so that new words go in and all tags stay as they were."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from unlearnable.datasets.text import json_spans
from unlearnable.datasets.text.spans import Span, Spell, TextSpan, splice

_TAG = r"""</?[A-Za-z](?:"[^"]*"|'[^']*'|[^<>"'])*>"""
_BLOCK = r"</?(?:p|ul|ol|li|blockquote)\b[^<>]*>"
_BLOCKS = re.compile(rf"{_BLOCK}(?:\s*{_BLOCK})*", re.IGNORECASE)
_LIST = re.compile(r"(?:\s|</?[uo]l\b[^<>]*>|</?li\b[^<>]*>)+", re.IGNORECASE)
_REST = re.compile(rf"(?:\s|<!--.*?-->|{_TAG})*\Z", re.DOTALL)
_TOKEN = re.compile(rf"(?P<break><br\b[^<>]*>)|(?P<tag><!--.*?-->|{_TAG})|&(?:#\w+|\w+);|.", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class HtmlText:
    """What a piece of HTML says.

    Attributes:
        text: its text: `<br>` and a new item of a list are a line break, a new `<p>` two, and entities are letters.
        letters: place of each letter of the text; a tag that stands for two of them is the place of the first.
        gaps: where words go that come before each letter, and after the last: outside of links, inside of a paragraph
            or an item.
    """

    text: str
    letters: tuple[Span, ...]
    gaps: tuple[int, ...]


def read(source: str) -> HtmlText:
    """Return the text of a piece of HTML, in which line breaks of the source count as such."""
    text: list[str] = []
    letters: list[Span] = []
    gaps: list[int | None] = [None]
    depth, inside = 0, not _BLOCKS.search(source)
    at = 0
    while at < len(source):
        if gaps[-1] is None and inside and depth == 0:
            gaps[-1] = at
        token, meaning, tags = _piece(source, at, begun=bool(text))
        for tag in tags:
            depth, inside = _nesting(tag, depth, inside)
        ends = [Span(at, at + len(token)), Span(at + len(token), at + len(token))]
        for letter, place in zip(meaning, ends, strict=False):
            text.append(letter)
            letters.append(place)
            gaps[-1] = place.start if gaps[-1] is None else gaps[-1]
            gaps.append(None)
        at += len(token)
    gaps[-1] = (letters[-1].end if letters else at) if gaps[-1] is None else gaps[-1]
    return HtmlText("".join(text), tuple(letters), tuple(gap for gap in gaps if gap is not None))


def _piece(source: str, at: int, *, begun: bool) -> tuple[str, str, list[str]]:
    """Return what stands at a place of HTML, the letters that it means, and its tags; `begun`: letters stand before."""
    if blocks := _BLOCKS.match(source, at):
        parts = begun and not _REST.match(source, blocks.end())
        lines = "\n" if _LIST.fullmatch(blocks[0]) else "\n\n"
        return blocks[0], lines if parts else "", re.findall(_BLOCK, blocks[0], re.IGNORECASE)
    match = _TOKEN.match(source, at)
    token = match[0] if match else source[at]
    if match and match["tag"]:
        return token, "", [token]
    meaning = "\n" if match and match["break"] else html.unescape(token)
    if len(meaning) != 1:  # no entity that there is, or one of two letters
        token = meaning = source[at]
    return token, meaning, []


def replaced(source: str, new: str) -> str:
    """Return the HTML in which only the letters that differ are others, and whose text is `new`.

    Tags are lost only where `new` could not be read between them, as in paragraphs that would become empty.
    """
    page = read(source)
    first = _alike(page.text, new)
    last = _alike(page.text[first:][::-1], new[first:][::-1])
    changed = _with(source, page, first, len(page.text) - last, new[first : len(new) - last])
    for result in (changed, _with(source, page, 0, len(page.text), new)):
        if read(result).text == new:
            return result
    return _escaped(new)


def speller(text: str) -> Spell:
    """Return the `spell` of HTML in the strings of a JSON text."""
    spell_json = json_spans.speller(text)

    def spell(raw: str, value: str, new: str) -> str:
        stored = json.loads(raw)
        return spell_json(raw, stored, replaced(stored, new))

    return spell


def _with(source: str, page: HtmlText, first: int, stop: int, words: str) -> str:
    """Put words in the place of the letters `[first, stop)`; the tags between these stay."""
    gone = [TextSpan(*place, "") for place in page.letters[first:stop]]
    at = gone[0].start if gone else page.gaps[first]
    return splice(source, [TextSpan(at, at, _escaped(words)), *gone])


def _escaped(words: str) -> str:
    return html.escape(words).replace("&#x27;", "&#39;").replace("\n", "<br />")


def _alike(one: str, other: str) -> int:
    """Return how many letters two texts begin with alike."""
    differing = (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))


def _nesting(tag: str, depth: int, inside: bool) -> tuple[int, bool]:
    """Return how many tags within paragraphs are open behind a tag, and whether a paragraph or an item is."""
    name = re.sub(r"^</?(\w+).*", r"\1", tag, flags=re.DOTALL).lower()
    if tag.startswith("<!--") or tag.endswith("/>") or name in ("ul", "ol", "blockquote"):
        return depth, inside
    if name in ("p", "li"):
        return depth, not tag.startswith("</")
    return max(depth + (-1 if tag.startswith("</") else 1), 0), inside
