"""Select what to explain: one post, from its manifest or as given, and the posts to place on a map."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from unlearnable.errors import ConfigError, InputError
from unlearnable.models.tokens import tokenizer
from unlearnable.protect.layout import METADATA
from unlearnable.protect.records import read_manifest
from unlearnable.report import ManifestLine
from unlearnable.settings import ExplainSettings
from unlearnable.storage.folders import MANIFEST, private_of, published_above
from unlearnable.training.reading import open_collection, read_photo
from unlearnable.wording import counted

COPIES = 5  # captions per post on the map, and copies of its photo


@dataclass(frozen=True)
class ExplainedPost:
    """A photo (h, w, 3) with a caption and the trigger in it, if there is one."""

    pixels: NDArray[np.uint8]
    caption: str
    trigger: str | None


@dataclass(frozen=True)
class MapPosts:
    """Photos (h, w, 3) with their ids and captions; `data` is the folder that they come from."""

    data: str
    ids: list[str]
    pixels: list[NDArray[np.uint8]]
    captions: list[list[str]]


def post_of(photo: Path, caption: str | None, trigger: str | None) -> ExplainedPost:
    """Return the post of a photo, with first caption and trigger from the manifest unless they are given.

    Raises:
        ConfigError: no caption is given or known, or it is empty.
        InputError: the photo cannot be read.
    """
    pixels = read_photo(photo).pixels
    line = manifest_line(photo)
    if line is not None:
        caption = caption if caption is not None else next(iter(line.captions), None)
        trigger = trigger if trigger is not None else line.trigger
    if not tokenizer().clean_fn(caption or "").split():
        raise ConfigError(f"no caption of {photo} is known", hint="pass one with --caption")
    return ExplainedPost(pixels, caption or "", trigger or None)


def manifest_line(photo: Path) -> ManifestLine | None:
    """Return the manifest line of a photo that `protect` wrote; None without one, or without its private folder.

    Raises:
        CheckpointError: the manifest is damaged.
    """
    for folder in published_above(photo):
        name = photo.resolve().relative_to(folder).as_posix()
        for line in read_manifest(private_of(folder) / MANIFEST):
            if line.output == name:
                return line
    return None


def choose_posts(settings: ExplainSettings) -> list[MapPosts]:
    """Choose the posts for the map at random from the first data set, and take the same posts from each other one.

    Raises:
        ConfigError: the numbers of models, data sets and caption files do not match.
        InputError: a data set lacks one of these posts, or a photo cannot be read.
    """
    if not settings.map:
        return []
    folders = counted(len(settings.map), "folder")
    if len(settings.map) not in (1, len(settings.model)):
        raise ConfigError(
            f"{folders} for the map and {counted(len(settings.model), 'model')} were given",
            hint="pass --map once, or once for each --model",
        )
    # a folder that `protect` wrote holds two caption files: use the one with all captions
    defaults = [folder / METADATA if (folder / METADATA).is_file() else None for folder in settings.map]
    captions: Sequence[Path | None] = settings.map_captions or defaults
    if len(captions) != len(settings.map):
        raise ConfigError(
            f"{folders} for the map and {counted(len(captions), 'caption file')} were given",
            hint="pass --map-captions once for each --map, or not at all",
        )
    chosen = []
    drawn: list[str] = []
    for folder, file in zip(settings.map, captions, strict=True):
        dataset = open_collection(folder, file)
        texts = dataset.captions_by_photo()
        photos = {photo.id: photo for photo in dataset.photos if texts[photo.id]}
        by_stem = {_stem(photo): photo for photo in photos}
        if not drawn:
            if len(photos) < 2:
                raise InputError(f"{folder} holds fewer than two photos with captions")
            drawn = sorted(random.Random(settings.seed).sample(sorted(photos), min(settings.map_posts, len(photos))))
        ids = [photo if photo in photos else by_stem.get(_stem(photo), "") for photo in drawn]
        if "" in ids:
            missing = _stem(drawn[ids.index("")])
            raise InputError(f"{folder} has no post {missing}", hint="choose folders that hold the same posts")
        chosen.append(
            MapPosts(
                data=str(folder),
                ids=ids,
                pixels=[read_photo(photos[photo].path).pixels for photo in ids],
                captions=[texts[photo][:COPIES] for photo in ids],
            )
        )
    return chosen


def _stem(photo: str) -> str:
    return str(PurePosixPath(photo).with_suffix(""))
