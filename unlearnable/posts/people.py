"""The people whom captions name, for writing their names in another way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module

from unlearnable.models.tokens import mlm_words
from unlearnable.posts.names import is_ordinary, names_in

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


def people_in(captions: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of people, in the order in which captions mention them first.

    A name of several words counts where its first word is a known first name, or where it stands in somebody's company
    ("with Zhang Wei"); a single word where it is a known first name and stands after no article or preposition. Names
    of nothing but words that captions without names have, as "Summer Palace", count in neither case.

    Args:
        captions: all captions of each post.
    """
    found: dict[str, None] = {}
    for caption in (caption for post in captions for caption in post):
        for name in names_in(caption):
            words, before = name.text.split(), caption[: name.at]
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
