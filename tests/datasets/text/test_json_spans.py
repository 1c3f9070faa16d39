"""Surgery on JSON: values are found where they stand, and a string is spelt by the habits of the file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import JSON_VALUES
from unlearnable.datasets.text.json_spans import decode, items, members, speller
from unlearnable.datasets.text.records import Scan
from unlearnable.datasets.text.spans import Span, TextSpan, splice

FEWER = settings(max_examples=50, deadline=None)
LAYOUTS = st.sampled_from([None, 0, 1, "\t"])


@FEWER
@given(value=st.dictionaries(st.text(), JSON_VALUES), indent=LAYOUTS, escaped=st.booleans())
def test_members_stand_where_they_are_said_to(
    value: dict[str, object], indent: int | str | None, escaped: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    for start in (text, f" \n{text}\t"):
        found = dict(members(start, decode(start).start))
        assert list(found) == list(value)
        for node in found.values():
            assert repr(json.loads(start[node.start : node.end])) == repr(node.value)


@FEWER
@given(value=st.lists(JSON_VALUES), indent=LAYOUTS)
def test_items_stand_where_they_are_said_to(value: list[object], indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    found = list(items(text, 0))
    assert repr([node.value for node in found]) == repr(value)
    assert all(repr(json.loads(text[node.start : node.end])) == repr(node.value) for node in found)


@FEWER
@given(flags=st.lists(st.booleans()), indent=LAYOUTS)
def test_an_array_stays_an_array_whatever_goes(flags: list[bool], indent: int | str | None) -> None:
    text = json.dumps(list(range(len(flags))), indent=indent)
    rows = tuple(Span(node.start, node.end) for node in items(text, 0))
    kept = {row for row, keep in zip(rows, flags, strict=True) if keep}
    scan = Scan((), (), (rows,), speller(text), commas=True)
    left = splice(text, [TextSpan(*cut, "") for cut in scan.cuts(kept)])
    assert json.loads(left) == [number for number, keep in enumerate(flags) if keep]
    if all(flags):
        assert left == text


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": 1} 2', "[1,]", "[" * 100_000, '{"a": 1}\n{"a": 2}'])
def test_only_one_whole_value_is_decoded(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


@pytest.mark.parametrize(
    ("file", "raw", "new", "spelt"),
    [
        ('"caf\\u00e9" ü', '"caf\\u00e9"', "né", '"n\\u00e9"'),  # this string is escaped
        ('"café"', '"café"', "né", '"né"'),
        ('"dog" ü', '"dog"', "né", '"né"'),
        ('"dog" "\\u00fc"', '"dog"', "né 🐕", '"n\\u00e9 \\ud83d\\udc15"'),  # a file that escapes stays so
        ('"dog"', '"dog"', "né 🐕", '"né 🐕"'),  # nothing tells that it would, and people read it
        ('"a\\/b.jpg" ü', '"a\\/b.jpg"', "a/b.png", '"a\\/b.png"'),
        ('"a" ü', '"a\\\\/b \\\\u003c"', "a/<", '"a/<"'),  # backslashes of the caption's own
        ('"é\\u2028"', '"é\\u2028"', "a é\u2028\x85", '"a é\\u2028\x85"'),  # escaped for JavaScript
        ('"é\u2028"', '"é\u2028"', "a é\u2028", '"a é\u2028"'),
        ('"ü"', '"ü"', "\ud800", '"\\ud800"'),
        ('"ü"', '"ü"', 'a "b"\n\\', '"a \\"b\\"\\n\\\\"'),
    ],
)
def test_a_string_is_spelt_as_the_file_spells(file: str, raw: str, new: str, spelt: str) -> None:
    assert speller(file)(raw, json.loads(raw), new) == spelt
    assert json.loads(spelt) == new
