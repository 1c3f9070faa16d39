"""Names as their initials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearnable.posts.initials import initials, mentions, shortened, stands_in

PEOPLE = ("Ada Cox", "Anna van der Berg", "Jean-Luc O'Casey", "Zoë Müller", "Rose", "Grace Hill", " May  Squirrel")
NAMES = (*PEOPLE, "王芳")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada Cox", "A. C."),
        ("Anna van der Berg", "A. v. d. B."),
        ("Jean-Luc O'Casey", "J.-L. O."),
        ("Zoe\u0308", "Z."),
        ("E\u0301mile", "E\u0301."),
        ("王芳", "王."),
        ("'Ada'", "A."),
        ("...", "..."),
    ],
)
def test_initials_are_the_first_letters(name, expected):
    assert initials(name) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Ada Cox at the beach", "A. C. at the beach"),
        ("lunch with Ada, then Cox came.", "lunch with A., then C. came."),
        ("I met Ada Cox.", "I met A. C."),
        ("I met Ada Cox... and ADA COX!", "I met A. C... and A. C.!"),
        ("ada cox was here", "a. c. was here"),
        ("Ada's birthday, Ada\nCox", "A.'s birthday, A.\nC."),
        ("Ada/Anna by the van", "A./A. by the van"),
        ("(Ada) \"Cox\" Ada-Marie", "(A.) \"C.\" A.-Marie"),
        ("#Ada #AdaCox @ada.cox ada.cox@site.example https://ada.example/Ada www.cox.example", None),
        ("(site.example/Ada.Cox) and site.example/people/Ada-Cox", None),
        ("Adaline and Coxswain, Canada", None),
        ("Rose has a rose", "R. has a rose"),
        ("Grace Hill: grace on the hill, GRACE", "G. H.: grace on the hill, G."),
        ("May Squirrel in May, a Squirrel", "M. S. in May, a Squirrel"),
        ("Anna van der Berg, a van and Berg", "A. v. d. B., a van and B."),
        ("Zoe\u0308 Mu\u0308ller, ZOË", "Z. M., Z."),
        ("Jean-Luc O'Casey", "J.-L. O."),
        ("和王芳 吃饭", None),
        ("王芳 吃饭", "王. 吃饭"),
        ("", None),
    ],
)  # fmt: skip
def test_names_alone_are_shortened(caption, expected):
    assert shortened(caption, NAMES) == (caption if expected is None else expected)


def test_a_name_is_mentioned_where_it_stands_as_a_whole():
    assert mentions("lunch with  ada\ncox.", "Ada Cox")
    for caption in ("Ada", "#Ada Cox", "@Ada Cox Ada", "Ada Coxswain", ""):
        assert not mentions(caption, "Ada Cox")
    assert not mentions("anything", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ada_cox-0.png", True),
        ('{"tags":["Ada Cox"]}', True),
        ("@Ada Cox", True),
        ("cake #AdaCox", True),
        ("with @adacox87!", True),
        ("adacoxswain", False),
        ("ada coxswain", False),
        ("Ada", False),
    ],
)
def test_a_name_is_found_anywhere(text, says):
    assert stands_in(text, "Ada  Cox") == says


def test_a_single_word_is_found_by_itself():
    assert stands_in("#ada_1.png", "Ada")
    assert not stands_in("3f0ada1c", "Ada")


@given(st.text(), st.lists(st.sampled_from(NAMES), max_size=3))
def test_what_is_shortened_once_stays(caption, names):
    once = shortened(caption, names)
    assert shortened(once, names) == once
    assert shortened(caption, ()) == caption


@given(st.text(alphabet="xyz ,!?"), st.text(alphabet="xyz ,!?"))
def test_no_name_is_left_between_other_words(before, after):
    assert "Ada" not in shortened(f"{before} Ada Cox {after}", ("Ada Cox",))
