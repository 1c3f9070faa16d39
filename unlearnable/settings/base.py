"""What the settings of all commands have in common: how they are checked, what they are called, what they need."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from unlearnable.storage.folders import at_home
from unlearnable.wording import of_system

Device = Literal["auto", "cpu", "cuda", "mps"]
DeviceSetting = Annotated[Device, Field(description="Device: auto, cpu, cuda or mps.")]
Precision = Literal["auto", "fp32", "bf16"]
PrecisionSetting = Annotated[
    Precision,
    Field(description="Number format of the gradient steps; auto is the faster one for each model on this machine."),
]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Seeds = Annotated[
    tuple[Seed, ...],
    Field(min_length=1, description="Seeds, one training with each."),
    AfterValidator(lambda seeds: tuple(dict.fromkeys(seeds))),
]
SeedSetting = Annotated[Seed, Field(description="Seed that all randomness follows from.")]


@dataclass(frozen=True)
class DefaultText:
    """What a help text says in place of a default that only the run can know; part of a field's annotation.

    Attributes:
        text: a few words, such as "PHOTOS-protected".
    """

    text: str


class Settings(BaseModel):
    """The settings of a command: frozen, without unknown names, with one value accepted where several are meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    without_variable: ClassVar[frozenset[str]] = frozenset()
    """Names of the settings that no environment variable sets."""

    spelt: ClassVar[Mapping[str, str]] = {}
    """What is proposed to somebody who writes the name of an option that its setting does not have, by that name."""

    @field_validator("*", mode="before")
    @classmethod
    def _normalised(cls, value: Any, info: ValidationInfo) -> Any:
        """Make a tuple of one value where several are meant, and refuse what only looks like a number.

        Those are numbers that cannot even be printed, and true and false, which would count as 1 and 0. Paths that a
        file could not store become those of the system, and `~` the home folder; the path of a model becomes a text.
        """
        form = _found if takes_paths(cls, info.field_name or "") else _text
        value = [form(one) for one in value] if isinstance(value, list | tuple) else form(value)
        items = value if isinstance(value, list | tuple) else (value,)
        if takes_paths(cls, info.field_name or "") and "" in items:
            raise ValueError("an empty path")  # it would be the current folder
        if takes_numbers(cls, info.field_name or "") and any(isinstance(item, bool) for item in items):
            raise ValueError("a number is needed")
        if any(isinstance(item, int) and item.bit_length() > 64 for item in items):
            raise ValueError("the number is too large")
        alone = isinstance(value, str | Path | int | float)
        return (value,) if alone and takes_several(cls, info.field_name or "") else value


def _found(path: Any) -> Any:
    path = of_system(path) if isinstance(path, str) else path
    return at_home(Path(path)) if isinstance(path, str | Path) and str(path).startswith("~") else path


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def takes_several(kind: type[BaseModel], name: str) -> bool:
    """Return whether a setting is a list, which may be left out."""
    return _several(kind.model_fields[name].annotation)


def takes_numbers(kind: type[BaseModel], name: str) -> bool:
    """Return whether a setting is a number or a list of numbers."""
    return not {int, float}.isdisjoint(_leaves(kind.model_fields[name].annotation))


def takes_whole_numbers(kind: type[BaseModel], name: str) -> bool:
    """Return whether a setting is a whole number or a list of them."""
    return int in _leaves(kind.model_fields[name].annotation)


def takes_paths(kind: type[BaseModel], name: str) -> bool:
    """Return whether a setting is a path or a list of paths."""
    return Path in _leaves(kind.model_fields[name].annotation)


def default_text(kind: type[BaseModel], name: str) -> str:
    """Return the default of a setting as help texts show it; empty where there is none."""
    field = kind.model_fields[name]
    for note in field.metadata:
        if isinstance(note, DefaultText):
            return note.text
    value = field.default
    if field.is_required() or value is None or value is False or value == ():
        return ""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _told_apart(models: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Refuse different model files of one name, which tables and files are called by."""
    named: dict[str, str] = {}
    for model in models or ():
        name = Path(model).name.removesuffix(".safetensors")
        if named.setdefault(name, model) != model:
            raise ValueError(f"{named[name]} and {model} would look alike in tables; rename one")
    return models


ToldApart = AfterValidator(_told_apart)
"""That the names of models, without their folders, differ."""


def _leaves(annotation: Any) -> set[Any]:
    inner = () if typing.get_origin(annotation) is Literal else typing.get_args(annotation)
    return set().union(*map(_leaves, inner)) if inner else {annotation}


def _several(annotation: Any) -> bool:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    return origin is tuple or (origin is not Literal and any(map(_several, inner)))


FAULTS = frozenset(
    {
        "int_type", "int_parsing", "int_parsing_size", "int_from_float", "float_type", "float_parsing", "finite_number",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    }
)  # fmt: skip
"""Types of pydantic's errors that say of a value that it is no such number."""


@dataclass(frozen=True)
class Unit:
    """What a setting is counted in, for those who may think of another unit; part of a field's annotation.

    Attributes:
        text: a few words, such as "in 1/255".
    """

    text: str


def needed(kind: type[BaseModel], name: str) -> str:
    """Return what a setting needs that is a number, or a list of numbers: "needs a whole number from 1 to 64"."""
    number = _number(kind.model_json_schema()["properties"][name]) or {}
    low, high = number.get("minimum"), number.get("maximum")
    words = {
        "at least": low, "above": number.get("exclusiveMinimum"),
        "at most": high, "below": number.get("exclusiveMaximum"),
    }  # fmt: skip
    bounds = " and ".join(f"{word} {bound}" for word, bound in words.items() if bound is not None)
    within = f" from {low} to {high}" if None not in (low, high) else f", {bounds}" if bounds else ""
    units = [note.text for note in kind.model_fields[name].metadata if isinstance(note, Unit)]
    return ", ".join([f"needs a {'whole ' if number.get('type') == 'integer' else ''}number{within}", *units])


def _number(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of a JSON schema that describes a number, or None."""
    if schema.get("type") in ("integer", "number"):
        return schema
    parts = [*schema.get("anyOf", ()), *filter(None, [schema.get("items")])]
    return next((found for part in parts if (found := _number(part))), None)
