"""Where settings come from: flags > environment > TOML file > preset > default; and back to TOML."""

from __future__ import annotations

import os
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from unlearnable.config.protect import PRESETS
from unlearnable.errors import ConfigError
from unlearnable.registry import did_you_mean

ENVIRONMENT = "UNLEARNABLE_"
Settings = TypeVar("Settings", bound=BaseModel)


def resolve_as(kind: type[Settings], flags: Mapping[str, Any], file: Path | None = None) -> Settings:
    """Merge the sources of settings, the strongest first: flags, environment, file, preset, default.

    Args:
        kind: the settings of a command.
        flags: settings given by the caller; None means "not given".
        file: a TOML file of settings.

    Raises:
        ConfigError: an unknown setting or a value that does not fit, with the source it came from.
    """
    layers = [
        ("", {name: value for name, value in flags.items() if value is not None}),
        ("the environment", _environment(kind)),
        (str(file), _read(file) if file else {}),
    ]
    given: dict[str, Any] = {}
    for source, layer in reversed(layers):
        for name in layer:
            if name not in kind.model_fields:
                hint = did_you_mean(name, list(kind.model_fields))
                raise ConfigError(f"there is no setting {name!r} in {source or 'the call'}", hint=hint)
        given |= layer
    if "preset" in kind.model_fields:
        preset = given.get("preset", kind.model_fields["preset"].default)
        given = {**PRESETS.get(preset, {}), **given}
    try:
        return kind(**given)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def to_toml(settings: BaseModel) -> str:
    """The settings as a TOML file that `resolve_as` reads back to the same."""
    lines = []
    for name, value in settings.model_dump(mode="json").items():
        if value not in (None, {}):
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _environment(kind: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        value = os.environ.get(ENVIRONMENT + name.upper())
        if value and name != "data":  # UNLEARNABLE_DATA is the folder of all data sets
            many = tuple in (typing.get_origin(one) for one in (field.annotation, *typing.get_args(field.annotation)))
            found[name] = tuple(value.split(",")) if many else value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _explain(error: ValidationError) -> str:
    """One line for the first thing that does not fit."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]} (got {first.get('input')!r})"
