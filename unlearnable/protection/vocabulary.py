"""The words that triggers may hold: the table's or one's own, less those that describe a photo."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace
from pathlib import Path

from unlearnable.config import MethodSettings, TriggerSettings
from unlearnable.errors import ConfigError
from unlearnable.methods.base import Method
from unlearnable.methods.problem import Problem
from unlearnable.methods.resemblance import resemblance
from unlearnable.models.vocabulary import WORDS, Vocabulary, default_vocabulary, distinct, fault_of
from unlearnable.progress.reporting import Progress
from unlearnable.wording.counts import counted

FEWEST, A_PLACE = 50, 5  # words of one's own: fewer, or fewer for each place, leave too few different triggers
MOST = 64  # tokens of a trigger, so that the caption has some of the 77, too


def load_words(settings: TriggerSettings) -> Vocabulary:
    """Load the vocabulary: the file of the settings, or else the table.

    Raises:
        ConfigError: the file cannot be read, has too few words, or one that no model would read as it stands.
    """
    if settings.words is None:
        return default_vocabulary()
    lines = list(distinct(_lines(settings.words)))
    for number, phrase in lines:
        if fault := fault_of(phrase):
            raise ConfigError(f"{settings.words}, line {number}: {fault}", hint="write a plain word or phrase")
    wanted = max(FEWEST, A_PLACE * settings.trigger_length)
    if len(lines) < wanted:
        few = f"{settings.words} has {counted(len(lines), 'different word')}"
        raise ConfigError(f"{few}, too few for triggers", hint=f"give at least {wanted}, one a line")
    vocabulary = Vocabulary({"": [phrase for _, phrase in lines]})
    if vocabulary.longest * settings.trigger_length > MOST:
        number, _ = max(zip((n for n, _ in lines), vocabulary.tokens(""), strict=True), key=lambda one: len(one[1]))
        raise ConfigError(f"{settings.words}, line {number}: the phrase is too long", hint="write shorter phrases")
    return vocabulary


def words_digest(settings: TriggerSettings) -> str:
    """Return the SHA-256 of the words that a run chooses from.

    Raises:
        ConfigError: the file of the settings cannot be read.
    """
    if settings.words is None:
        return hashlib.sha256(WORDS.read_bytes()).hexdigest()
    return hashlib.sha256("\n".join(phrase for _, phrase in _lines(settings.words)).encode()).hexdigest()


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file of words that hold any, with their numbers; white space around them is left out."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is no regular file")
    try:
        text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error
    lines = enumerate((" ".join(line.split()) for line in text.splitlines()), 1)
    return [(number, line) for number, line in lines if line]


def compared(problem: Problem, method: Method, settings: MethodSettings, progress: Progress) -> Problem:
    """Return a problem that knows the words that describe its photos, for triggers."""
    if not method.has_trigger:
        return problem
    models, words = (problem.surrogates, problem.witness), problem.vocabulary
    seen = resemblance(problem.posts.pixels, *models, words, settings.precision, progress, problem.world)
    return replace(problem, resemblance=seen)
