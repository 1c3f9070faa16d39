"""Errors for users: one class for each kind of failure, with its exit code.

UnlearnableError          1  unexpected, or not one of the kinds below
|- ConfigError            2  a setting or an option is wrong
|  `- UnknownName         2  no method, attack, format or the like has that name
|- InputError             3  photos or captions cannot be used
|- ModelError             4  a surrogate or language model is not available
|- OutputError            5  results cannot be written
|- CheckpointError        6  a checkpoint or a record is damaged, or belongs to another run
`- Interrupted          130  the user stopped it
"""

import re
from collections.abc import Callable

__all__ = [
    "CheckpointError", "ConfigError", "InputError", "Interrupted", "ModelError", "OutputError", "UnlearnableError",
]  # fmt: skip

EXIT_UNEXPECTED = 1
EXIT_MISSED = 10  # no error: `verify` misses an objective, or a folder is not as its run wrote it


_NAMED = re.compile(r"`([a-z_]+)(?:=([^`]+))?`")


class UnlearnableError(Exception):
    """An error with one line for the user and, where there is one, a remedy.

    Both name settings as Python does: `output`, `overwrite=True`. Whoever shows them to other readers spells these
    names as their readers know them, see `worded`.

    Args:
        message: what went wrong, naming the file or the option.
        hint: what to do about it; printed on a line of its own.

    Attributes:
        exit_code: the status that the command line exits with.
    """

    exit_code = EXIT_UNEXPECTED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def line(self) -> str:
        """The message with the remedy in brackets, for a note."""
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:  # a copy from another process has all attributes, whatever made it
        return _copied, (type(self), self.args, self.__dict__)


def worded(text: str, spell: Callable[[str, str | None], str | None]) -> str:
    """Return a text of an error with its settings in other words.

    Args:
        text: names settings in backticks, alone or with a value: `output`, `overwrite=True`, `names='initials'`.
        spell: returns the words for a name and its value, as it is in Python; None leaves them as they are.
    """
    return _NAMED.sub(lambda found: spell(found[1], found[2]) or found[0], text)


def _copied(
    kind: type[UnlearnableError], arguments: tuple[object, ...], attributes: dict[str, object]
) -> UnlearnableError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    return error


class ConfigError(UnlearnableError):
    """A setting, an option or a name that does not exist or does not fit; also a missing library of an extra."""

    exit_code = 2


class UnknownName(ConfigError, KeyError):
    """A name that a registry does not hold; also a `KeyError`, which a mapping is expected to raise."""

    def __str__(self) -> str:  # that of `KeyError` puts the message in quotes
        return self.message


class InputError(UnlearnableError):
    """No usable photo or caption, or photos that changed while the run went on."""

    exit_code = 3


class ModelError(UnlearnableError):
    """A model that cannot be found, fetched or used, or whose use would leave the posts hardly protected."""

    exit_code = 4


class OutputError(UnlearnableError):
    """A result that cannot be written, or would replace something."""

    exit_code = 5


class CheckpointError(UnlearnableError):
    """A checkpoint or a record that is damaged, or was made with other settings."""

    exit_code = 6


class Interrupted(UnlearnableError):
    """The user pressed Ctrl-C; finished work is kept. Raised by the command line and the window."""

    exit_code = 130
