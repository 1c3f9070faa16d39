"""`explain`: what models attend to in a post, and how close they place photos and captions."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable.errors import ConfigError, OutputError
from unlearnable.explain.embedding_map import cosines, embed, tsne
from unlearnable.explain.figures import KINDS, MapPanel, Panel, draw_attention, draw_map
from unlearnable.explain.gradcam import gradcam, top_share
from unlearnable.explain.integrated_gradients import TOLERANCE, integrated_gradients, marked, share_of, split_words
from unlearnable.explain.posts import ExplainedPost, MapPosts, choose_posts, post_of
from unlearnable.imaging.placement import working_copy
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import fetch
from unlearnable.models.openclip import load as load_model
from unlearnable.report import EmbeddingMap, ExplainReport, Explanation, MapPoint, WordRecord
from unlearnable.report.common import made_by
from unlearnable.settings import ExplainSettings
from unlearnable.storage import files, locks
from unlearnable.storage.folders import refuse_published, said_among_photos
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.view import PLAIN_VIEW, load_view

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
        raise ConfigError("there is nothing to explain", hint="pass a photo, or posts with --map DIR")
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
        raise ConfigError(f"{settings.photo} has the place of a figure in the output", hint="choose another --output")
    if not folder.exists():
        return
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    if not overwrite and any(not name.startswith(".") for name in there):
        raise files.exists_already(folder)
    if not folder.is_dir() or (there & {*FIGURES, REPORT}) - _own(folder):
        raise OutputError(f"{folder} holds files that explain did not write", hint="choose another --output")


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
