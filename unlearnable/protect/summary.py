"""Measure how much the triggers of a run differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch

from unlearnable.imaging.placement import REDUCED_FROM
from unlearnable.methods.base import Problem, State
from unlearnable.methods.optimise import reason_to_stop
from unlearnable.methods.words import text_features
from unlearnable.models.dual_encoder import weights_sha256
from unlearnable.posts import NO_RECORD
from unlearnable.protect.caption_names import names_notes
from unlearnable.protect.layout import METADATA
from unlearnable.protect.posts import field_notes
from unlearnable.protect.records import protected_lines
from unlearnable.protect.setup import Run
from unlearnable.report import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss, TriggerFigures
from unlearnable.report.common import made_by
from unlearnable.settings import Precision
from unlearnable.wording import counted


def variety(triggers: Sequence[str]) -> TriggerFigures:
    """Return how much the triggers of a run, one per photo, differ from each other.

    distinct-1 is defined as in Li et al. 2016 (arXiv 1510.03055): different words over all words.
    """
    words = [word for trigger in triggers for word in trigger.split()]
    (most, times), *_ = Counter(triggers).most_common(1)
    return TriggerFigures(
        distinct=len(set(triggers)),
        distinct_1=round(len(set(words)) / len(words), 4),
        most_frequent=most,
        most_frequent_share=round(times / len(triggers), 4),
    )


WHO_COUNTS = "anyone who counts word sequences finds it"
LOSSY = (
    "JPEG or lossy WebP, which takes away some of the noise and changes pixels by itself "
    "(linf is both, noise_linf the noise alone); PNG is lossless"
)
CONVERTED = "something in conversion"
REDUCED = "reduced to the size at which they will be shown, as you asked"
OFTEN = 0.05  # share of the posts above which a single trigger stands out to anyone who counts
FEWEST_OFTEN = 3  # posts: in a handful of them a share says nothing
DRAWN = 512  # random triggers that the others are compared with
REFUSED_BESIDE = ("metadata.csv",)  # caption files that imagefolder reads in place of metadata.jsonl
FEW = 20  # photos: a smaller set cannot be judged, whatever its loss


def summarise(
    run: Run,
    state: State,
    lines: Sequence[ManifestLine],
    losses: list[SurrogateLoss],
    rounds: list[float],
    roundtrip: float,
    seconds: float,
) -> ProtectReport:
    """Return the report of a run.

    Args:
        run: the run.
        state: noise and triggers.
        lines: the manifest.
        losses: losses of the surrogates on the written files.
        rounds: mean loss after each round.
        roundtrip: share of captions that were read back with all tokens of their trigger.
        seconds: how long the run took.
    """
    triggers = trigger_figures(run.problem, state)
    own, random = trigger_similarities(run.problem, state, run.method_settings.precision)
    protected = protected_lines(lines)
    return ProtectReport(
        output=str(run.layout.output),
        private=str(run.layout.private),
        captions_file=run.dataset.captions_file,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        some_photos=run.dataset.partial,
        not_photos=dict(run.dataset.others),
        captions_found=run.dataset.captioned,
        skipped=[SkippedRecord.of(skip) for skip in run.prepared.skipped],
        **figures_of(protected),
        **loss_figures(losses, rounds, len(protected)),
        rounds=len(rounds),
        stopped=reason_to_stop(run.method_settings, rounds) or "rounds",
        surrogates=[model.name for model in run.problem.models],
        surrogate_weights=[weights_sha256(model.module.state_dict()) for model in run.problem.models],
        trigger_roundtrip=roundtrip,
        triggers=triggers,
        trigger_similarity=own,
        trigger_similarity_random=random,
        run=run.key,
        seed=run.settings.seed,
        device=str(run.problem.surrogates[0].device),
        made_by=made_by(),
        seconds=round(seconds, 1),
        notes=_notes(run, protected, triggers),
    )


def figures_of(protected: Sequence[ManifestLine]) -> dict[str, Any]:
    """Return the figures of a report that follow from the manifest lines of the protected photos."""
    psnr = [line.psnr for line in protected if line.psnr is not None]
    return {
        "protected": len(protected),
        "captions": sum(len(line.captions) for line in protected),
        "bytes_in": sum(line.bytes_in or 0 for line in protected),
        "bytes_out": sum(line.bytes_out or 0 for line in protected),
        "linf_max": max(line.linf or 0 for line in protected),
        "noise_linf_max": max(line.noise_linf or 0 for line in protected),
        "noise_kept_mean": _mean([line.noise_kept for line in protected if line.noise_kept is not None]),
        "psnr_mean": _mean(psnr),
        "psnr_min": min(psnr),
        "ssim_mean": _mean([line.ssim or 0.0 for line in protected]),
        "flip_mean": _mean([line.flip or 0.0 for line in protected]),
        "flip_max": max(line.flip or 0.0 for line in protected),
        "delta_e_mean": _mean([line.delta_e or 0.0 for line in protected]),
        "opt_out": sum(line.opt_out is not None for line in protected),
    }


def loss_figures(losses: list[SurrogateLoss], rounds: list[float], photos: int) -> dict[str, Any]:
    """Return the figures of a report that follow from the losses; a single photo has none, as it has no others."""
    if photos == 1:
        return {"loss_first": None, "loss_last": None, "loss_rounds": [], "losses": []}
    return {
        "loss_first": _mean([loss.clean_pretrained for loss in losses]),
        "loss_last": _mean([loss.protected_trained for loss in losses]),
        "loss_before_encoding": _mean([loss.before_encoding for loss in losses if loss.before_encoding is not None]),
        "loss_rounds": rounds,
        "losses": losses,
    }


def trigger_figures(problem: Problem, state: State) -> TriggerFigures | None:
    """Return how much the triggers differ; None for methods without a trigger."""
    if not state.triggers.shape[1]:
        return None
    return variety([problem.trigger(n, row).text for n, row in enumerate(state.triggers.tolist())])


def trigger_similarities(
    problem: Problem, state: State, precision: Precision
) -> tuple[float, float] | tuple[None, None]:
    """Return how close the triggers, and random words, are to the clean photos; nothing for methods without."""
    seen = problem.resemblance
    if seen is None:
        return None, None
    generator = torch.Generator().manual_seed(problem.seed)
    glosses = problem.vocabulary.glosses
    drawn = torch.randint(len(glosses), (DRAWN, state.triggers.shape[1]), generator=generator)
    own, random = (
        text_features(problem.surrogates, [" ".join(glosses[n] for n in row) for row in rows.tolist()], precision)
        for rows in (state.triggers, drawn)
    )
    return round(seen.cosine_of_own(own), 4), round(seen.cosine_of_all(random), 4)


def said_of_counting(triggers: TriggerFigures | None, posts: int) -> list[str]:
    """Return a remark where one trigger is in so many posts that it stands out."""
    if triggers is None or triggers.most_frequent_share <= OFTEN:
        return []
    if round(triggers.most_frequent_share * posts) < FEWEST_OFTEN:
        return []
    share = 100 * triggers.most_frequent_share
    return [f"{triggers.most_frequent!r} is in {share:.0f} % of the posts: {WHO_COUNTS}"]


def said_of_copies(protected: Sequence[ManifestLine]) -> list[str]:
    """Return a remark each where copies hold less of the noise than was made, or less of the photo."""
    notes = []
    if lossy := sum(line.quality is not None for line in protected):
        notes.append(f"{lossy} {'copy is' if lossy == 1 else 'copies are'} {LOSSY}")
    reduced = [sum(note.startswith(REDUCED_FROM) for note in line.notes) for line in protected]
    if sum(reduced):
        notes.append(f"{counted(sum(reduced), 'photo')} {'was' if sum(reduced) == 1 else 'were'} {REDUCED}")
    if changed := sum(len(line.notes) > one for line, one in zip(protected, reduced, strict=True)):
        which = "(frames, depth, colours, transparency); see the manifest"
        notes.append(f"{counted(changed, 'photo')} lost {CONVERTED} {which}")
    return notes


def _notes(run: Run, protected: list[ManifestLine], triggers: TriggerFigures | None) -> list[str]:
    """Return remarks that the user should see about this run."""
    notes = []
    if len(protected) < FEW:
        cannot = "photo cannot" if len(protected) == 1 else "photos cannot"
        notes.append(f"{len(protected)} {cannot} be judged: verify needs about 100")
    if again := sum(len(group) - 1 for group in run.prepared.equal):
        notes.append(f"{counted(again, 'duplicate')} share noise and trigger with the first copy")
    notes += said_of_counting(triggers, len(protected))
    bare = sum(pair.record == NO_RECORD for post in run.pairs for pair in post)
    if bare and not run.dataset.people:
        alone = ": the added words are theirs alone" if run.method.has_trigger else ""
        notes.append(f"{counted(bare, 'photo')} had no caption{alone}")
    if run.dataset.captions_file in REFUSED_BESIDE:
        notes.append(
            f"Hugging Face's imagefolder refuses a folder that holds {run.dataset.captions_file} beside {METADATA}: "
            "give it a copy of the folder without one of them"
        )
    notes += names_notes(run)
    notes += field_notes(run.dataset.fields, run.settings.keep_fields)
    notes += said_of_copies(protected)
    if run.settings.keep_metadata == "all":
        notes.append(
            "all metadata was kept, including any GPS position, descriptions, which are captions without added words, "
            "and thumbnails that show the photo unprotected"
        )
    if run.settings.opt_out:
        notes.append("every copy carries the opt-out from AI training; platforms often strip it")
    return notes


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
