"""The text of HTML, and new words in it that leave its tags alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.datasets.text.html_text import read, replaced

LINK = '<a href="https://a.b/c?d=1&amp;e" class="mention">@<span>me</span></a>'
PIECES = [
    "<p>",
    "</p>",
    "<p>a</p>",
    "<ul>",
    "</ul>",
    "<li>a</li>",
    "<br>",
    "<br />",
    "&amp;",
    "&",
    "&lt;",
    "&#39;",
    "&nope;",
    LINK,
    "<b>",
    "</b>",
]
PIECES += ["<!-- no -->", " ", "\n", "x", "größe", "<3", "é", "</p>\n<p class='q'>", "lt;", "<"]
HTML = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one &amp; two<br>three</p><p>four</p>", "one & two\nthree\n\nfour"),
        (f"<p>{LINK} hi</p>", "@me hi"),
        ("I <3 you & me, 1 < 2 > 0 &nope; &#128008;", "I <3 you & me, 1 < 2 > 0 &nope; 🐈"),
        ("plain\ntext", "plain\ntext"),
        ("<p>a</p><ul><li>b</li>\n<li>c<ol><li>d</li></ol></li></ul><p>e</p>", "a\n\nb\nc\nd\n\ne"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<blockquote><p>a</p></blockquote><p>b</p>", "a\n\nb"),
        ("<!-- no --><P>a</P> <P>b</P>", "a\n\nb"),
        ("", ""),
    ],
)
def test_it_reads_what_a_reader_sees(source: str, text: str) -> None:
    assert read(source).text == text


@pytest.mark.parametrize(
    ("source", "new", "result"),
    [
        (f"<p>{LINK} hi</p>", "w w @me hi", f"<p>w w {LINK} hi</p>"),
        (f"<p>hi {LINK}</p>", "hi @me w", f"<p>hi {LINK} w</p>"),
        (f"<p>hi {LINK}</p>", "hi w @me", f"<p>hi w {LINK}</p>"),
        ("<p>It's &quot;one&quot;</p><p>two</p>", 'w it\'s "one"\n\ntwo', "<p>w it's &quot;one&quot;</p><p>two</p>"),
        ("<p>one</p><p>two</p>", "one w\n\ntwo", "<p>one w</p><p>two</p>"),
        ("<ul><li>a</li><li>b</li></ul>", "w a\nb", "<ul><li>w a</li><li>b</li></ul>"),
        ("<ul><li>a</li><li><p>b</p></li></ul>", "a\n\nb w", "<ul><li>a</li><li><p>b w</p></li></ul>"),
        ("<p>a</p><ul><li>b</li></ul><p>c</p>", "a w\n\nb\n\nc", "<p>a w</p><ul><li>b</li></ul><p>c</p>"),
        ("one<br>two", "one\nw & two", "one<br>w &amp; two"),
        ("<p>one <b>two</b></p>", "x", "<p>x<b></b></p>"),
        ("<p>a</p><p>b</p>", "a\nb", "<p>a<br />b</p>"),
        ("&", "&lt;", "&amp;lt;"),
    ],
)
def test_new_words_leave_the_tags(source: str, new: str, result: str) -> None:
    assert replaced(source, new) == result


@given(source=HTML, words=st.text(min_size=1) | st.sampled_from(PIECES), share=st.floats(0, 1))
def test_words_that_go_in_are_read_and_no_tag_is_lost(source: str, words: str, share: float) -> None:
    text = read(source).text
    at = int(share * len(text))
    new = text[:at] + words + text[at:]
    result = replaced(source, new)
    assert read(result).text == new
    if text[max(at - 1, 0) : at + 1] == "\n\n":
        return  # words in the middle of a break between paragraphs leave nothing for its tags to stand between
    kept = re.findall(r"</?[ab]\b[^<>]*>|</?span>", source)
    assert re.findall(r"</?[ab]\b[^<>]*>|</?span>", result) == kept


@given(source=HTML, new=st.text())
def test_any_text_can_take_the_place_of_any_other(source: str, new: str) -> None:
    assert read(replaced(source, new)).text == new
    assert replaced(source, read(source).text) == source
