"""Where settings come from: the call, the environment, a file, a preset, and one line for what does not fit."""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ValidationError

from unlearnable.errors import ConfigError
from unlearnable.registry import did_you_mean
from unlearnable.settings.base import Settings, takes
from unlearnable.settings.benchmark import BenchmarkSettings
from unlearnable.settings.protect import ProtectSettings
from unlearnable.settings.verify import ExplainSettings, TrainSettings, VerifySettings
from unlearnable.storage.folders import CACHE, STATE
from unlearnable.wording import storable_within

PREFIX = "UNLEARNABLE_"  # of environment variables
DEBUG = f"{PREFIX}DEBUG"
LONGEST_VALUE = 80  # characters of a wrong value in a message
Kind = TypeVar("Kind", bound=Settings)


def resolve_as(kind: type[Kind], flags: Mapping[str, Any], file: Path | None = None) -> Kind:
    """Merge the sources of settings, the strongest first: flags, environment, file, preset, default.

    Args:
        kind: the settings of a command.
        flags: settings given by the caller; None means "not given".
        file: a TOML file of settings.

    Raises:
        ConfigError: an unknown setting or a value that does not fit, with the source it came from.
    """
    given, sources = given_settings(kind, flags, file)
    try:
        return kind(**given)
    except ValidationError as error:
        raise _explained(error, sources, kind) from error


def given_settings(
    kind: type[Settings], flags: Mapping[str, Any], file: Path | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that were given at all, and the file or variable that each came from; "" of flags.

    Arguments are those of `resolve_as`.

    Raises:
        ConfigError: there is no such setting, or the file cannot be read.
    """
    called = {name: value for name, value in flags.items() if value is not None}
    variables = _from_environment(kind)
    stored = _read(file) if file else {}
    layers: list[tuple[Mapping[str, Any], Callable[[str], str]]] = [
        (stored, lambda _: str(file)),
        (variables, _variable),
        (called, lambda _: ""),
    ]
    given: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer, source in layers:
        for name, value in layer.items():
            if name not in kind.model_fields:
                where = f" in {file}" if layer is stored else ""
                hint = did_you_mean(name[:LONGEST_VALUE], kind.model_fields)
                raise ConfigError(f"there is no setting {_shown(name)}{where}", hint=hint)
            given[name], sources[name] = value, source(name)
    return given, sources


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _from_environment(kind: type[Settings]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in kind.model_fields.keys() - kind.without_variable:
        if value := os.environ.get(_variable(name)):
            found[name] = split(kind, name, [value], _variable(name)) if takes(kind, name, tuple) else value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.exists() and not file.is_file():  # a pipe may wait for ever for somebody who writes to it
            raise ConfigError(f"{file} is not a regular file", hint="save the settings in a file")
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))  # Notepad writes a mark
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, or not TOML
        raise ConfigError(
            f"{file} is not TOML: {error}", hint="a run.toml that protect wrote is such a file"
        ) from error


def split(kind: type[BaseModel], name: str, values: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the values of a list that texts hold, separated by commas; a path with a comma stays whole if it exists.

    Raises:
        ConfigError: `source`, an option or a variable, holds no value, as where a script passes an empty variable.
    """
    paths = not takes(kind, name, int, float)
    parts = [part for value in values for part in _parts(value, paths=paths)]
    if not parts:
        raise ConfigError(f"{source} was given an empty value", hint="pass a value or leave it out")
    return tuple(parts)


def _parts(text: str, *, paths: bool) -> list[str]:
    """Return the longest pieces between commas that are paths, else single ones, without blanks around them."""
    pieces, parts = text.split(","), []
    while pieces:
        ends = range(len(pieces), 1, -1) if paths else ()
        end = next((end for end in ends if os.path.lexists(",".join(pieces[:end]).strip())), 1)
        parts.append(",".join(pieces[:end]).strip())
        pieces = pieces[end:]
    return [part for part in parts if part]


def _explained(error: ValidationError, sources: Mapping[str, str], kind: type[Settings]) -> ConfigError:
    """Return one line for the first thing that does not fit, and what its setting is."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ").replace("Input should", "needs to")
    if not first["loc"]:  # settings that do not go together
        return ConfigError(message)
    name = str(first["loc"][0])
    if first["type"] == "missing":
        others = [] if name in kind.without_variable else [f"set {_variable(name)}"]
        return ConfigError(f"`{name}` is not given", hint=" or ".join([f"give `{name}`", *others]))
    called, source = (name, f" from {sources[name]}") if sources.get(name) else (f"`{name}`", "")
    message = f"{called}: {message[0].lower()}{message[1:]} (got {_shown(first.get('input'))}{source})"
    return ConfigError(message, hint=kind.model_fields[name].description)


def _shown(value: Any) -> str:
    """Return a value as Python writes it, of several each, cut where it is long."""
    try:
        text = ", ".join(map(repr, value)) if isinstance(value, tuple) and value else repr(value)
    except ValueError:  # a number of more digits than Python prints
        return "a number of very many digits"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def absolute(settings: Kind) -> Kind:
    """Return the settings with absolute paths, which mean the same wherever they are read."""
    paths = {name: value for name, value in settings if takes(type(settings), name, Path) and value is not None}
    whole = {
        name: tuple(map(_whole, value)) if isinstance(value, tuple) else _whole(value) for name, value in paths.items()
    }
    return settings.model_copy(update=whole)


def _whole(path: Path) -> Path:
    return path.resolve() if ".." in path.parts else path.absolute()  # the folder before `..` may not stay


def to_toml(settings: Settings) -> str:
    """Return the settings as a TOML file that `resolve_as` reads back to the same, of printable characters."""
    given = {name: value for name, value in settings.model_dump(mode="json").items() if value not in (None, {})}
    text = tomli_w.dumps(storable_within(given))
    return "".join(c if c.isprintable() or c == "\n" else f"\\U{ord(c):08x}" for c in text)


def unknown_variables() -> dict[str, str]:
    """Return the variables with the program's prefix that set nothing, each with a hint at what may be meant."""
    known = {CACHE, STATE, DEBUG, _variable("data")}
    for kind in (ProtectSettings, VerifySettings, TrainSettings, BenchmarkSettings, ExplainSettings):
        known |= {_variable(name) for name in kind.model_fields.keys() - kind.without_variable}
    ends = [name.removeprefix(PREFIX) for name in known]  # what all have in common is alike in any two
    hints = {}
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        near = get_close_matches(name.removeprefix(PREFIX), ends, n=1)
        hints[name] = f"did you mean {PREFIX}{near[0]}?" if near else "docs/reference/cli.md lists all"
    return hints
