"""The texts of a post in a tar: the caption in its `.txt` or `.caption`, and the fields of its `.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from unlearnable.datasets.text.fields import POSTS
from unlearnable.datasets.text.further import NULL, further_changes, json_fields, with_further
from unlearnable.datasets.text.json_spans import caption_strings, decode, members, speller
from unlearnable.datasets.text.records import CaptionRecord, Scan
from unlearnable.datasets.text.spans import TextSpan, is_blank, splice, stripped

_PLAIN = (".txt", ".text", ".transcript", ".caption")
_FIELDS = (".json", ".jsn")
TEXTS = _PLAIN + _FIELDS  # what webdataset decodes as texts, and captions as trainers of diffusion models name them
_NOWHERE = TextSpan(0, 0, "")


@dataclass(frozen=True)
class PackedText:
    """A text of a post, taken apart.

    Attributes:
        text: the text.
        own: captions that it holds.
        scan: how new values are spelt in it.
        is_json: whether it has fields.
    """

    text: str
    own: tuple[TextSpan, ...]
    scan: Scan
    is_json: bool

    def record(self, captions: Sequence[str]) -> CaptionRecord:
        """Return the captions of the post as they stand here, and the fields that may not be published as they are."""
        places: dict[str, TextSpan] = {}
        repeats: list[tuple[int, TextSpan]] = []
        for span in self.own:
            if span.value in places:
                repeats.append((captions.index(span.value), span))
            places.setdefault(span.value, span)
        spans = tuple(places.get(caption, _NOWHERE._replace(value=caption)) for caption in captions)
        record = CaptionRecord("", _NOWHERE, spans, (), repeats=tuple(repeats))
        if not self.is_json:
            return record
        taken = {span.place for span in self.own}
        whole = decode(self.text, self.text.startswith("\ufeff"))
        found = with_further(record, json_fields(self.text, whole, self.own))
        return replace(found, further=tuple(one for one in found.further if one.span.place not in taken))

    def edited(self, old: Sequence[str], new: Sequence[str], keep: frozenset[str]) -> bytes:
        """Return the bytes with the new captions in place of the old ones."""
        record = self.record(old)
        places = [(n, span) for n, span in enumerate(record.captions) if span.end] + list(record.repeats)
        changes = [
            span._replace(value=self.scan.spell(self.text[span.start : span.end], span.value, new[n]))
            for n, span in places
            if new[n] != span.value
        ]
        changes += further_changes(self.text, self.scan, record, new, keep)
        return splice(self.text, changes).encode("utf-8")


def take_apart(name: str, data: bytes) -> PackedText:
    """Take a text of a post apart.

    Raises:
        ValueError: it is not UTF-8, or no JSON object where it should be one.
    """
    text = data.decode("utf-8")  # a byte order mark stays, as a letter
    start = int(text.startswith("\ufeff"))
    if not name.lower().endswith(_FIELDS):
        span = stripped(text, start, len(text))
        return PackedText(text, () if is_blank(span.value) else (span,), Scan((), (), (), _as_it_is), is_json=False)
    whole = decode(text, start)
    if not isinstance(whole.value, dict):
        raise ValueError("not a JSON object")
    named = dict(members(text, whole.start))
    fields = {field: caption_strings(text, node) for field, node in named.items() if field in POSTS.caption}
    filled = ([span for span in fields.get(one, ()) if not is_blank(span.value)] for one in POSTS.caption)
    own = tuple(span._replace(value=span.value.strip()) for span in next(filter(None, filled), ()))
    return PackedText(text, own, Scan((), (), (), speller(text), null=NULL), is_json=True)


def captions_in(texts: Sequence[PackedText]) -> list[str]:
    """Return the captions of a post, each once."""
    return list(dict.fromkeys(span.value for text in texts for span in text.own))


def _as_it_is(raw: str, value: str, new: str) -> str:
    return new
