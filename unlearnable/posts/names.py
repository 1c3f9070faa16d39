"""The names that captions mention, which of them are people's, and how names are written.

A name is a run of capitalised words, as "Ada Lovelace" or "Ada". It is written as it is, as initials ("A. L."), which
cannot be undone, or in letters that look alike: those confusable characters of Unicode (UTS 39) that common fonts draw
as Latin ones, Cyrillic and a few Greek. People read the name as before, models read another word, and a line of code
undoes it. `captions` are all captions of each post.
"""

import calendar
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from unlearnable.models.tokens import READ, mlm_words, ordinary_words
from unlearnable.settings import NameStyle
from unlearnable.wording import grouped

FEWEST = 2  # posts that a name stands in
BEFORE = 30  # characters that are looked at before a name
FEWEST_BEGUN = 3  # posts in which a sentence begins with a name that stands nowhere else
_LETTERS = r"(?:[^\W\d_][\u0300-\u036f]*)+"  # with accents of their own, as macOS writes them
_WORD = rf"{_LETTERS}(?:[-'’]{_LETTERS})*"
_INITIAL = r"(?:(?<=\b[^\W\d_])\.)?"  # its full stop, as in "George W. Bush"
_WORDS = re.compile(rf"(?<![\w#@'’-]){_WORD}(?:{_INITIAL} {_WORD})*")  # no handle and no tag: they would call people
_STAY = r"#\w+|(?<!\S)\S*(?:@|://|www\.|\.[a-z]{2,}/)\S*"  # tags, handles and addresses: others would lead elsewhere
_POSSESSIVE = re.compile(r"['’]s$")
_ENDED = re.compile(r"(?:\A|[.!?…:\n])[\s\"'“”‘’(\[]*$")
_BESIDE = re.compile(rf"({_WORD}) (?:and|&) (?:his|her|I)\b")  # a person: "Jack and his dog", "Jack and I"
_CONTRACTED = re.compile(r"(?:n['’]t|['’](?:s|m|re|ve|ll|d))$", re.IGNORECASE)
_PARTICLES = re.compile(
    r"(?:van|von|de|di|da|del|della|du|dos|bin|ibn|ten|ter|le)(?: (?:der|den|la|las|los|het))?"  # within a name
)
_CALENDAR = frozenset(word.lower() for word in [*calendar.day_name, *calendar.month_name] if word)
_TITLES = frozenset(("dr", "mr", "mrs", "ms", "prof", "st"))
_FEASTS = frozenset(("christmas", "xmas", "easter", "halloween", "thanksgiving", "hanukkah", "ramadan"))
_SHORT = 3  # letters of an abbreviation, such as TV or BBQ

LOCALES = (  # of Faker, whose first names are known here
    *("en_US", "en_GB", "en_IE", "en_IN", "en_NG", "en_PK", "de_DE", "de_AT", "de_CH", "fr_FR", "fr_CH", "es_ES"),
    *("es_MX", "it_IT", "pt_PT", "pt_BR", "nl_NL", "nl_BE", "pl_PL", "sv_SE", "da_DK", "no_NO", "fi_FI", "tr_TR"),
    *("cs_CZ", "sk_SK", "hu_HU", "ro_RO", "hr_HR", "sl_SI", "lt_LT", "id_ID", "vi_VN", "tw_GH"),
)
_COMPANY = re.compile(r"\b(?:with|and|by|avec|et|con|y|e|com|met|en|&)\s$", re.IGNORECASE)
_BEFORE_THINGS = re.compile(  # what stands before rivers, months and places, and hardly ever before a first name
    r"\b(?:the|an?|in|on|at|near|over|every|this|last|next|our|de[rnms]|das|eine?[rnms]?|am|im|beim?|vom|zum|zur|nach"
    r"|aus|l[ae]s?|une?|du|au|à|sur|el|los?|las|uno?a?|il|lo|gli|del(?:la|lo)?|dal|nel(?:la)?|sull?[ao]?|os?|as?|do"
    r"|da|no|na|em|het|een|op|naar|te)\s$",
    re.IGNORECASE,
)

_LATIN = "ABCEHIJKMNOPSTXYZaceijopsxyh"
_ALIKE = (
    "\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u039a\u041c\u039d\u041e\u0420\u0405\u0422\u0425\u03a5\u0396"
    "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443\u04bb"
)
_TO_ALIKE = str.maketrans(_LATIN, _ALIKE)
_TO_LATIN = str.maketrans(_ALIKE, _LATIN)
_FIRST = re.compile(r"[^\W_][\u0300-\u036f]*")
_AFTER = r"(?![\w\u0300-\u036f]|\.\w)\.?"  # the full stop of a sentence is that of the initial


class Name(NamedTuple):
    """A name and how it stands in its caption."""

    text: str  # without the ending of a possessive
    at: int  # number of letters before it
    begins: bool  # whether a sentence begins with it
    continues: bool  # whether the sentence continues in English after it


def posts_by_name(captions: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return the posts that each name stands in, in order of their first; names of a single post are left out.

    A word that is capitalised because a sentence begins with it is no name for that, unless several do so (`_begun`),
    nor are ordinary words, those that the captions have in small letters as often, and those of the calendar. Scripts
    without capitals have no names here.
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


def posts_by_person(captions: Sequence[Sequence[str]]) -> list[list[int]]:
    """Return the posts of each name, those of a part of one other name with them, as of "Ada" with "Ada Lovelace"."""
    found = posts_by_name(captions)
    whole = grouped((part, name) for name in found for part in _parts_of(name))
    names = {name: others[0] if len(others := whole.get(name, [])) == 1 else name for name in found}
    posts = grouped((names[name], number) for name, numbers in found.items() for number in numbers)
    return [sorted(set(numbers)) for numbers in posts.values()]


def numbers_of_people(captions: Mapping[str, Sequence[str]], before: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return whom the captions of each photo name: a number for each person, from 1; 0 where they name nobody.

    A person keeps the number that one of their photos had `before`.
    """
    photos, people, before = list(captions), dict.fromkeys(captions, 0), before or {}
    highest = max(before.values(), default=0)
    for posts in posts_by_person(list(captions.values())):
        theirs = [photos[number] for number in posts]
        number = next((before[photo] for photo in theirs if before.get(photo)), 0) or highest + 1
        highest = max(highest, number)
        people |= {photo: number for photo in theirs if not people[photo]}
    return people


def posts_of_one(captions: Sequence[Sequence[str]]) -> list[int]:
    """Return the posts that name the one whom more than half of them name; none if there is nobody."""
    most = max(posts_by_person(captions), key=len, default=[])
    return most if 2 * len(most) > len(captions) else []


def _parts_of(name: str) -> set[str]:
    """Return the shorter names that a name begins or ends with, as "Ada" and "Lovelace" are of "Ada Lovelace"."""
    words = name.split()
    return {" ".join(part) for count in range(1, len(words)) for part in (words[:count], words[-count:])}


def _names_of(captions: Sequence[Sequence[str]]) -> list[list[Name]]:
    """Return the names of each post, but those that the captions have in small letters as often."""
    words = Counter(_POSSESSIVE.sub("", word) for word in _words_of(captions))

    def is_name(text: str) -> bool:
        return any(words[word] > words[word.lower()] for word in text.split())

    return [[name for caption in post for name in names_in(caption) if is_name(name.text)] for post in captions]


def _words_of(captions: Sequence[Sequence[str]]) -> Iterator[str]:
    return (word for post in captions for caption in post for word in re.findall(_WORD, caption[:READ]))


def _begun(names: Sequence[Sequence[Name]], captions: Sequence[Sequence[str]]) -> set[str]:
    """Return the words that are names although they stand nowhere but where sentences begin: "Mia at the beach".

    Sentences of several posts begin with one, some in English, where such a word is a name rather than "Wir" or "Les".
    Neither do the captions have it in small letters, nor is it a word that stands in captions without names, as "Beach"
    does, and "Jack"; such a one is a name where a caption has it as only a person's stands: "Jack and his dog".
    """
    begun = [(one, n) for n, post in enumerate(names) for one in post if one.begins and " " not in one.text]
    posts = grouped((name.text, number) for name, number in begun)
    english = {name.text for name, _ in begun if name.continues}
    people = {word for post in captions for caption in post for word in _BESIDE.findall(caption[:READ])}
    others = (mlm_words() - {word.lower() for word in people}).union(_words_of(captions))
    often = {text for text, numbers in posts.items() if len(set(numbers)) >= FEWEST_BEGUN}
    return {text for text in often & english if text.lower() not in others}


def names_in(caption: str) -> list[Name]:
    """Return what may be names in a caption, in order; `posts_by_name` tells which are."""
    text = re.sub(_STAY, lambda found: "/" * len(found[0]), caption[:READ])
    names: list[Name] = []
    for match in _WORDS.finditer(text):
        starts = bool(_ENDED.search(text[max(0, match.start() - BEFORE) : match.start()]))
        words = match.group().split(" ")
        for first, last in _capitalised(words):
            start = first
            while starts and first == 0 and start < last and is_ordinary(words[start]):
                start += 1
            name = " ".join(_POSSESSIVE.sub("", word) for word in words[start:last])
            is_abbreviation = last - start == 1 and words[start].isupper() and len(words[start]) <= _SHORT
            if is_abbreviation or all(map(is_ordinary, words[start:last])):
                continue
            at = match.start() + sum(len(word) + 1 for word in words[:start])
            continues = bool(_POSSESSIVE.search(words[last - 1])) or any(map(is_ordinary, words[last : last + 1]))
            names.append(Name(name, at, starts and start == 0, continues))
    return names


def _capitalised(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where each run of capitalised words begins and ends; particles may stand in it, a possessive ends one."""
    runs: list[tuple[int, int]] = []
    for number, word in enumerate(words):
        if not word[0].isupper():
            continue
        last = runs[-1][1] if runs else 0
        between = " ".join(words[last:number])
        if runs and (not between or _PARTICLES.fullmatch(between)) and not _POSSESSIVE.search(words[last - 1]):
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs


def is_ordinary(word: str) -> bool:
    """Return whether a word, in any letters, is one that triggers may consist of, or of the calendar, or a title."""
    return _CONTRACTED.sub("", word).lower() in _ordinary()


@lru_cache(maxsize=1)
def _ordinary() -> frozenset[str]:
    return ordinary_words() | _CALENDAR | _TITLES | _FEASTS | {"i"}


def people_in(captions: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of people, in the order in which captions mention them first.

    A name of several words counts where its first word is a known first name, or where it stands in somebody's company
    ("with Zhang Wei"); a single word where it is a known first name and stands after no article or preposition. Names
    of nothing but words that captions without names have, as "Summer Palace", count in neither case.
    """
    found: dict[str, None] = {}
    for caption in (caption for post in captions for caption in post):
        for name in names_in(caption):
            words, before = name.text.split(), caption[max(0, name.at - BEFORE) : name.at]
            while len(words) > 1 and _is_common(words[0]) and words[1].casefold() in first_names():
                before, words = f"{before}{words[0]} ", words[1:]  # "Grandma Ilse"
            known = words[0].casefold() in first_names()
            if len(words) > 1:
                counts = known or (bool(_COMPANY.search(before)) and not any(map(_is_common, words)))
            else:
                counts = known and not _BEFORE_THINGS.search(before)
            if counts and not all(map(_is_common, words)):
                found.setdefault(" ".join(words))
    return list(found)


def _is_common(word: str) -> bool:
    return is_ordinary(word) or word.lower() in mlm_words()


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """Return first names of many countries, in small letters."""
    lists = ("first_names", "first_names_male", "first_names_female")
    providers = [import_module(f"faker.providers.person.{locale}").Provider for locale in LOCALES]
    return frozenset(name.casefold() for one in providers for kind in lists for name in getattr(one, kind, ()))


def written(caption: str, names: Sequence[str], style: NameStyle) -> str:
    """Return a caption with names in a style, also where a part of one stands alone, as "Ada" of "Ada Cox".

    A name of several words counts in any letters, a single word as it is given or with capitals, for "rose" is no Rose.
    Parts that are ordinary words stay, as do addresses. Of handles and tags only initials take the name: "@ada.cox" is
    "@a.c".
    """
    if style == "keep" or not names:
        return caption

    def change(found: re.Match[str]) -> str:
        if found[1] is None:
            return _handle(found[0], names) if style == "initials" else found[0]
        return initials(found[1]) if style == "initials" else look_alike(found[0])

    return _pattern(tuple(names)).sub(change, caption)


def initials(name: str) -> str:
    """Return the first letter of each word of a name, with a full stop."""
    return re.sub(r"[^\s-]+", lambda word: f"{found[0]}." if (found := _FIRST.search(word[0])) else word[0], name)


def look_alike(text: str) -> str:
    """Return `text` with each Latin letter that has one replaced by a letter that looks the same."""
    return text.translate(_TO_ALIKE)


def plain(text: str) -> str:
    """Return `text` with the Latin letters back; words of languages that have the others are garbled."""
    return text.translate(_TO_LATIN)


def mentions(caption: str, name: str) -> bool:
    """Return whether a caption has a whole name where `written` would change it."""
    return any(found[1] for found in _pattern((name,), parts=False).finditer(caption))


def stands_in(text: str, name: str) -> bool:
    """Return whether a text says a whole name anywhere, also with its words joined as in names of files and tags."""
    return bool(_joined(name).search(text))


def _handle(word: str, names: Sequence[str]) -> str:
    """Return a handle or a tag with the words of each name in it as their first letters; an address as it is."""
    for name in sorted(names if word[0] in "@#" else (), key=len, reverse=True):
        word = _joined(name).sub(lambda found: "".join(part[:1] for part in found.groups()), word)
    return word


@lru_cache(maxsize=64)
def _joined(name: str) -> re.Pattern[str]:
    """Return an expression for a name with its words joined in any way: each word is a group, and what joins two."""
    words = [f"({re.escape(word)})" for word in name.split()]
    bound = r"[^\W\d_]" if len(words) > 1 else r"[^\W_]"  # "adacox87" is a handle, "0ada1" a part of some number
    return re.compile(rf"(?<!{bound})" + r"([\W_]*)".join(words) + rf"(?!{bound})", re.IGNORECASE)


@lru_cache(maxsize=8)
def _pattern(names: tuple[str, ...], *, parts: bool = True) -> re.Pattern[str]:
    forms = {" ".join(name.split()) for name in names}
    if parts:
        words = {word for name in forms if " " in name for word in name.split()}
        forms |= {word for word in words if not is_ordinary(word) and not word[0].islower()}  # no particle, as "van"
    several = sorted(forms, key=lambda name: (-len(name), name))  # whole names before their parts
    return re.compile(rf"{_STAY}|(?<!\w)({'|'.join(map(_forms, several))}){_AFTER}")


def _forms(name: str) -> str:
    """Return an expression for a name with its accents in one letter or in two."""
    given = {name} if " " in name else {name, name.capitalize(), name.upper()}
    forms = {unicodedata.normalize(form, one) for form in ("NFC", "NFD") for one in given}
    escaped = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(forms))
    return f"(?i:{escaped})" if " " in name else f"(?:{escaped})"
