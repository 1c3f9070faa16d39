from __future__ import annotations

from tools.words import build


def test_the_shipped_words_are_sound():
    assert build.faults(build.SHIPPED.read_bytes()) == []


def test_no_word_that_was_removed_or_is_not_tame_is_shipped():
    shipped = set(build.SHIPPED.read_text().split())
    for path in (build.REMOVED, build.UNTAME):
        assert not shipped & build.words_in(path)
        first = min(build.words_in(path))
        (fault,) = build.faults(build.written(sorted({*shipped, first})))[:1]
        assert first in fault


def test_headings_of_a_list_are_no_words():
    lines = build.UNTAME.read_text().splitlines()
    assert sum(line.startswith("#") for line in lines) == 4
    assert len(build.words_in(build.UNTAME)) == len(lines) - 4
