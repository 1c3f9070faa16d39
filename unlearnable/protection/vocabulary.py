"""The material of triggers: a vocabulary without the words to avoid, and a language model that proposes words."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F

from unlearnable.config import MethodSettings, TriggerSettings
from unlearnable.errors import ConfigError
from unlearnable.methods.base import Method
from unlearnable.methods.problem import Problem, Proposer
from unlearnable.methods.resemblance import Resemblance, resemblance, text_features
from unlearnable.models import masked_language
from unlearnable.models.tokens import Vocabulary, default_vocabulary, natural_vocabulary, tokenizer, words_of
from unlearnable.progress.reporting import Progress
from unlearnable.protection.borrowing import KINDS, given_away, kinds_of, unlike
from unlearnable.wording.counts import counted

FEWEST = 100  # words that a vocabulary must have


def load_words(settings: TriggerSettings, device: str, *, proposing: bool) -> tuple[Vocabulary, Proposer | None]:
    """Load the vocabulary of the settings and, for natural triggers, the language model.

    Args:
        settings: vocabulary, language model and file of words to avoid.
        device: torch device that the language model runs on.
        proposing: False for methods without a trigger, which need no language model.

    Raises:
        ConfigError: the file of words to avoid cannot be read, or leaves too few words.
        ModelError: the language model is not available.
    """
    natural = settings.trigger_vocabulary == "natural"
    vocabulary, avoided = natural_vocabulary() if natural else default_vocabulary(), avoided_words(settings)
    if avoided:
        vocabulary = Vocabulary(set(vocabulary.words) - avoided, vocabulary.common - avoided)
    if len(vocabulary.words) < max(FEWEST, settings.trigger_length):
        raise ConfigError(
            f"{settings.avoid_words} leaves {counted(len(vocabulary.words), 'word')}, too few for triggers"
        )
    if not (natural and proposing):
        return vocabulary, None
    return vocabulary, masked_language.load(settings.language_model, vocabulary, device)


def avoided_words(settings: TriggerSettings) -> frozenset[str]:
    """Return the words of the user's file, separated by white space there and lower-cased here.

    Raises:
        ConfigError: the file cannot be read.
    """
    if settings.avoid_words is None:
        return frozenset()
    if settings.avoid_words.exists() and not settings.avoid_words.is_file():
        raise ConfigError(f"{settings.avoid_words} is no regular file")
    try:
        return frozenset(words_of(settings.avoid_words.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise ConfigError(f"cannot read {settings.avoid_words}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{settings.avoid_words} is not UTF-8 text") from error


def compared(problem: Problem, method: Method, settings: MethodSettings, progress: Progress) -> Problem:
    """Return a problem that knows the words that describe its photos and the names to borrow, for triggers."""
    if not method.has_trigger:
        return problem
    assert isinstance(settings, TriggerSettings)
    pixels, models = problem.posts.pixels, problem.surrogates
    seen = resemblance(pixels, models, problem.vocabulary, settings, progress, problem.world)
    problem = replace(problem, resemblance=seen)
    return _lending(problem, seen, settings) if problem.borrow_names else problem


def _lending(problem: Problem, seen: Resemblance, settings: TriggerSettings) -> Problem:
    """Return a problem that knows the names to borrow; those of an earlier result stay."""
    words = torch.tensor([tokenizer().encode(word) for kind in KINDS for word in kind])
    texts = text_features(problem.surrogates, words, settings.precision, problem.world)
    close = [photos @ F.normalize(features, dim=1).T for photos, features in zip(seen.photos, texts, strict=True)]
    described, photos = torch.stack(close).mean(dim=0).unflatten(1, (len(KINDS), -1)), torch.cat(seen.photos, dim=1)
    kinds = kinds_of(problem.captions, photos, described)
    borrowed = {**unlike(problem.captions, photos, kinds, problem.borrow_names), **problem.borrowed}
    return replace(problem, borrowed=borrowed, given_away=given_away(borrowed, kinds))
