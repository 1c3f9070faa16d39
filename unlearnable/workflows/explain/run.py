"""`explain`: what models attend to in a post, and how close they place photos and captions, in figures and numbers."""

from __future__ import annotations

import time
from pathlib import Path

from unlearnable.analysis.integrated_gradients import TOLERANCE
from unlearnable.config import ExplainSettings
from unlearnable.disk import files
from unlearnable.errors import ConfigError
from unlearnable.models.device import choose_device
from unlearnable.models.fetching import fetch
from unlearnable.models.openclip import load as load_model
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.report.figures import draw_attention, draw_map, is_drawn
from unlearnable.results import ExplainReport, Explanation
from unlearnable.results.common import made_by
from unlearnable.workflows.explain.measured import explain_post, map_posts, seen
from unlearnable.workflows.explain.output import ATTENTION, MAP, REPORT, all_or_none, refuse_output
from unlearnable.workflows.explain.selection import ExplainedPost, choose_posts, post_of
from unlearnable.workflows.output.refusal import said_among_photos

SHOWN = 320  # side of the photo in the figure, in pixels


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
    refuse_output(settings, overwrite=overwrite)
    with all_or_none(settings.output) as folder:
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
            *_note_on_letters(post),
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


def _note_on_letters(post: ExplainedPost | None) -> list[str]:
    if post is None or is_drawn(post.caption):
        return []
    what = "letters of the caption that no font of this machine has are boxes in attention.png"
    return [f"{what}: install one that has them, such as Noto Sans CJK; explain.json has the words"]
