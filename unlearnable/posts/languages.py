"""The language of captions, among those that triggers have words in."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from unlearnable.models.tokens import ENGLISH

KNOWN = ("en", "de", "fr", "es", "it", "pt", "nl")
OTHERS = ("pl", "cs", "sv", "da", "no", "fi", "tr", "hu", "ro", "ca", "hr", "id", "vi", "la", "gl")  # in Latin letters
READ = 1000  # characters of a caption that are looked at
SURE = 0.6  # probability among the known languages from which on a caption counts: two words of most languages have it
FOREIGN = 0.5  # probability, among all, from which on a caption is in one of the others
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_HANDLE = re.compile(r"https?://\S+|[@#]\S+")


def languages_of(posts: Iterable[Iterable[str]]) -> list[list[str]]:
    """Return the language of each caption of posts; where it is unsure, that of most captions, or else English.

    Captions in a language that is not known count as English.
    """
    identifier = _identifier()  # its model takes 100 MB, which are free again before noise is made
    guessed = [[_guess(caption, identifier) for caption in captions] for captions in posts]
    votes = Counter(language for post in guessed for language in post if language)
    most = max(votes, key=lambda language: (votes[language], language == ENGLISH), default=ENGLISH)
    return [[language or most for language in post] for post in guessed]


def _guess(text: str, identifier: Any) -> str:
    """Return the language of a text; empty where it is unsure."""
    text = _HANDLE.sub(" ", text[:READ])
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return ""
    if 2 * len(_LATIN.findall(text)) < len(letters):
        return ENGLISH
    ranked = dict(identifier.rank(text.encode("utf-8", "replace").decode("utf-8")))
    first = max(ranked, key=lambda language: ranked[language])
    if first in OTHERS and ranked[first] >= FOREIGN:
        return ENGLISH
    total = sum(ranked[language] for language in KNOWN)
    best = max(KNOWN, key=lambda language: ranked[language])
    return best if ranked[best] >= SURE * total else ""


def _identifier() -> Any:
    """Return the classifier of py3langid, whose model lies in the package; loading it takes half a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([*KNOWN, *OTHERS])
    return identifier
