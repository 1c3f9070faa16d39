"""What triggers are made of: a vocabulary without the words the user avoids, and a language model to offer them."""

from __future__ import annotations

from unlearnable.config import MethodSettings
from unlearnable.errors import ConfigError
from unlearnable.methods.problem import Proposer
from unlearnable.models import masked_language
from unlearnable.models.tokens import Vocabulary, default_vocabulary, natural_vocabulary

FEWEST = 100


def load_words(settings: MethodSettings, device: str, *, proposing: bool = True) -> tuple[Vocabulary, Proposer | None]:
    """The vocabulary of the settings, and for natural triggers their language model.

    Args:
        settings: vocabulary, language model and the file of words to avoid.
        device: where the language model runs.
        proposing: False for methods without a trigger, which need no language model.

    Raises:
        ConfigError: the file of avoided words cannot be read, or leaves too few words.
        ModelError: the language model is not available.
    """
    natural = settings.trigger_vocabulary == "natural"
    vocabulary, avoided = natural_vocabulary() if natural else default_vocabulary(), avoided_words(settings)
    if avoided:
        vocabulary = Vocabulary(set(vocabulary.words) - avoided, vocabulary.common - avoided)
    if len(vocabulary.words) < max(FEWEST, settings.trigger_length):
        raise ConfigError(f"{settings.avoid_words} leaves {len(vocabulary.words)} words, too few for triggers")
    if not (natural and proposing):
        return vocabulary, None
    return vocabulary, masked_language.load(settings.language_model, vocabulary, device)


def avoided_words(settings: MethodSettings) -> frozenset[str]:
    """The words of the user's file, lower-cased; they stand between white space.

    Raises:
        ConfigError: the file cannot be read.
    """
    if settings.avoid_words is None:
        return frozenset()
    try:
        return frozenset(settings.avoid_words.read_text(encoding="utf-8-sig").lower().split())
    except OSError as error:
        raise ConfigError(f"cannot read {settings.avoid_words}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{settings.avoid_words} is not a text in UTF-8") from error
