"""The names that captions mention: capitalised words that follow each other, as "Ada Lovelace" or "Ada" do."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from unlearnable.models.tokens import READ, mlm_words, ordinary_words
from unlearnable.wording import grouped

FEWEST = 2  # posts that a name stands in
FEWEST_BEGUN = 3  # posts in which a sentence begins with a name that stands nowhere else
_LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*)+"  # with accents of their own, as macOS writes them
_WORD = rf"{_LETTERS}(?:[-'’]{_LETTERS})*"
_INITIAL = r"(?:(?<=\b[^\W\d_])\.)?"  # its full stop, as in "George W. Bush"
_WORDS = re.compile(rf"(?<![\w#@'’-]){_WORD}(?:{_INITIAL} {_WORD})*")  # no handle and no tag: they would call people
_HANDLES = re.compile(r"(?<![\w.@/])@(\w[\w.-]*\w)")
STAY = r"#\w+|(?<!\S)\S*(?:@|://|www\.|\.[a-z]{2,}/)\S*"  # tags, handles and addresses: others would lead elsewhere
_ONE = re.compile(rf"{STAY}|(?<![\w/])({_LETTERS})(?![\w/])")  # a word by itself
_POSSESSIVE = re.compile(r"['’]s$")
_ENDED = re.compile(r"(?:^|[.!?…:\n])[\s\"'“”‘’(\[]*$")
_BESIDE = re.compile(rf"({_WORD}) (?:and|&) (?:his|her|I)\b")  # a person: "Jack and his dog", "Jack and I"
_CONTRACTED = re.compile(r"(?:n['’]t|['’](?:s|m|re|ve|ll|d))$", re.IGNORECASE)
_WHERE = re.compile(r"\b(in|near|at|from|to)\s$", re.IGNORECASE)
_IN = ("in", "near")  # before a place, and hardly ever before a person
_PARTICLES = re.compile(
    r"(?:van|von|de|di|da|del|della|du|dos|bin|ibn|ten|ter|le)(?: (?:der|den|la|las|los|het))?"  # within a name
)
_CALENDAR = frozenset(word.lower() for word in [*calendar.day_name, *calendar.month_name] if word)
_TITLES = frozenset(("dr", "mr", "mrs", "ms", "prof", "st"))
_FEASTS = frozenset(("christmas", "xmas", "easter", "halloween", "thanksgiving", "hanukkah", "ramadan"))
_SHORT = 3  # letters of an abbreviation, such as TV or BBQ


class Name(NamedTuple):
    """A name and how it stands in its caption.

    Attributes:
        text: the name, without the ending of a possessive.
        at: number of letters before it.
        begins: whether a sentence begins with it.
        goes_on: whether the sentence goes on in English.
        where: the word of `_WHERE` before it, or before the name that it follows, as Germany does "in Berlin, Germany";
            empty without one, and where the name is a possessive.
    """

    text: str
    at: int
    begins: bool
    goes_on: bool
    where: str


def posts_by_name(captions: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return the posts that each name stands in, in order of their first; names of a single post are left out.

    A word that is capitalised because a sentence begins with it is no name for that, unless several do so (`_begun`),
    nor are ordinary words, those that the captions have in small letters as often, and those of the calendar. Scripts
    without capitals have no names here.

    Args:
        captions: all captions of each post.
    """
    names = _names_of(captions)
    certain = {name.text for post in names for name in post if not name.begins or " " in name.text}
    certain |= _begun(names, captions)
    found = grouped(
        (text, number)
        for number, post in enumerate(names)
        for text in dict.fromkeys(name.text for name in post if name.text in certain)
    )
    return {name: posts for name, posts in found.items() if len(posts) >= FEWEST}


def posts_by_own_name(captions: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return the same without the names of places (`_places`): those that people may have."""
    places = _places(captions)
    return {name: posts for name, posts in posts_by_name(captions).items() if name not in places}


def posts_by_person(captions: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return the posts of each name, those of a part of one other name with them, as of "Ada" with "Ada Lovelace".

    Places are left out (`_places`). Posts without a name go by their handles where most posts do (`_posts_by_handle`).

    Args:
        captions: all captions of each post.
    """
    found = posts_by_own_name(captions)
    found |= _posts_by_handle(captions, set(chain.from_iterable(found.values())))
    whole = grouped((part, name) for name in found for part in parts_of(name))
    names = {name: others[0] if len(others := whole.get(name, [])) == 1 else name for name in found}
    posts = grouped((names[name], number) for name, numbers in found.items() for number in numbers)
    return [sorted(set(numbers)) for numbers in posts.values()]


def _posts_by_handle(captions: Sequence[Sequence[str]], named: Set[int]) -> dict[str, list[int]]:
    """Return the posts that each handle stands in ("@ada.l at the beach"), but those that have a name.

    There are none unless more than half of all posts have such a handle, one that stands in several.
    """
    found = grouped(
        (f"@{handle}", number)
        for number, post in enumerate(captions)
        for handle in dict.fromkeys(_HANDLES.findall(" ".join(post).lower()))
        if number not in named
    )
    several = {handle: posts for handle, posts in found.items() if len(posts) >= FEWEST}
    return several if 2 * len(set(chain.from_iterable(several.values()))) > len(captions) else {}


def _places(captions: Sequence[Sequence[str]]) -> set[str]:
    """Return the names that are places: most mentions say what is in, near, at, from or to them, several in or near.

    For people are mentioned so too, but not in most captions: "look at Ada", "a letter from Ada".
    """
    mentions = grouped((name.text, name.where) for post in _names_of(captions) for name in post)
    return {
        name
        for name, words in mentions.items()
        if 2 * sum(map(bool, words)) > len(words) and sum(word in _IN for word in words) >= FEWEST
    }


def parts_of(name: str) -> set[str]:
    """Return the shorter names that a name begins or ends with, as "Ada" and "Lovelace" are of "Ada Lovelace"."""
    words = name.split()
    return {" ".join(part) for count in range(1, len(words)) for part in (words[:count], words[-count:])}


def posts_of_one(captions: Sequence[Sequence[str]]) -> list[int]:
    """Return the posts that name the one whom more than half of them name; none if there is nobody.

    Args:
        captions: all captions of each post.
    """
    most = max(posts_by_person(captions), key=len, default=[])
    return most if 2 * len(most) > len(captions) else []


def _names_of(captions: Sequence[Sequence[str]]) -> list[list[Name]]:
    """Return the names of each post, but those that the captions have in small letters as often."""
    words = Counter(_POSSESSIVE.sub("", word) for word in _words_of(captions))
    return [
        [
            name
            for caption in post
            for name in names_in(caption)
            if any(words[word] > words[word.lower()] for word in name.text.split())
        ]
        for post in captions
    ]


def _words_of(captions: Sequence[Sequence[str]]) -> Iterator[str]:
    return (word for post in captions for caption in post for word in re.findall(_WORD, caption[:READ]))


def _begun(names: Sequence[Sequence[Name]], captions: Sequence[Sequence[str]]) -> set[str]:
    """Return the words that are names although they stand nowhere but where sentences begin: "Mia at the beach".

    Sentences of several posts begin with one, some in English, where such a word is a name rather than "Wir" or "Les".
    Neither do the captions have it in small letters, nor is it a word that stands in captions without names, as "Beach"
    does, and "Jack"; such a one is a name where a caption has it as only a person's stands: "Jack and his dog".
    """
    begun = [
        (name, number) for number, post in enumerate(names) for name in post if name.begins and " " not in name.text
    ]
    posts = grouped((name.text, number) for name, number in begun)
    english = {name.text for name, _ in begun if name.goes_on}
    people = {word for post in captions for caption in post for word in _BESIDE.findall(caption[:READ])}
    others = (mlm_words() - {word.lower() for word in people}).union(_words_of(captions))
    often = {text for text, numbers in posts.items() if len(set(numbers)) >= FEWEST_BEGUN}
    return {text for text in often & english if text.lower() not in others}


def names_in(caption: str) -> list[Name]:
    """Return the names in a caption, in order; see `posts_by_name` for those that are none after all."""
    text = re.sub(STAY, lambda found: "/" * len(found[0]), caption[:READ])
    names: list[Name] = []
    for match in _WORDS.finditer(text):
        starts = bool(_ENDED.search(text[: match.start()]))
        words = match.group().split(" ")
        for first, last in _capitalised(words):
            start = first
            while starts and first == 0 and start < last and is_ordinary(words[start]):
                start += 1
            name = " ".join(_POSSESSIVE.sub("", word) for word in words[start:last])
            alone = last - start == 1 and words[start].isupper() and len(words[start]) <= _SHORT
            if not alone and not all(map(is_ordinary, words[start:last])):
                at = match.start() + sum(len(word) + 1 for word in words[:start])
                possessive = bool(_POSSESSIVE.search(words[last - 1]))
                goes_on = possessive or any(map(is_ordinary, words[last : last + 1]))
                found = None if possessive else _WHERE.search(text[:at])
                where = found[1].lower() if found else ""
                if names and not goes_on and text[names[-1].at : at] == f"{names[-1].text}, ":
                    where = where or names[-1].where
                names.append(Name(name, at, starts and start == 0, goes_on, where))
    return names


def _capitalised(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where each run of capitalised words begins and ends; particles may stand in it, a possessive ends one."""
    runs: list[tuple[int, int]] = []
    for number, word in enumerate(words):
        if not word[0].isupper():
            continue
        last = runs[-1][1] if runs else 0
        between = " ".join(words[last:number])
        joined = not between or bool(_PARTICLES.fullmatch(between))
        goes_on = bool(runs) and joined and not _POSSESSIVE.search(words[last - 1])
        runs = [*runs[:-1], (runs[-1][0], number + 1)] if goes_on else [*runs, (number, number + 1)]
    return runs


def is_ordinary(word: str) -> bool:
    """Return whether a word, in any letters, is one that triggers may consist of, or of the calendar, or a title."""
    return _CONTRACTED.sub("", word).lower() in _ordinary()


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    return ordinary_words() | _CALENDAR | _TITLES | _FEASTS | {"i"}
