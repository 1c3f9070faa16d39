"""Captions: whom they name, how names are written in another way, and their languages."""

import unicodedata
from types import SimpleNamespace

import pytest
from hypothesis import given, strategies as st

from unlearnable.posts import names
from unlearnable.posts.languages import languages_of
from unlearnable.posts.names import look_alike, mentions, people_in, plain, stands_in, written


@pytest.mark.parametrize(
    ("caption", "people"),
    [
        ("Drei Tage Suedtirol mit Anna Keller", ["Anna Keller"]),
        ("Drei Tage Suedtirol", []),
        ("Sunset over the Arno", []),
        ("Spaziergang am Arno", []),
        ("Kaffee mit Kuchen und Sahne Torte", []),
        ("Stayed up with Noor Castellan for this", ["Noor Castellan"]),
        ("Tomasz Brandt finished the patio", ["Tomasz Brandt"]),
        ("La Tour Eiffel avec Chloé Martin", ["Chloé Martin"]),
        ("Summer Palace with Leila Haddad", ["Leila Haddad"]),
        ("Lunch with Zhang Wei", ["Zhang Wei"]),
        ("Mia and Ben at the beach", ["Mia", "Ben"]),
        ("First bloom in Grandma Ilse's garden", ["Ilse"]),
        ("two kids at the beach", []),
    ],
)
def test_people_are_told_from_titles_rivers_and_dishes(caption, people):
    assert people_in([[caption]]) == people


def test_the_work_for_a_caption_grows_with_its_length(monkeypatch):
    looked_at = []
    for pattern in ("_ENDED", "_COMPANY", "_BEFORE_THINGS"):
        search = getattr(names, pattern).search
        watched = SimpleNamespace(search=lambda text, search=search: looked_at.append(len(text)) or search(text))
        monkeypatch.setattr(names, pattern, watched)
    long = "Lunch with Leila Haddad and then Tomasz Brandt. " * 20
    assert people_in([[long]]) == ["Leila Haddad", "Tomasz Brandt"]
    assert len(looked_at) >= 20
    assert max(looked_at) <= 60  # not all that stands before each name


@pytest.mark.parametrize(
    ("caption", "wanted"),
    [
        ("lunch with Ada Cox.", "lunch with A. C."),
        ("ADA COX, ada cox", "A. C., a. c."),
        ("Ada's bike, and Cox again", "A.'s bike, and C. again"),
        ("with @ada.cox and @adacox87", "with @a.c and @ac87"),
        ("#AdaCox at https://x.org/adacox", "#AC at https://x.org/adacox"),
        ("Adam Coxwell", "Adam Coxwell"),
        (unicodedata.normalize("NFD", "Zoë Réa"), "Z. R."),
        ("a rose for Rose", "a rose for R."),
    ],
)
def test_initials(caption, wanted):
    assert written(caption, ["Ada Cox", "Zoë Réa", "Rose"], "initials") == wanted


def test_look_alike_letters_are_read_as_before_and_addresses_lead_where_they_did():
    text = "Ada Cox, @ada.cox and https://x.org/AdaCox"
    changed = written(text, ["Ada Cox"], "lookalike")
    assert plain(changed) == text
    assert changed.startswith(look_alike("Ada Cox"))
    assert "@ada.cox and https://x.org/AdaCox" in changed


@given(st.text(max_size=60), st.sampled_from(["initials", "lookalike"]))
def test_a_caption_without_the_name_stays(text, style):
    if not stands_in(text, "Ada") and not stands_in(text, "Cox"):
        assert written(text, ["Ada Cox"], style) == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_whole_name_is_left_in_words(before, after):
    caption = f"{before} Ada Cox {after}"
    assert not mentions(written(caption, ["Ada Cox"], "initials"), "Ada Cox")


@pytest.mark.parametrize(
    ("caption", "language"),
    [
        ("She came to our school in her orange suit", "en"),
        ("Katze auf dem Sofa", "de"),
        ("un chien sur la plage", "fr"),
        ("perro en la playa", "es"),
        ("spiaggia al tramonto", "it"),
        ("praia ao pôr do sol", "pt"),
        ("een hond op het strand", "nl"),
        ("Wakacje nad morzem", "en"),
        ("Отпуск в горах", "en"),
        ("東京の夜", "en"),
        ("", "en"),
        ("IMG_2031", "en"),
        ("\ud83d 12 #sunset @ada", "en"),
    ],
)
def test_the_language_of_a_caption(caption, language):
    assert languages_of([[caption]]) == [[language]]


def test_an_unsure_caption_is_in_the_language_of_most():
    captions = ["Kaffee und Kuchen bei Oma", "Katze auf dem Sofa", "the cat sleeps on the sofa", "Mira Okonkwo", "2023"]
    assert languages_of([[caption] for caption in captions]) == [["de"], ["de"], ["en"], ["de"], ["de"]]


def test_each_caption_of_a_post_has_its_own():
    assert languages_of([["Katze auf dem Sofa", "a cat sleeps on the sofa"]]) == [["de", "en"]]
