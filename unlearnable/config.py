"""Settings of a run and where they come from: flags > environment > TOML file > preset > default.

Each default is written once, on its field; a preset says only what it changes.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearnable.errors import ConfigError
from unlearnable.registry import did_you_mean

Preset = Literal["fast", "balanced", "strong"]
Scope = Literal["post", "user"]
Position = Literal["start", "end", "random"]
Vocabulary = Literal["words"]
Format = Literal["auto", "png", "webp", "jpeg"]
Keep = Literal["none", "safe", "all"]
Device = Literal["auto", "cpu", "cuda", "mps"]

ENVIRONMENT = "UNLEARNABLE_"
PRESETS: dict[str, dict[str, Any]] = {
    "fast": {"max_rounds": 4, "surrogate_steps": 4, "trigger_rounds": 1},
    "balanced": {},
    "strong": {"max_rounds": 20, "surrogate_steps": 12, "trigger_rounds": 4, "beam_width": 3},
}


class MethodSettings(BaseModel):
    """What the optimisation of noise and triggers is told; pixel units are 1/255."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epsilon: Annotated[int, Field(ge=1, le=64, description="L-inf bound of the noise, in 1/255")] = 8
    step_size: Annotated[int, Field(ge=1, le=16, description="size of a signed noise step, in 1/255")] = 1
    noise_steps: Annotated[int, Field(ge=1, description="noise steps a photo and round (N)")] = 8
    surrogate_steps: Annotated[int, Field(ge=0, description="surrogate training steps a round (M)")] = 8
    max_rounds: Annotated[int, Field(ge=1, description="rounds at most")] = 8
    threshold: Annotated[float, Field(gt=0, description="stop when the loss is below this")] = 0.01
    learning_rate: Annotated[float, Field(gt=0, description="of the surrogate (AdamW)")] = 1e-4
    weight_decay: Annotated[float, Field(ge=0, description="of the surrogate's matrices")] = 0.2
    batch_size: Annotated[int, Field(ge=2, description="photos in a contrastive batch")] = 64
    trigger_length: Annotated[int, Field(ge=1, le=20, description="words a trigger")] = 3
    trigger_scope: Annotated[Scope, Field(description="a trigger a photo, or one for all")] = "post"
    trigger_position: Annotated[Position, Field(description="where in the caption the trigger stands")] = "start"
    trigger_rounds: Annotated[int, Field(ge=0, description="rounds that improve the triggers")] = 2
    candidates: Annotated[int, Field(ge=1, le=256, description="words tried at each position (top k)")] = 16
    beam_width: Annotated[int, Field(ge=1, le=16, description="triggers kept in the search")] = 1
    enlarge: Annotated[
        Literal["bilinear", "nearest"], Field(description="how the noise grid is enlarged to the photo")
    ] = "bilinear"


class ProtectSettings(MethodSettings):
    """Everything a `protect` run depends on; saved with it as run.toml."""

    photos: Path
    captions: Path | None = None
    output: Path | None = None
    method: str = "mem"
    surrogate: tuple[str, ...] = ("small",)
    preset: Preset = "balanced"
    trigger_vocabulary: Vocabulary = "words"
    format: Format = "auto"
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    keep_metadata: Keep = "safe"
    strict: bool = False
    seed: int = 0
    device: Device = "auto"


PLACES = frozenset({"photos", "captions", "output"})


def resolve(flags: Mapping[str, Any], file: Path | None = None) -> ProtectSettings:
    """Merge the sources of settings, the strongest first: flags, environment, file, preset, default.

    Args:
        flags: settings given by the caller; None means "not given".
        file: a TOML file of settings.

    Raises:
        ConfigError: an unknown setting or a value that does not fit, with the source it came from.
    """
    layers = [
        ("", {name: value for name, value in flags.items() if value is not None}),
        ("the environment", _environment()),
        (str(file), _read(file) if file else {}),
    ]
    given: dict[str, Any] = {}
    for source, layer in reversed(layers):
        for name in layer:
            if name not in ProtectSettings.model_fields:
                hint = did_you_mean(name, list(ProtectSettings.model_fields))
                raise ConfigError(f"there is no setting {name!r} in {source or 'the call'}", hint=hint)
        given |= layer
    preset = given.get("preset", ProtectSettings.model_fields["preset"].default)
    try:
        return ProtectSettings(**{**PRESETS.get(preset, {}), **given})
    except ValidationError as error:
        raise ConfigError(_explain(error)) from error


def to_toml(settings: ProtectSettings) -> str:
    """The settings as a TOML file that `resolve` reads back to the same."""
    lines = []
    for name, value in settings.model_dump(mode="json").items():
        if value is not None:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def digest(settings: ProtectSettings) -> str:
    """Hash of what the result depends on: everything but where the files lie and the device's name."""
    return hashlib.sha256(settings.model_dump_json(exclude={*PLACES, "strict"}).encode()).hexdigest()


def _environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ProtectSettings.model_fields:
        value = os.environ.get(ENVIRONMENT + name.upper())
        if value:
            found[name] = tuple(value.split(",")) if name == "surrogate" else value
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
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _explain(error: ValidationError) -> str:
    """One line for the first thing that does not fit."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]} (got {first.get('input')!r})"
