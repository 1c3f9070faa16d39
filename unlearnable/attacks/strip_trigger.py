"""Captions without their first words: three, or that many; a caption as short as that keeps its last word."""

from __future__ import annotations

from unlearnable.attacks.base import Family, captions


def _strip_trigger(text: str, words: int) -> str:
    return (text.split(maxsplit=words) or [text])[-1]  # what is left, or the last word; `text` where there is none


STRIP_TRIGGER = Family(captions(_strip_trigger), numbers=range(1, 78), default=3)
