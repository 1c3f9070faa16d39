"""The keywords of the public calls are the settings of the commands, with the types a user may give."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import reduce
from inspect import signature
from operator import or_
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

import unlearnable
from unlearnable import options
from unlearnable.config import MEMSettings, ProtectionSettings, Schedule

COMMANDS = ("protect", "train", "verify", "benchmark", "explain")
MODELS = {"surrogate", "towers", "victims", "model"}
OF_THE_CALL = {"add", "resume", "overwrite", "config", "progress", "settings"}


def accepted(kind: Any, text: Any = str) -> Any:
    """The type that a caller may give for a setting of a type: paths as text too, one value where several are meant."""
    if get_origin(kind) in (Union, types.UnionType):
        return reduce(or_, (accepted(one, text) for one in get_args(kind)))
    if get_origin(kind) is tuple:
        item = accepted(get_args(kind)[0], text)
        return item | types.GenericAlias(Sequence, (item,))
    if get_origin(kind) is dict:
        return types.GenericAlias(Mapping, get_args(kind))
    if kind is Path:
        return str | Path
    if kind is str:
        return text
    assert kind in (int, float, bool, type(None)) or get_origin(kind) is Literal, f"no rule for {kind}"
    return kind


def expected(settings: type[BaseModel]) -> dict[str, Any]:
    """The keys of options for these settings, and their types."""
    hints = get_type_hints(settings)
    return {name: accepted(hints[name], str | Path if name in MODELS else str) for name in settings.model_fields}


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_the_settings_that_the_call_does_not_name_itself(name: str):
    settings = getattr(unlearnable, f"{name.capitalize()}Settings")
    named = signature(getattr(unlearnable, name)).parameters.keys() - OF_THE_CALL
    assert named <= settings.model_fields.keys()
    wanted = {key: kind for key, kind in expected(settings).items() if key not in named}
    assert get_type_hints(getattr(options, f"{name.capitalize()}Options")) == wanted


@pytest.mark.parametrize(
    ("shared", "settings"),
    [
        (options.MethodOptions, MEMSettings),
        (options.ProtectionOptions, ProtectionSettings),
        (options.ScheduleOptions, Schedule),
    ],
)
def test_options_that_calls_share_are_the_settings_that_they_share(shared: type, settings: type[BaseModel]):
    assert get_type_hints(shared) == expected(settings)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_required(name: str):
    assert getattr(options, f"{name.capitalize()}Options").__required_keys__ == frozenset()


@pytest.mark.parametrize(
    ("setting", "option"),
    [
        (Path | None, str | Path | None),
        (tuple[str, ...], str | Sequence[str]),
        (tuple[Path, ...], str | Path | Sequence[str | Path]),
        (tuple[float, ...] | None, float | Sequence[float] | None),
        (dict[str, int | str], Mapping[str, int | str]),
        (Literal["a", "b"], Literal["a", "b"]),
    ],
)
def test_what_a_caller_may_give(setting: Any, option: Any):
    assert accepted(setting) == option
