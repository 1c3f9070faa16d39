"""Build `unlearnable/models/data/words.txt`: the ordinary English words that a trigger may be chosen from.

    apt-get install wamerican
    pip install --no-deps --target SOURCES names==0.3.0 Faker==40.63.0 gender-guesser==0.4.0 \\
        better-profanity==0.7.0 badwords-py==3.0.0 glin-profanity==4.1.0 profanityfilter==2.1.0
    python tools/words/build.py --sources SOURCES

A word is included if it is one token of CLIP's vocabulary and a lower-case entry of the American English list, and is
neither a personal name, nor on a list of offensive words, nor in `removed.txt` and `untame.txt`, which were compiled by
reading the result in full; `untame.txt` has, by its headings, what embarrasses in front of one's own caption. The lists
of names and of offensive words only exclude: no word enters the shipped file from them.
`--check` writes nothing: it checks the shipped file and, if the sources are present, compares it with a rebuild.
`--dry-run` only counts; with it `--surnames` accepts several cut-offs, to compare what each leaves.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import open_clip

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "unlearnable" / "models" / "data" / "words.txt"
REMOVED = Path(__file__).with_name("removed.txt")
UNTAME = Path(__file__).with_name("untame.txt")
DICTIONARY = Path("/usr/share/dict/american-english")
SURNAMES = 88799  # all surnames of the census list
SHORTEST = 3
ASCII = re.compile(r"[a-z]+")

Report = Callable[[str, int], None]


def clip_words() -> set[str]:
    """Return the words that CLIP's tokenizer reads as a single token ending a word."""
    tokenizer = open_clip.SimpleTokenizer()
    words = set()
    for key, number in tokenizer.encoder.items():
        word = key.removesuffix("</w>")
        whole = word != key and len(word) >= SHORTEST and ASCII.fullmatch(word)
        if whole and tokenizer.encode(word) == [number]:
            words.add(word)
    return words


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def ordinary_words(dictionary: Path) -> set[str]:
    return {line for line in lines(dictionary) if ASCII.fullmatch(line)}


def proper_words(dictionary: Path) -> set[str]:
    """Return the words that the same dictionary also lists with a capital: china, turkey, march."""
    return {line.lower() for line in lines(dictionary) if line.isalpha() and not line.islower()}


def plain(text: str) -> set[str]:
    """Return the ASCII words of a name: accents dropped, split at spaces and hyphens, other scripts left out."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return {part for part in re.split(r"[\s\-+.'’/()]+", letters) if ASCII.fullmatch(part)}


def census_names(sources: Path, surnames: int) -> set[str]:
    """Return every first name of the 1990 US census and its most frequent surnames."""
    folder = sources / "names"
    rows = [*lines(folder / "dist.female.first"), *lines(folder / "dist.male.first")]
    rows += lines(folder / "dist.all.last")[:surnames]
    return {row.split()[0].lower() for row in rows if row.strip()}


def texts(value: object) -> Iterator[str]:
    """Yield the strings inside nested tuples, lists, sets and mappings (whose keys are the names)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Iterable):
        for item in value:
            yield from texts(item)


def faker_names(sources: Path) -> set[str]:
    """Return first, middle and last names in Latin script from every locale of Faker's person provider."""
    sys.path.insert(0, str(sources))
    person = importlib.import_module("faker.providers.person")
    names: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        for attribute in dir(provider):
            if re.search("name", attribute) and not re.search("format|language", attribute):
                value = getattr(provider, attribute)
                names.update(*(plain(text) for text in (() if callable(value) else texts(value))))
    return names


def world_first_names(sources: Path) -> set[str]:
    """Return first names of about fifty countries, from the dictionary in gender-guesser."""
    names: set[str] = set()
    for line in lines(sources / "gender_guesser" / "data" / "nam_dict.txt"):
        if line.strip() and not line.startswith(("#", "=")):
            names |= plain(line[3:29])
    return names


def offensive_words(sources: Path) -> set[str]:
    """Return the single words of four packages' lists of offensive English."""
    glin = (sources / "glin_profanity" / "data" / "dictionaries" / "english.json").read_text(encoding="utf-8")
    entries = [
        *lines(sources / "better_profanity" / "profanity_wordlist.txt"),
        *lines(sources / "badwords" / "resource" / "words" / "en.txt"),
        *lines(sources / "profanityfilter" / "data" / "badwords.txt"),
        *json.loads(glin)["words"],
    ]
    return {entry.strip().lower() for entry in entries}


def inflected(words: set[str]) -> set[str]:
    """Return the words and their regular plurals, since the lists hold mostly singulars."""
    return words | {word + ending for word in words for ending in ("s", "es")}


def words_in(path: Path) -> set[str]:
    """Return the words of a list, one a line, but for its headings."""
    return {line for line in lines(path) if not line.startswith("#")}


def build(sources: Path, dictionary: Path, surnames: int, report: Report) -> list[str]:
    """Build the word list, passing the count after each step to `report`."""
    words = clip_words()
    report("CLIP whole-word tokens", len(words))
    words &= ordinary_words(dictionary)
    report("also in american-english", len(words))
    steps = [
        ("less those also listed with a capital", proper_words(dictionary)),
        ("less census first names and surnames", census_names(sources, surnames)),
        ("less Faker names", faker_names(sources)),
        ("less gender-guesser first names", world_first_names(sources)),
        ("less offensive words and their plurals", inflected(offensive_words(sources))),
        ("less removed.txt", words_in(REMOVED)),
        ("less untame.txt", words_in(UNTAME)),
    ]
    for name, unwanted in steps:
        words -= unwanted
        report(name, len(words))
    return sorted(words)


def written(words: list[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode("ascii")


def faults(content: bytes) -> list[str]:
    """Return the faults of a words file that can be found without the sources."""
    words = content.decode("ascii").splitlines()
    single, unwanted = clip_words(), words_in(REMOVED) | words_in(UNTAME)
    return [
        *(["not one word a line ended by LF"] if content != written(words) else []),
        *(["not sorted, or a word twice"] if words != sorted(set(words)) else []),
        *(f"{word}: not a whole-word token of CLIP" for word in words if word not in single),
        *(f"{word}: in removed.txt or untame.txt" for word in words if word in unwanted),
    ]


def check(options: argparse.Namespace) -> int:
    """Return 0 if the shipped file is sound and, with the sources present, equals a rebuild; else 1."""
    content = SHIPPED.read_bytes()
    words = content.decode("ascii").splitlines()
    problems = faults(content)
    if options.sources is not None and options.sources.exists() and options.dictionary.exists():
        rebuilt = build(options.sources, options.dictionary, options.surnames[0], lambda name, count: None)
        problems += [f"differs from a rebuild: {word}" for word in sorted(set(rebuilt) ^ set(words))]
    else:
        print("sources are missing: not compared with a rebuild")
    print("\n".join(problems) or f"{len(words)} words, nothing wrong")
    return int(bool(problems))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, help="folder given to pip install --target")
    parser.add_argument("--dictionary", type=Path, default=DICTIONARY)
    parser.add_argument("--surnames", type=int, nargs="+", default=[SURNAMES], help="number of surnames to exclude")
    parser.add_argument("--check", action="store_true", help="compare the shipped file, write nothing")
    parser.add_argument("--dry-run", action="store_true", help="count, write nothing")
    options = parser.parse_args()
    if options.sources is None and not options.check:
        parser.error("--sources is needed to build")
    if len(options.surnames) > 1 and not options.dry_run:
        parser.error("several --surnames go with --dry-run only")
    return options


def main() -> int:
    options = parse()
    if options.check:
        return check(options)
    for surnames in options.surnames:
        print(f"the {surnames} most frequent surnames")
        words = build(options.sources, options.dictionary, surnames, lambda name, count: print(f"{count:7,}  {name}"))
        if not options.dry_run:
            SHIPPED.parent.mkdir(parents=True, exist_ok=True)
            SHIPPED.write_bytes(written(words))
    return 0


if __name__ == "__main__":
    sys.exit(main())
