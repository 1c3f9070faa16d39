"""Where settings come from: flags > environment > TOML file > preset > default; and back to TOML."""

from __future__ import annotations

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
from unlearnable.settings import base
from unlearnable.settings.base import Settings, takes_numbers, takes_paths, takes_several
from unlearnable.settings.benchmark import BenchmarkSettings
from unlearnable.settings.explain import ExplainSettings
from unlearnable.settings.protect import PRESETS, ProtectSettings
from unlearnable.settings.train import TrainSettings
from unlearnable.settings.verify import VerifySettings
from unlearnable.storage.folders import CACHE, STATE
from unlearnable.wording import storable_within


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


ENVIRONMENT = "UNLEARNABLE_"
LARGEST_FILE = 2**20  # bytes
LONGEST_VALUE = 80  # characters of a wrong value in a message
_NEEDED = {  # what pydantic says in words of its own, by the type of its error
    "bool_type": "needs to be true or false",
    "bool_parsing": "needs to be true or false",
    "path_type": "needs to be a path",
    "string_type": "needs to be text",
    "too_short": "needs at least one value",
    "tuple_type": "needs to be one value or a list of them",
}
Kind = TypeVar("Kind", bound=Settings)


def resolve_as(kind: type[Kind], flags: Mapping[str, Any], file: Path | None = None) -> Kind:
    """Merge the sources of settings, the strongest first: flags, environment, file, preset, default.

    Where a flag or the environment names a preset, what the file holds by a preset of its own does not count: a
    run.toml holds every setting.

    Args:
        kind: the settings of a command.
        flags: settings given by the caller; None means "not given".
        file: a TOML file of settings.

    Raises:
        ConfigError: an unknown setting or a value that does not fit, with the source it came from.
    """
    given, sources = given_settings(kind, flags, file)
    if "preset" in kind.model_fields:
        preset = given.get("preset", kind.model_fields["preset"].default)
        given = {**(PRESETS.get(preset, {}) if isinstance(preset, str) else {}), **given}
    try:
        return kind(**given)
    except ValidationError as error:
        raise _explained(error, sources, kind) from error


def given_settings(
    kind: type[Settings], flags: Mapping[str, Any], file: Path | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that were given at all, as they were given, and what each of them came from.

    Arguments are those of `resolve_as`; a setting that the caller gave came from "".

    Raises:
        ConfigError: there is no such setting, or the file cannot be read.
    """
    variables = _from_environment(kind)
    called = {name: value for name, value in flags.items() if value is not None}
    stored = read_file(file) if file else {}
    if preset := called.get("preset", variables.get("preset")):
        stored = _without_preset(kind, stored, str(preset))
    layers: list[tuple[str, Callable[[str], str], dict[str, Any]]] = [
        (str(file), lambda _: str(file), stored),
        ("the environment", variable, variables),
        ("the call", lambda _: "", called),
    ]
    given: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for where, source, layer in layers:
        for name in layer:
            if name not in kind.model_fields:
                meant = kind.spelt.get(name)
                hint = f"did you mean {meant!r}?" if meant else did_you_mean(name[:LONGEST_VALUE], kind.model_fields)
                raise ConfigError(f"there is no setting {_shown(name)} in {where}", hint=hint)
        given |= layer
        sources |= {name: source(name) for name in layer}
    return given, sources


def _without_preset(kind: type[Settings], stored: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    """Return the settings of a file without those that are as its own preset has them and that another one changes."""
    own = PRESETS.get(str(stored.get("preset")))
    if own is None:
        return dict(stored)
    changed = own.keys() | PRESETS.get(chosen, {}).keys()
    as_preset = {name: own.get(name, kind.model_fields[name].default) for name in changed & kind.model_fields.keys()}
    return {
        name: value
        for name, value in stored.items()
        if name not in as_preset or (tuple(value) if isinstance(value, list) else value) != as_preset[name]
    }


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return ENVIRONMENT + name.upper()


def _from_environment(kind: type[Settings]) -> dict[str, Any]:
    """Return the settings of a command that environment variables name.

    Raises:
        ConfigError: the variable of a list holds commas alone.
    """
    found: dict[str, Any] = {}
    for name in kind.model_fields.keys() - kind.without_variable:
        source = variable(name)
        if value := os.environ.get(source):
            found[name] = split(kind, name, [value], source) if takes_several(kind, name) else value
    return found


def absolute(settings: Kind) -> Kind:
    """Return the settings with absolute paths, which mean the same wherever they are read."""
    paths = {name: value for name, value in settings if takes_paths(type(settings), name) and value is not None}
    return settings.model_copy(update={name: _absolute(value) for name, value in paths.items()})


def _absolute(value: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
    return tuple(map(_whole, value)) if isinstance(value, tuple) else _whole(value)


def _whole(path: Path) -> Path:
    return path.resolve() if ".." in path.parts else path.absolute()  # the folder before `..` may not stay


def to_toml(settings: Settings) -> str:
    """Return the settings as a TOML file that `resolve_as` reads back to the same, of printable characters."""
    given = {name: value for name, value in settings.model_dump(mode="json").items() if value not in (None, {})}
    text = tomli_w.dumps(storable_within(given))
    return "".join(c if c.isprintable() or c == "\n" else f"\\U{ord(c):08x}" for c in text)


def read_file(file: Path) -> dict[str, Any]:
    """Return what a file of settings holds.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        if file.exists() and not file.is_file():  # a pipe may wait for ever for somebody who writes to it
            raise ConfigError(f"{file} is no regular file", hint="save the settings in a file")
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise ConfigError(f"{file} is too large for a file of settings")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # Notepad writes a mark
    except RecursionError as error:
        raise ConfigError(f"{file} is not a file of settings: it is nested too deeply") from error
    except ValueError as error:  # not UTF-8, not TOML, or a number of thousands of digits
        raise ConfigError(f"{file} is not TOML: {error}", hint="--print-config prints such a file") from error


def _explained(error: ValidationError, sources: Mapping[str, str], kind: type[Settings]) -> ConfigError:
    """One line for the first thing that does not fit."""
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # settings that do not go together
        return ConfigError(message)
    name = str(first["loc"][0])
    if first["type"] == "missing":
        others = [] if name in kind.without_variable else [f"set {variable(name)}"]
        return ConfigError(f"`{name}` is not given", hint=" or ".join([f"give `{name}`", *others]))
    source = f" from {sources[name]}" if sources.get(name) else ""
    called = name if source else f"`{name}`"
    if first["type"] in base.FAULTS:
        message = base.needed(kind, name)
    message = _NEEDED.get(first["type"], message).replace("Input should be", "needs to be")
    return ConfigError(f"{called}: {message[0].lower()}{message[1:]} (got {_shown(first.get('input'))}{source})")


def _shown(value: Any) -> str:
    """A value as Python writes it, of several each, cut where it is long."""
    try:
        text = ", ".join(map(repr, value)) if isinstance(value, tuple) and value else repr(value)
    except ValueError:  # a number of more digits than Python prints
        return "a number of very many digits"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


_KINDS = (ProtectSettings, VerifySettings, TrainSettings, BenchmarkSettings, ExplainSettings)
_LISTED = "docs/reference/cli.md"


def unknown_variables() -> dict[str, str]:
    """Return the variables with the program's prefix that nothing reads, each with a hint at what may be meant."""
    known = {CACHE, STATE, variable("data")}
    for kind in _KINDS:
        for name in kind.model_fields.keys() - kind.without_variable:
            known.add(variable(name))
    strange = sorted(name for name in os.environ if name.startswith(ENVIRONMENT) and name not in known)
    return {name: _hint(name, known) for name in strange}


def _hint(name: str, known: set[str]) -> str:
    rest = {one.removeprefix(ENVIRONMENT): one for one in known}  # what all have in common is alike in any two
    near = get_close_matches(name.removeprefix(ENVIRONMENT), rest, n=1)
    return f"did you mean {rest[near[0]]}?" if near else f"{_LISTED} lists all"
