"""A caption format: `photo => caption`, a line each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from unlearnable.datasets.caption_file import CaptionFile
from unlearnable.datasets.text.document import lines
from unlearnable.datasets.text.records import CaptionRecord, Scan
from unlearnable.datasets.text.spans import Span, spell_line, stripped
from unlearnable.datasets.types import Skipped

_LINE = re.compile(r"([^\n]+?) => ([^\n]*)")


def _suits(path: Path, text: str) -> bool:
    first = next(lines(text), None)
    return first is not None and bool(_LINE.match(text, first.start, first.end))


def _scan(text: str) -> Scan:
    records: list[CaptionRecord] = []
    faults: list[Skipped] = []
    rows: list[Span] = []
    for line in lines(text):
        rows.append(Span(line.start, line.stop))
        match = _LINE.match(text, line.start, line.end)
        if match is None:
            faults.append(Skipped(str(line.number), "bad-row", "not photo => caption"))
            continue
        caption = stripped(text, match.start(2), line.end)
        photo = stripped(text, match.start(1), match.end(1))
        records.append(CaptionRecord(str(line.number), photo, (caption,) if caption.value else (), (rows[-1],)))
    return Scan(tuple(records), tuple(faults), (tuple(rows),), spell_line)


ARROWS = CaptionFile("arrows", _suits, _scan)


def sample(captions: dict[str, list[str]]) -> dict[str, Any]:
    """What the contract tests of formats lay out: these captions in this format."""
    rows = [f"{photo} => {caption}\n" for photo, texts in captions.items() for caption in texts]
    return {
        "texts": {"posts.arrows": "".join(rows)},
        "source": "posts.arrows",
        "untouched": (" => ",),
        "single_lines": True,
    }
