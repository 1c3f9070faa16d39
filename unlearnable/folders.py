"""The folders of a user: where models are kept, and what is remembered between runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from unlearnable.errors import ConfigError

CACHE, STATE = "UNLEARNABLE_CACHE", "UNLEARNABLE_STATE"


def cache_folder() -> Path:
    """Return the folder of trained victims and decoded photos; `UNLEARNABLE_CACHE` moves it.

    Raises:
        ConfigError: it is not named, and the user has no home folder that it could lie in.
    """
    return _folder(CACHE, user_cache_path)


def state_folder() -> Path:
    """Return the folder of the history, which need not exist; `UNLEARNABLE_STATE` moves it.

    Raises:
        ConfigError: it is not named, and the user has no home folder that it could lie in.
    """
    return _folder(STATE, user_state_path)


def _folder(variable: str, usual: Callable[[str], Path]) -> Path:
    if chosen := os.environ.get(variable):
        return Path(chosen)
    try:
        return usual("unlearnable")
    except RuntimeError as error:
        raise ConfigError("this user has no home folder", hint=f"set HOME, or {variable} to a folder") from error
