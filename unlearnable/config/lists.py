"""Options and variables that take several values: one rule for all, commas or repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from unlearnable.config.base import takes_numbers
from unlearnable.errors import ConfigError


def split(kind: type[BaseModel], name: str, values: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the values that texts hold, separated by commas; a path with a comma in it stays whole if it exists.

    Args:
        kind: the settings of a command.
        name: a setting that takes several values.
        values: what an option was given, once or repeatedly, or what a variable holds.
        source: the option or variable, for the message.

    Raises:
        ConfigError: there is no value, as where a script passes an empty variable.
    """
    whole = not takes_numbers(kind, name)
    parts = [part for value in values for part in _parts(value, paths=whole)]
    if not parts:
        raise ConfigError(f"{source} was given an empty value", hint="pass a value or leave it out")
    return tuple(parts)


def _parts(text: str, *, paths: bool) -> list[str]:
    """The longest pieces between commas that are paths, else single ones; blanks around them are dropped."""
    pieces, parts = text.split(","), []
    while pieces:
        ends = range(len(pieces), 1, -1) if paths else ()
        end = next((end for end in ends if _exists(",".join(pieces[:end]))), 1)
        parts.append(",".join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [part for part in parts if part]


def _exists(path: str) -> bool:
    try:
        return Path(path.strip()).exists()
    except OSError:  # a name longer than the system allows
        return False
