"""What the settings of all commands have in common: how values are normalised, and what help texts say of them."""

import typing
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
    """A few words that a help text has in place of a default that only the run can know: "PHOTOS-protected"."""

    text: str


class Settings(BaseModel):
    """The settings of a command: frozen, without unknown names, with one value accepted where several are meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    without_variable: ClassVar[frozenset[str]] = frozenset()
    """Names of the settings that no environment variable sets."""

    @field_validator("*", mode="before")
    @classmethod
    def _normalised(cls, value: Any, info: ValidationInfo) -> Any:
        """Make a tuple of one value where several are meant, and refuse what only looks like a path or a number.

        Paths that a file could not store become those of the system, and `~` the home folder; the path of a model
        becomes a text. True and false are no numbers, and some numbers are too large to be printed.
        """
        name = info.field_name or ""
        form = _found if takes(cls, name, Path) else _text
        value = tuple(map(form, value)) if isinstance(value, list | tuple) else form(value)
        items = value if isinstance(value, tuple) else (value,)
        if takes(cls, name, Path) and "" in items:
            raise ValueError("an empty path")  # it would be the current folder
        if takes(cls, name, int, float) and any(isinstance(item, bool) for item in items):
            raise ValueError("a number is needed")
        if any(isinstance(item, int) and item.bit_length() > 64 for item in items):
            raise ValueError("the number is too large")
        return items if isinstance(value, str | Path | int | float) and takes(cls, name, tuple) else value


def _found(path: Any) -> Any:
    path = of_system(path) if isinstance(path, str) else path
    return at_home(Path(path)) if isinstance(path, str | Path) and str(path).startswith("~") else path


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def takes(kind: type[BaseModel], name: str, *types: Any) -> bool:
    """Return whether a setting is, or is made of, values of one of these types; `tuple` stands for a list."""
    return not _types(kind.model_fields[name].annotation).isdisjoint(types)


def _types(annotation: Any) -> set[Any]:
    origin = typing.get_origin(annotation)
    parts = () if origin is Literal else typing.get_args(annotation)
    return {origin or annotation}.union(*map(_types, parts))


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
    named: dict[str, str] = {}
    for model in models or ():
        name = Path(model).name.removesuffix(".safetensors")
        if named.setdefault(name, model) != model:
            raise ValueError(f"{named[name]} and {model} would look alike in tables; rename one")
    return models


ToldApart = AfterValidator(_told_apart)  # that the names of models, without their folders, differ
