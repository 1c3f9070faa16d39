"""The folders of a user: the cache, what is remembered between runs, and the pair that `protect` writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from unlearnable.errors import ConfigError, OutputError

CACHE, STATE = "UNLEARNABLE_CACHE", "UNLEARNABLE_STATE"
MANIFEST = "manifest.jsonl"
NO_HOME = "this user has no home folder"


def cache_folder() -> Path:
    """Return the folder of trained victims and decoded photos; `UNLEARNABLE_CACHE` moves it.

    Raises:
        ConfigError: it is not named, and the user has no home folder that it could lie in.
    """
    return _folder(CACHE, user_cache_path)


def state_folder() -> Path:
    """Return the folder of what is remembered between runs, which need not exist; `UNLEARNABLE_STATE` moves it.

    Raises:
        ConfigError: as for the cache.
    """
    return _folder(STATE, user_state_path)


def _folder(variable: str, usual: Callable[[str], Path]) -> Path:
    if chosen := os.environ.get(variable):
        return at_home(Path(chosen))
    try:
        return usual("unlearnable")
    except RuntimeError as error:
        raise ConfigError(NO_HOME, hint=f"set HOME, or {variable} to a folder") from error


def at_home(path: Path) -> Path:
    """Return a path in which `~` is the user's home, as shells leave it in `--output=~/posts` and in quotes."""
    try:
        return path if os.path.lexists(path) else path.expanduser()
    except RuntimeError:  # there is no such user, so that the name is a folder's
        return path


def private_of(output: Path) -> Path:
    """Return the private folder beside `output`, which must not be published."""
    return output.with_name(f"{output.name}.private")


def published_above(path: Path) -> Iterator[Path]:
    """Yield each folder above a path that `protect` wrote: its private folder, with the manifest, is beside it."""
    for folder in path.resolve().parents[:-1]:  # there is no folder beside the root
        if (private_of(folder) / MANIFEST).is_file():
            yield folder


def refuse_published(path: Path) -> None:
    """Refuse to write what shows or names originals into a folder that may be published.

    Raises:
        OutputError: `protect` wrote the folder that the path lies in.
    """
    for folder in published_above(path):
        hint = "choose a place outside of it"
        raise OutputError(f"{path} would lie in {folder}, which is to be published", hint=hint)


def refuse_among(output: Path, *inputs: Path | None) -> None:
    """Refuse to write into a folder that is read.

    Raises:
        ConfigError: the output lies in one of the inputs.
    """
    for folder in filter(None, inputs):
        if folder.is_dir() and output.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(f"the output {output} lies in {folder}, which is read", hint="choose another `output`")


def check_apart(output: Path, *inputs: Path) -> None:
    """Refuse an output that lies in an input, or contains one.

    Raises:
        ConfigError: it does.
    """
    target = output.resolve()
    for root in (path.resolve() for path in inputs):
        if target.is_relative_to(root) or root.is_relative_to(target):
            raise ConfigError(f"the output {target} and {root} overlap", hint="choose another `output`")


def among_photos_note(written: Path, photo: Path | None) -> list[str]:
    """Return a note where pictures were written into the folder of the photo that they show."""
    if photo is None or not written.resolve().is_relative_to(folder := photo.resolve().parent):
        return []
    return [f"{written} lies in {folder} as the photo does, where protect takes pictures for photos: move it elsewhere"]
