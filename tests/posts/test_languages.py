from __future__ import annotations

import pytest

from unlearnable.posts.languages import languages_of


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
