"""Generate phrases that people add to what they say about a photo, from a small grammar over real word pairs.

A phrase consists of words of the trigger vocabulary that people use about photos. Which words go together comes from
the counts of word pairs that symspellpy ships, the part of speech of a word from textblob's lexicon.
"""

from __future__ import annotations

import random
import tomllib
from collections import defaultdict
from itertools import accumulate
from pathlib import Path

GRAMMAR = tomllib.loads(Path(__file__).with_name("grammar.toml").read_text(encoding="utf-8"))
WORDS = {kind: words.split() for kind, words in GRAMMAR.items() if isinstance(words, str)}
MOMENTS = [moment.split() for moment in GRAMMAR["moments"]]


class Openers:
    """A generator of phrases.

    Args:
        sources: folder given to `pip install --target`.
        words: words that a phrase may hold.
    """

    def __init__(self, sources: Path, words: set[str]) -> None:
        tags = _tags(sources / "textblob" / "en" / "en-lexicon.txt")
        self._of = defaultdict(list)  # (tag, tag) -> pairs
        self._next: dict[str, list[str]] = defaultdict(list)
        weights: dict[object, list[float]] = defaultdict(list)
        pairs = sources / "symspellpy" / "frequency_bigramdictionary_en_243_342.txt"
        for line in pairs.read_text(encoding="utf-8-sig").splitlines():
            first, second, count = line.split()
            if {first, second} <= words and first != second:
                kind = tags.get(first, ""), tags.get(second, "")
                self._of[kind].append((first, second))
                weights[kind].append(int(count) ** 0.5)
                self._next[first].append(second)
                weights[first].append(int(count) ** 0.5)
        self._sums = {key: list(accumulate(counts)) for key, counts in weights.items()}
        counts = (sources / "symspellpy" / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
        self._nouns: dict[str, list[tuple[str, float]]] = {"NN": [], "NNS": []}
        for line in counts.splitlines():
            word, count = line.split()
            if word in words and tags.get(word) in self._nouns:
                self._nouns[tags[word]].append((word, int(count) ** 0.4))

    def draw(self, dice: random.Random) -> list[str]:
        """Draw a phrase of one to seven words."""
        shape = dice.choice((self._where, self._where, self._who, self._thing, self._moment, self._doing, self._chain))
        phrase = shape(dice)
        if dice.random() < 0.25:
            return [dice.choice(WORDS["adverbs"]), *phrase]
        return phrase

    def _where(self, dice: random.Random) -> list[str]:
        link = dice.choice(WORDS["places"] if dice.random() < 0.7 else WORDS["times"])
        return [link, *self._object(dice)]

    def _who(self, dice: random.Random) -> list[str]:
        who = (
            [dice.choice(WORDS["people"])]
            if dice.random() < 0.6
            else [dice.choice(WORDS["whose"]), self._noun(dice, "NN")]
        )
        when = [dice.choice(WORDS["adverbs"])] if dice.random() < 0.4 else []
        link = [dice.choice(WORDS["links"])] if dice.random() < 0.2 else []
        return (
            [*when, *who, dice.choice(WORDS["seeing"]), *link]
            if dice.random() < 0.8
            else [*who, dice.choice(WORDS["seeing"]), *when]
        )

    def _thing(self, dice: random.Random) -> list[str]:
        thing = [dice.choice(WORDS["whose"]), dice.choice(WORDS["things"])]
        if dice.random() < 0.5:
            first, _ = self._pair(dice, ("NN", "NN"), ("JJ", "NN"))
            thing = [thing[0], first, thing[1]]
        return [*thing, dice.choice(WORDS["showing"])] if dice.random() < 0.7 else [*thing, "of"]

    def _moment(self, dice: random.Random) -> list[str]:
        return [*dice.choice(MOMENTS)] if dice.random() < 0.6 else [dice.choice(WORDS["adverbs"]), *self._where(dice)]

    def _doing(self, dice: random.Random) -> list[str]:
        link = dice.choice(("while", "after", "before", "when", "by", "without", "just", "still", "again"))
        if dice.random() < 0.6:
            return [link, dice.choice(WORDS["doing"]), *self._object(dice)]
        return [link, *self._pair(dice, ("VBG", "NNS"), ("VBG", "IN"), ("VBG", "RB"))]

    def _chain(self, dice: random.Random) -> list[str]:
        """Draw words of which each follows the one before in real text."""
        words = [
            dice.choice([*WORDS["places"], *WORDS["times"], *WORDS["whose"], *WORDS["people"][:8], *WORDS["links"]])
        ]
        for _ in range(dice.randint(1, 4)):
            if not self._next[words[-1]]:
                break
            words += dice.choices(self._next[words[-1]], cum_weights=self._sums[words[-1]])
        return words

    def _object(self, dice: random.Random) -> list[str]:
        turn = dice.random()
        if turn < 0.35:
            return [*self._pair(dice, ("JJ", "NNS"), ("NN", "NNS"), ("VBG", "NNS"))]
        if turn < 0.6:
            return [dice.choice(WORDS["whose"]), self._noun(dice, "NN")]
        if turn < 0.85:
            return [dice.choice(WORDS["whose"]), *self._pair(dice, ("JJ", "NN"), ("NN", "NN"))]
        return [self._noun(dice, "NNS")]

    def _pair(self, dice: random.Random, *kinds: tuple[str, str]) -> tuple[str, str]:
        kind = dice.choice(kinds)
        return dice.choices(self._of[kind], cum_weights=self._sums[kind])[0]

    def _noun(self, dice: random.Random, kind: str) -> str:
        if not hasattr(self, "_noun_sums"):
            self._noun_sums = {k: list(accumulate(n for _, n in v)) for k, v in self._nouns.items()}
        return dice.choices(self._nouns[kind], cum_weights=self._noun_sums[kind])[0][0]


def _tags(lexicon: Path) -> dict[str, str]:
    """Return the most common part of speech of each word."""
    rows = (line.split() for line in lexicon.read_text(encoding="utf-8").splitlines() if not line.startswith(";"))
    return {row[0]: row[1] for row in rows if len(row) > 1}
