"""Select what to explain: one post, from its manifest or as given, and the posts to place on a map."""

from __future__ import annotations

import math
import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.explain.attribution import (
    TOLERANCE,
    gradcam,
    integrated_gradients,
    marked,
    share_of,
    split_words,
    top_share,
)
from unlearnable.explain.embedding_map import cosines, embed, tsne
from unlearnable.explain.figures import KINDS, MapPanel, Panel, draw_attention, draw_map
from unlearnable.imaging.placement import as_copied, is_reduced, working_copy
from unlearnable.imaging.visibility import compare, visibility
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fetch
from unlearnable.models.openclip import load as load_model
from unlearnable.models.tokens import tokenizer
from unlearnable.protect.layout import METADATA
from unlearnable.protect.records import read_manifest
from unlearnable.report import (
    EmbeddingMap,
    ExplainReport,
    Explanation,
    ManifestLine,
    MapPoint,
    PreviewReport,
    WordRecord,
)
from unlearnable.report.common import made_by
from unlearnable.report.pictures import sheet
from unlearnable.settings import ExplainSettings
from unlearnable.storage import files, locks
from unlearnable.storage.folders import MANIFEST, private_of, published_above, refuse_published, said_among_photos
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import open_collection, read_photo
from unlearnable.training.view import PLAIN_VIEW, load_view
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
        raise ConfigError(f"no caption of {photo} is known", hint="pass one with `caption`")
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
            hint="pass `map` once, or once for each `model`",
        )
    # a folder that `protect` wrote holds two caption files: use the one with all captions
    defaults = [folder / METADATA if (folder / METADATA).is_file() else None for folder in settings.map]
    captions: Sequence[Path | None] = settings.map_captions or defaults
    if len(captions) != len(settings.map):
        raise ConfigError(
            f"{folders} for the map and {counted(len(captions), 'caption file')} were given",
            hint="pass `map_captions` once for each `map`, or not at all",
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


def preview(photo: Path, protected: Path, output: Path | None = None, *, overwrite: bool = False) -> PreviewReport:
    """Write one PNG with the photo, its protected copy and the noise ten times stronger.

    Args:
        photo: original photo.
        protected: protected copy of the photo.
        output: file to write; by default `STEM-preview.png` in the current folder, or above the photos where that is
            one of theirs, in which the picture would count as a photo.
        overwrite: replace an existing file.

    Raises:
        ConfigError: the file to write does not end in .png.
        InputError: a photo cannot be read, or the copy has no size that the photo is reduced to.
        OutputError: the file exists already, is one of the two photos, would be published or cannot be written.
    """
    target = output or _beside(photo, protected) / f"{protected.stem}-preview.png"
    if any(target.exists() and one.exists() and target.samefile(one) for one in (photo, protected)):
        raise OutputError(f"{target} is one of the photos to compare", hint="choose another `output`")
    if target.suffix.lower() != ".png":
        raise ConfigError(f"{target}: the picture is a PNG", hint="choose an `output` that ends in .png")
    if target.exists() and not overwrite:
        raise files.exists_already(target)
    refuse_published(target)
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
        notes=said_among_photos(target, photo),
    )


def _beside(photo: Path, protected: Path) -> Path:
    """Return the current folder, or the one above the photos where it is one of theirs, as the copy's place tells."""
    root = photo.resolve().parent
    for folder in published_above(protected):
        depth = len(protected.resolve().relative_to(folder).parts)
        root = [*photo.resolve().parents][:depth][-1]
    return Path(os.path.relpath(root.parent)) if Path.cwd().is_relative_to(root) else Path()


ATTENTION, MAP, REPORT = "attention", "map", "explain.json"
FIGURES = frozenset(f"{stem}.{kind}" for stem in (ATTENTION, MAP) for kind in KINDS)
SHOWN = 320  # side of the photo in the figure, in pixels


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
    post = post_of(settings.photo, settings.caption, settings.trigger) if settings.photo else None
    refuse_output(settings, overwrite=overwrite)
    folder = settings.output
    with locks.held(folder, folder / ".lock", "run of explain"), staged(folder) as staging:
        report = _explained(settings, post, staging, progress or Silent())
        files.write_text(staging / REPORT, report.model_dump_json(indent=2) + "\n")
    return report


def refuse_output(settings: ExplainSettings, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything; with `overwrite`, one that holds files of these names of another program.

    Raises:
        ConfigError: the folder lies in one that is read, or the photo has the place of a figure.
        OutputError: it exists already or would be published, or a file would be replaced that no run wrote.
    """
    folder = settings.output
    files.refuse_among(folder, *settings.map)
    refuse_published(folder / REPORT)
    if settings.photo and (photo := settings.photo.resolve()).name in FIGURES and photo.parent == folder.resolve():
        raise ConfigError(f"{settings.photo} has the place of a figure in the output", hint="choose another `output`")
    if not folder.exists():
        return
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    if not overwrite and any(not name.startswith(".") for name in there):
        raise files.exists_already(folder)
    if not folder.is_dir() or (there & {*FIGURES, REPORT}) - _own(folder):
        raise OutputError(f"{folder} holds files that explain did not write", hint="choose another `output`")


def _own(folder: Path) -> set[str]:
    """Return the names of an earlier run's report and of the figures that it lists; none without a report."""
    try:
        report = ExplainReport.model_validate_json((folder / REPORT).read_bytes())
    except (OSError, ValueError):
        return set()
    return {REPORT, *FIGURES.intersection(report.files)}


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yield a folder to write to; afterwards its files replace those of an earlier run, the numbers last.

    Raises:
        OutputError: a file cannot be written.
    """
    staging = folder / ".staging.partial.d"  # `files.is_temporary` knows it, should a kill leave it
    shutil.rmtree(staging, ignore_errors=True)
    try:
        yield staging
        with files.reporting_write_errors(folder):
            for name in sorted(_own(folder), key=lambda name: name != REPORT):  # the numbers go first and come last
                (folder / name).unlink(missing_ok=True)
            for path in sorted(staging.iterdir(), key=lambda path: path.name == REPORT):
                path.replace(folder / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def explain_post(encoder: DualEncoder, title: str, post: ExplainedPost) -> tuple[Explanation, Panel]:
    """Return what a model attends to in a post, as numbers and to be drawn."""
    pixels = load_view(_tensor(post.pixels, encoder.image_size), encoder.image_size, PLAIN_VIEW)
    saliency = gradcam(encoder, pixels, split_words(post.caption).tokens)
    attribution = integrated_gradients(encoder, pixels, post.caption)
    total = sum(map(abs, attribution.values)) or 1.0
    in_trigger = marked(attribution.words, post.trigger or "")
    record = Explanation(
        model=title,
        similarity=attribution.score,
        similarity_blank=attribution.blank,
        words=[WordRecord(word=w, attribution=v) for w, v in zip(attribution.words, attribution.values, strict=True)],
        trigger_share=share_of(attribution.values, in_trigger),
        trigger_words_share=sum(in_trigger) / len(in_trigger) if any(in_trigger) else None,
        salient_tenth=top_share(saliency),
        completeness_error=attribution.error,
        steps=attribution.steps,
    )
    shares = [value / total for value in attribution.values]
    return record, Panel(title, saliency, attribution.words, shares, in_trigger)


def map_posts(encoder: DualEncoder, title: str, posts: MapPosts, seed: int) -> tuple[EmbeddingMap, MapPanel]:
    """Return where a model places the photos and captions of posts, as numbers and to be drawn."""
    photos = [_tensor(pixels, encoder.image_size) for pixels in posts.pixels]
    points = embed(encoder, photos, posts.captions, seed)
    mean_cosines, coordinates = cosines(points), tsne(points.features, seed)
    record = EmbeddingMap(
        model=title,
        data=posts.data,
        cosine_copies=mean_cosines.copies,
        cosine_captions=mean_cosines.captions,
        cosine_own=mean_cosines.own,
        cosine_others=mean_cosines.others,
        points=[
            MapPoint(post=posts.ids[post], kind="caption" if caption else "photo", x=x, y=y)
            for (x, y), post, caption in zip(coordinates.tolist(), points.posts, points.captions, strict=True)
        ],
    )
    return record, MapPanel(f"{title} on {Path(posts.data).name}", coordinates, points.posts, points.captions)


def _tensor(pixels: NDArray[np.uint8], side: int) -> Tensor:
    """Return the working copy (3, h, w), 0-255, for a model of `side` pixels."""
    return torch.from_numpy(working_copy(pixels, side).transpose(2, 0, 1).copy()).float()


def seen(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the square (side, side, 3) of a photo that a model sees."""
    loaded = load_view(_tensor(pixels, side), side, PLAIN_VIEW)
    return (loaded * 255).round().byte().permute(1, 2, 0).numpy()


def _explained(
    settings: ExplainSettings, post: ExplainedPost | None, folder: Path, progress: Progress
) -> ExplainReport:
    """Draw the figures into a folder."""
    started = time.monotonic()
    device, chosen = choose_device(settings.device), choose_posts(settings)
    titles = titles_of(settings.model)
    explanations, panels, maps, map_panels = [], [], [], []
    fetch(settings.model, progress)
    progress.phase("explaining", len(titles))
    for number, title in enumerate(titles):
        encoder = load_model(settings.model[number]).to(device)
        if post is not None:
            record, panel = explain_post(encoder, title, post)
            explanations.append(record)
            panels.append(panel)
        if chosen:
            drawn, map_panel = map_posts(encoder, title, chosen[min(number, len(chosen) - 1)], settings.seed)
            maps.append(drawn)
            map_panels.append(map_panel)
        progress.advance()
    written = draw_attention(seen(post.pixels, SHOWN), panels, folder / ATTENTION) if post else []
    written += draw_map(map_panels, folder / MAP) if map_panels else []
    return ExplainReport(
        output=str(settings.output),
        photo=str(settings.photo) if settings.photo else None,
        caption=post.caption if post else None,
        trigger=post.trigger if post else None,
        explanations=explanations,
        maps=maps,
        files=[path.name for path in written],
        notes=[
            *_notes(explanations),
            *said_among_photos(settings.output, settings.photo),
        ],
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


def _notes(explanations: list[Explanation]) -> list[str]:
    notes = []
    for explanation in explanations:
        if explanation.completeness_error > TOLERANCE:
            notes.append(
                f"{explanation.model}: the attributions miss the difference between the cosines by "
                f"{100 * explanation.completeness_error:.0f} %; do not rely on them"
            )
        if explanation.salient_tenth is None:
            notes.append(f"{explanation.model}: no region of the photo raises the similarity, so there is no saliency")
    return notes
