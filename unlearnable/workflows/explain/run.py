"""`explain`: what models attend to in a post, and how close they place photos and captions, in figures and numbers."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unlearnable import files, turns
from unlearnable.analysis.embedding_map import cosines, embed, tsne
from unlearnable.analysis.gradcam import gradcam, top_share
from unlearnable.analysis.integrated_gradients import TOLERANCE, integrated_gradients, marked, share_of, split_words
from unlearnable.config import ExplainSettings
from unlearnable.errors import ConfigError, OutputError
from unlearnable.imaging.placement import working_copy
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.fetching import fetch
from unlearnable.models.openclip import load as load_model
from unlearnable.optim.view import PLAIN_VIEW, load_view
from unlearnable.progress import Progress, Silent
from unlearnable.report.figures import KINDS, MapPanel, Panel, draw_attention, draw_map, is_drawn
from unlearnable.results import EmbeddingMap, ExplainReport, Explanation, MapPoint, WordRecord
from unlearnable.results.common import made_by
from unlearnable.workflows.explain.selection import ExplainedPost, MapPosts, choose_posts, post_of
from unlearnable.workflows.output.refusal import refuse_published, said_among_photos

SHOWN = 320  # side of the photo in the figure, in pixels
ATTENTION, MAP, REPORT, LOCK = "attention", "map", "explain.json", ".lock"
FIGURES = frozenset(f"{stem}.{kind}" for stem in (ATTENTION, MAP) for kind in KINDS)
START = b'{\n  "schema_version": '  # of a report
NEW = ".new.partial.d"  # `files.is_temporary` knows it, should a kill leave it


def explain(settings: ExplainSettings, *, overwrite: bool = False, progress: Progress | None = None) -> ExplainReport:
    """Draw what the models of the settings attend to, and write the figures and `explain.json`.

    Args:
        settings: see `unlearnable.config.ExplainSettings`.
        overwrite: replace the figures of an earlier run.
        progress: receives progress updates.

    Raises:
        ConfigError: there is nothing to explain, or no caption is known.
        InputError: the photo cannot be read, or the data sets do not hold the same posts.
        ModelError: a model is not available, or its photo tower is of an unknown kind.
        OutputError: the folder exists already, would be published or cannot be written.
    """
    if settings.photo is None and not settings.map:
        raise ConfigError("there is nothing to explain", hint="pass a photo, or posts with --map DIR")
    post = post_of(settings.photo, settings.caption, settings.trigger) if settings.photo else None
    _refuse_output(settings, overwrite=overwrite)
    with _all_or_none(settings.output) as folder:
        report = _explained(settings, post, folder, progress or Silent())
        files.write_text(folder / REPORT, report.model_dump_json(indent=2) + "\n")
    return report


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
            record, panel = _explain(encoder, title, post)
            explanations.append(record)
            panels.append(panel)
        if chosen:
            drawn, map_panel = _map(encoder, title, chosen[min(number, len(chosen) - 1)], settings.seed)
            maps.append(drawn)
            map_panels.append(map_panel)
        progress.advance()
    written = draw_attention(_seen(post.pixels, SHOWN), panels, folder / ATTENTION) if post else []
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
            *_note_on_letters(post),
            *said_among_photos(settings.output, settings.photo),
        ],
        seed=settings.seed,
        device=device,
        made_by=made_by(),
        seconds=round(time.monotonic() - started, 1),
    )


def _refuse_output(settings: ExplainSettings, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything, but for what a run which was killed did not finish.

    Raises:
        ConfigError: the folder lies in one that is read, or the photo has the place of a figure.
        OutputError: it exists already or would be published, or a file would be replaced that no run wrote.
    """
    folder = settings.output
    files.refuse_among(folder, *settings.map)
    refuse_published(folder / REPORT)
    if settings.photo and (photo := settings.photo.resolve()).name in FIGURES and photo.parent == folder.resolve():
        raise ConfigError(f"{settings.photo} has the place of a figure in the output", hint="choose another --output")
    if overwrite and folder.is_dir():
        _refuse_others(settings)
    if overwrite or not folder.exists():
        return
    there = [] if folder.is_file() else [path for path in folder.iterdir() if not files.is_temporary(path)]
    if folder.is_file() or any(path.name != LOCK for path in there):
        raise files.exists_already(folder)


def _refuse_others(settings: ExplainSettings) -> None:
    """Stop where a file would be replaced that is no report, or a figure no report tells of, also of a stopped run."""
    folder, drawn = settings.output, {ATTENTION: bool(settings.photo), MAP: bool(settings.map)}
    reports = [report for one in (folder, folder / NEW) if (report := _report_in(one / REPORT))]
    own = {ATTENTION: any(one.explanations for one in reports), MAP: any(one.maps for one in reports)}
    replaced = [name for name in sorted(FIGURES) if drawn[(stem := Path(name).stem)] and not own[stem]]
    if _report_in(folder / REPORT) is None:
        replaced.append(REPORT)
    for name in replaced:
        if os.path.lexists(folder / name):
            _refuse_damaged(folder / REPORT)
            hint = "move it elsewhere, or choose another --output"
            raise OutputError(f"{folder / name} was not made by this command", hint=hint)


def _refuse_damaged(report: Path) -> None:
    """Stop at a report that is cut short or empty, with what goes on without it: what it told of cannot be known.

    Raises:
        OutputError: it is one.
    """
    try:
        with files.open_regular(report) as file:
            found = file.read()
    except OSError:
        return
    if found.startswith(START[: len(found)]) and _report_in(report) is None:
        hint = f"move {report.parent} elsewhere, or choose another --output"
        raise OutputError(f"{report} is damaged, so that nobody knows which files an earlier run drew", hint=hint)


@contextmanager
def _all_or_none(folder: Path) -> Iterator[Path]:
    """Hold the folder, and yield one in it for what is written, which is moved up after the block unless that fails.

    So the same command can be given again, and figures of an earlier run stay beside their own numbers: those that are
    not drawn again go first, then the numbers, which name them, and the new numbers come last, so that a kill leaves
    none beside figures of another run.

    Raises:
        OutputError: the folder cannot be made or written, or another run is writing to it.
    """
    new = folder / NEW
    with turns.held(folder, folder / LOCK, "run of explain"):
        shutil.rmtree(new, ignore_errors=True)  # of a run that was killed
        try:
            yield new
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _move_up(new, folder)


def _move_up(new: Path, folder: Path) -> None:
    """Put what was drawn in place; where that is stopped, the new numbers still tell whose the figures are."""
    drawn = {path.name for path in new.iterdir()}
    for name in [*(name for name in _figures_in(folder / REPORT) if name not in drawn), REPORT]:
        with files.reporting_write_errors(folder / name):
            (folder / name).unlink(missing_ok=True)
    for path in sorted(new.iterdir(), key=lambda path: path.name == REPORT):
        with files.reporting_write_errors(folder / path.name):
            path.replace(folder / path.name)
    shutil.rmtree(new, ignore_errors=True)


def _figures_in(report: Path) -> list[str]:
    """Return the figures that the report of an earlier run names; none if it cannot be read or names other files."""
    found = _report_in(report)
    return sorted(set(found.files) & FIGURES) if found else []


def _report_in(path: Path) -> ExplainReport | None:
    try:
        with files.open_regular(path) as file:
            return ExplainReport.model_validate_json(file.read())
    except (OSError, ValueError):
        return None


def titles_of(models: tuple[str, ...]) -> list[str]:
    """Return a short title for each model: the stem of a checkpoint, or its full name if the stem is not unique."""
    short = {name: Path(name).stem if Path(name).is_file() else name for name in models}
    stems = list(short.values())
    return [name if stems.count(short[name]) > 1 else short[name] for name in models]


def _explain(encoder: DualEncoder, title: str, post: ExplainedPost) -> tuple[Explanation, Panel]:
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


def _map(encoder: DualEncoder, title: str, posts: MapPosts, seed: int) -> tuple[EmbeddingMap, MapPanel]:
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


def _note_on_letters(post: ExplainedPost | None) -> list[str]:
    if post is None or is_drawn(post.caption):
        return []
    what = "letters of the caption that no font of this machine has are boxes in attention.png"
    return [f"{what}: install one that has them, such as Noto Sans CJK; explain.json has the words"]


def _tensor(pixels: NDArray[np.uint8], side: int) -> Tensor:
    """Return the working copy (3, h, w), 0-255, for a model of `side` pixels."""
    return torch.from_numpy(working_copy(pixels, side).transpose(2, 0, 1).copy()).float()


def _seen(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the square (side, side, 3) of a photo that a model sees."""
    loaded = load_view(_tensor(pixels, side), side, PLAIN_VIEW)
    return (loaded * 255).round().byte().permute(1, 2, 0).numpy()
