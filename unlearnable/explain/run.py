"""`explain` (what models attend to in a post, how close they place posts) and `preview` (photo, copy and noise)."""

from __future__ import annotations

import math
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.explain import attribution, embedding_map
from unlearnable.explain.figures import KINDS, Panel, draw_attention, draw_map
from unlearnable.imaging.placement import as_copied, is_reduced, working_copy
from unlearnable.imaging.visibility import compare, visibility
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fetch, load as load_model
from unlearnable.models.tokens import tokenizer
from unlearnable.protect.layout import METADATA
from unlearnable.protect.records import read_manifest
from unlearnable.report import EmbeddingMap, ExplainReport, Explanation, MapPoint, PreviewReport, WordRecord
from unlearnable.report.common import made_by
from unlearnable.report.pictures import sheet
from unlearnable.settings import ExplainSettings
from unlearnable.storage import files, folders, locks
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import PLAIN_VIEW, load_view, open_collection, read_photo
from unlearnable.wording import counted

ATTENTION, MAP, REPORT = "attention", "map", "explain.json"
FIGURES = frozenset(f"{stem}.{kind}" for stem in (ATTENTION, MAP) for kind in KINDS)
SHOWN = 320  # side of the photo in the figure, in pixels
MAP_POSTS = 8  # more are hard to tell apart by colour
MAP_CAPTIONS = 5  # most captions of a post on the map, and copies of its photo


class ExplainedPost(NamedTuple):
    """A photo (h, w, 3) with a caption and the trigger in it, if there is one."""

    pixels: NDArray[np.uint8]
    caption: str
    trigger: str | None


class MapPosts(NamedTuple):
    """Photos (h, w, 3) with their ids and captions; `data` is the folder or caption file that they come from."""

    data: str
    ids: list[str]
    pixels: list[NDArray[np.uint8]]
    captions: list[list[str]]


def explain(settings: ExplainSettings, *, overwrite: bool = False, progress: Progress | None = None) -> ExplainReport:
    """Draw what the models of the settings attend to, and write the figures and `explain.json`.

    Raises:
        ConfigError: there is nothing to explain, no caption is known, or the output lies among what is read.
        InputError: the photo cannot be read, or the data sets do not hold the same posts.
        ModelError: a model is not available, or its photo encoder is of an unknown kind.
        OutputError: the folder exists already, would be published or cannot be written.
    """
    if settings.photo is None and not settings.map:
        raise ConfigError("there is nothing to explain", hint="pass a photo, or posts with `map`")
    post = read_post(settings.photo, settings.caption, settings.trigger) if settings.photo else None
    refuse_output(settings, overwrite=overwrite)
    folder = settings.output
    with locks.lock_output(folder, folder / ".lock", "run of explain"), _staged(folder) as staging:
        report = _explained(settings, post, staging, progress or Silent())
        files.write_text(staging / REPORT, report.model_dump_json(indent=2) + "\n")
    return report


def read_post(photo: Path, caption: str | None, trigger: str | None) -> ExplainedPost:
    """Return the post of a photo; of one that `protect` wrote, the manifest has the caption and trigger."""
    pixels = read_photo(photo).pixels
    for folder in folders.published_above(photo):
        name = photo.resolve().relative_to(folder).as_posix()
        for line in read_manifest(folders.private_of(folder) / folders.MANIFEST):
            if line.output == name:
                caption = caption if caption is not None else next(iter(line.captions), None)
                trigger = trigger if trigger is not None else line.trigger
    if not tokenizer().clean_fn(caption or "").split():
        raise ConfigError(f"no caption of {photo} is known", hint="pass one with `caption`")
    return ExplainedPost(pixels, caption or "", trigger or None)


def read_map_posts(settings: ExplainSettings) -> list[MapPosts]:
    """Draw the posts for the map by the seed from the first data set, and take the same from each other one."""
    if settings.map and len(settings.map) not in (1, len(settings.model)):
        raise ConfigError(
            f"{counted(len(settings.map), 'folder')} for the map, {counted(len(settings.model), 'model')}",
            hint="pass `map` once, or once for each `model`",
        )
    chosen: list[MapPosts] = []
    drawn: list[str] = []
    for place in settings.map:
        if place.is_file():
            dataset = open_collection(place.parent, place)
        else:  # a folder that `protect` wrote holds two caption files: this one has all captions
            metadata = place / METADATA
            dataset = open_collection(place, metadata if metadata.is_file() else None)
        texts = dataset.captions_by_photo()
        photos = {photo.id: photo for photo in dataset.photos if texts[photo.id]}
        by_stem = {_stem(photo): photo for photo in photos}
        if not drawn:
            if len(photos) < 2:
                raise InputError(f"{place} holds fewer than two photos with captions")
            drawn = sorted(random.Random(settings.seed).sample(sorted(photos), min(MAP_POSTS, len(photos))))
        ids = [photo if photo in photos else by_stem.get(_stem(photo), "") for photo in drawn]
        if "" in ids:
            missing = _stem(drawn[ids.index("")])
            raise InputError(f"{place} has no post {missing}", hint="choose folders that hold the same posts")
        pixels = [read_photo(photos[photo].path).pixels for photo in ids]
        chosen.append(MapPosts(str(place), ids, pixels, [texts[photo][:MAP_CAPTIONS] for photo in ids]))
    return chosen


def _stem(photo: str) -> str:
    return str(PurePosixPath(photo).with_suffix(""))


def refuse_output(settings: ExplainSettings, *, overwrite: bool) -> None:
    """Refuse a folder that is read or published, or holds anything; with `overwrite`, anything but such a result."""
    folder = settings.output
    folders.refuse_among(folder, *(place.parent if place.is_file() else place for place in settings.map))
    folders.refuse_published(folder / REPORT)
    if settings.photo and settings.photo.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f"{settings.photo} lies in the output", hint="choose another `output`")
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    names = {name for name in names if not name.startswith(".")}  # of a run that was killed
    if names and not overwrite:
        raise files.exists_already(folder)
    if names and not {REPORT} <= names <= {REPORT, *FIGURES}:
        raise OutputError(f"{folder} holds files that explain did not write", hint="choose another `output`")


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """Yield a folder to write to; afterwards its files replace those of an earlier run, the numbers last."""
    staging = folder / ".staging.partial.d"  # `files.is_temporary` knows it, should a kill leave it
    shutil.rmtree(staging, ignore_errors=True)
    try:
        yield staging
        with files.reporting_write_errors(folder):
            for name in (REPORT, *FIGURES):
                (folder / name).unlink(missing_ok=True)
            for path in sorted(staging.iterdir(), key=lambda path: path.name == REPORT):
                path.replace(folder / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _explained(
    settings: ExplainSettings, post: ExplainedPost | None, folder: Path, progress: Progress
) -> ExplainReport:
    """Draw the figures into a folder."""
    started = time.monotonic()
    device, map_posts = choose_device(settings.device), read_map_posts(settings)
    titles = titles_of(settings.model)
    panels, maps = [], []
    fetch(settings.model, progress)
    progress.phase("explaining", len(titles))
    for number, (name, title) in enumerate(zip(settings.model, titles, strict=True)):
        encoder = load_model(name).to(device)
        if post is not None:
            panels.append(explain_post(encoder, title, post))
        if map_posts:
            maps.append(place_posts(encoder, title, map_posts[min(number, len(map_posts) - 1)], settings.seed))
        progress.advance()
    written = draw_attention(_seen(post.pixels, SHOWN), panels, folder / ATTENTION) if post else []
    written += draw_map(maps, folder / MAP) if maps else []
    explanations = [panel.record for panel in panels]
    return ExplainReport(
        output=str(settings.output),
        photo=str(settings.photo) if settings.photo else None,
        caption=post.caption if post else None,
        trigger=post.trigger if post else None,
        explanations=explanations,
        maps=maps,
        files=[path.name for path in written],
        notes=[*_notes(explanations), *folders.among_photos_note(settings.output, settings.photo)],
        seed=settings.seed,
        device=device,
        made_by=made_by(),
        seconds=round(time.monotonic() - started, 1),
    )


def titles_of(models: tuple[str, ...]) -> list[str]:
    """Return a short title for each model: the stem of a checkpoint, or its full name if the stem is not unique."""
    short = {name: Path(name).stem if Path(name).is_file() else name for name in models}
    stems = list(short.values())
    return [name if stems.count(short[name]) > 1 else short[name] for name in models]


def explain_post(encoder: DualEncoder, title: str, post: ExplainedPost) -> Panel:
    """Return what a model attends to in a post."""
    pixels = load_view(_working_copy(post.pixels, encoder.image_size), encoder.image_size, PLAIN_VIEW)
    heat = attribution.gradcam(encoder, pixels, attribution.split_words(post.caption).tokens)
    found = attribution.integrated_gradients(encoder, pixels, post.caption)
    in_trigger = attribution.mark_words(found.words, post.trigger or "")
    record = Explanation(
        model=title,
        similarity=found.score,
        similarity_blank=found.blank,
        words=[WordRecord(word=w, attribution=v) for w, v in zip(found.words, found.values, strict=True)],
        trigger_share=attribution.share_of(found.values, in_trigger),
        trigger_words_share=sum(in_trigger) / len(in_trigger) if any(in_trigger) else None,
        salient_tenth=attribution.top_share(heat),
        completeness_error=found.error,
        steps=found.steps,
    )
    return Panel(record, heat, in_trigger)


def place_posts(encoder: DualEncoder, title: str, posts: MapPosts, seed: int) -> EmbeddingMap:
    """Return where a model places the photos and captions of posts."""
    photos = [_working_copy(pixels, encoder.image_size) for pixels in posts.pixels]
    points = embedding_map.embed(encoder, photos, posts.captions, seed)
    coordinates = embedding_map.tsne(points.features, seed).tolist()
    placed = [
        MapPoint(post=posts.ids[post], kind="caption" if caption else "photo", x=x, y=y)
        for (x, y), post, caption in zip(coordinates, points.posts, points.captions, strict=True)
    ]
    return EmbeddingMap(model=title, data=posts.data, points=placed, **embedding_map.mean_cosines(points))


def _working_copy(pixels: NDArray[np.uint8], side: int) -> Tensor:
    """Return the working copy (3, h, w), 0-255, for a model of `side` pixels."""
    return torch.from_numpy(working_copy(pixels, side).transpose(2, 0, 1).copy()).float()


def _seen(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the square (side, side, 3) of a photo that a model sees."""
    loaded = load_view(_working_copy(pixels, side), side, PLAIN_VIEW)
    return (loaded * 255).round().byte().permute(1, 2, 0).numpy()


def _notes(explanations: list[Explanation]) -> list[str]:
    notes = []
    for one in explanations:
        if one.completeness_error > attribution.TOLERANCE:
            notes.append(
                f"{one.model}: the attributions miss the difference between the cosines by "
                f"{100 * one.completeness_error:.0f} %; do not rely on them"
            )
        if one.salient_tenth is None:
            notes.append(f"{one.model}: no region of the photo raises the similarity, so there is no saliency")
    return notes


def preview(photo: Path, protected: Path, output: Path | None = None, *, overwrite: bool = False) -> PreviewReport:
    """Write one PNG with the photo, its protected copy and the noise ten times stronger.

    Without `output` it is `STEM-preview.png` in the current folder, or above the photos where that is one of theirs,
    in which the picture would count as a photo.

    Raises:
        ConfigError: the file to write does not end in .png.
        InputError: a photo cannot be read, or the copy has no size that the photo is reduced to.
        OutputError: the file exists already, is one of the two photos, would be published or cannot be written.
    """
    target = output or _preview_folder(photo, protected) / f"{protected.stem}-preview.png"
    if any(target.exists() and one.exists() and target.samefile(one) for one in (photo, protected)):
        raise OutputError(f"{target} is one of the photos to compare", hint="choose another `output`")
    if target.suffix.lower() != ".png":
        raise ConfigError(f"{target}: the picture is a PNG", hint="choose an `output` that ends in .png")
    if target.exists() and not overwrite:
        raise files.exists_already(target)
    folders.refuse_published(target)
    before, after = read_photo(photo), read_photo(protected)
    if not is_reduced(before, after):
        raise InputError(
            f"the sizes differ: {photo} is {before.width} x {before.height}, "
            f"{protected} is {after.width} x {after.height}",
            hint="pass a photo and its own protected copy",
        )
    before = as_copied(before, after)
    quality, seen = compare(before.pixels, after.pixels), visibility(before.pixels, after.pixels)
    with files.atomic(target) as temporary:
        sheet(before, after).save(temporary, "PNG", optimize=True)
    return PreviewReport(
        output=str(target),
        photo=str(photo),
        protected=str(protected),
        width=before.width,
        height=before.height,
        linf=quality.linf,
        psnr=round(quality.psnr, 3) if math.isfinite(quality.psnr) else None,
        ssim=round(quality.ssim, 5),
        flip=round(seen.flip, 5),
        delta_e=round(seen.delta_e, 4),
        notes=folders.among_photos_note(target, photo),
    )


def _preview_folder(photo: Path, protected: Path) -> Path:
    """Return the current folder, or the one above the photos where it is one of theirs, as the copy's place tells."""
    root = photo.resolve().parent
    for folder in folders.published_above(protected):
        depth = len(protected.resolve().relative_to(folder).parts)
        root = [*photo.resolve().parents][:depth][-1]
    return Path(os.path.relpath(root.parent)) if Path.cwd().is_relative_to(root) else Path()
