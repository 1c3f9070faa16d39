"""Options that several commands share, and help texts that tell the default."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from unlearnable import config
from unlearnable.errors import ConfigError


def told(kind: type[BaseModel], name: str) -> str:
    """The default of a setting, for its help text."""
    value = kind.model_fields[name].default
    return f"(default: {', '.join(map(str, value)) if isinstance(value, tuple) else value})"


Device = Annotated[config.Device | None, typer.Option(help="Where models run: auto, cpu, cuda, mps. (default: auto)")]
Seed = Annotated[int | None, typer.Option(help="Of all randomness. (default: 0)")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")]
PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print the settings and stop.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")]

BatchSize = Annotated[int | None, typer.Option(help=f"Pairs in a batch. {told(config.Recipe, 'batch_size')}")]
SmallestCrop = Annotated[
    float | None, typer.Option(help=f"Smallest share of a photo in a crop. {told(config.Recipe, 'smallest_crop')}")
]


def several(values: list[str] | None) -> tuple[str, ...] | None:
    """Values that were repeated or parted by commas; None where the option was not given.

    Raises:
        ConfigError: it was given without a value, as an empty variable of a script does.
    """
    if not values:
        return None
    parts = tuple(part.strip() for value in values for part in value.split(",") if part.strip())
    if not parts:
        raise ConfigError("an option was given an empty value", hint="give it a value or leave it out")
    return parts


def print_json(result: BaseModel) -> None:
    """One JSON object on stdout and nothing else there."""
    sys.stdout.write(result.model_dump_json() + "\n")
