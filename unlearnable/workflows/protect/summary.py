"""The figures of a run, drawn together for its report."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from unlearnable.evaluation.stealth import variety
from unlearnable.methods import fluency
from unlearnable.methods.problem import Problem
from unlearnable.methods.state import State
from unlearnable.results import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss, TriggerFigures
from unlearnable.workflows.protect.setup import Run

OFTEN = 0.05  # share of the posts beyond which one trigger strikes whoever counts


@dataclass(frozen=True)
class RunResults:
    """What a run has come to: manifest, losses on the written files and after each round, and how it ended."""

    lines: list[ManifestLine]
    losses: list[SurrogateLoss]
    rounds: list[float]
    stopped: str
    roundtrip: float
    seconds: float


def summarise(run: Run, state: State, results: RunResults) -> ProtectReport:
    """The report of a run."""
    triggers = trigger_figures(run.problem, state)
    made = [line for line in results.lines if line.status == "protected"]
    psnr = [line.psnr for line in made if line.psnr is not None]
    return ProtectReport(
        output=str(run.layout.output),
        private=str(run.layout.private),
        captions_file=run.dataset.source.name if run.dataset.source else None,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        protected=len(made),
        captions=sum(len(line.captions) for line in made),
        skipped=[SkippedRecord.of(skip) for skip in run.prepared.skipped],
        linf_max=max(line.linf or 0 for line in made),
        psnr_mean=_mean(psnr),
        psnr_min=min(psnr),
        ssim_mean=_mean([line.ssim or 0.0 for line in made]),
        loss_first=_mean([loss.clean_pretrained for loss in results.losses]),
        loss_last=_mean([loss.protected_trained for loss in results.losses]),
        loss_rounds=results.rounds,
        losses=results.losses,
        rounds=len(results.rounds),
        stopped="threshold" if results.stopped == "threshold" else "rounds",
        surrogates=list(run.settings.surrogate),
        trigger_roundtrip=results.roundtrip,
        triggers=triggers,
        run=run.key,
        seed=run.settings.seed,
        device=str(run.problem.surrogates[0].device),
        seconds=round(results.seconds, 1),
        notes=_notes(run, made, triggers),
    )


def trigger_figures(problem: Problem, state: State) -> TriggerFigures | None:
    """How much the triggers differ and how well they read; None for methods without a trigger."""
    if not state.triggers.shape[1]:
        return None
    found = variety([problem.vocabulary.trigger(row).text for row in state.triggers.tolist()])
    if problem.proposer is None:
        return found
    words = torch.searchsorted(torch.tensor(problem.vocabulary.ids), state.triggers)
    nats = fluency.cost(problem.proposer, [slots[0] for slots in problem.posts.slots], words)
    return found.model_copy(update={"nats_per_word": round(float(nats.mean()) / words.shape[1], 3)})


def _notes(run: Run, made: list[ManifestLine], triggers: TriggerFigures | None) -> list[str]:
    """What a person should know about this run without asking."""
    notes = []
    if triggers and len(made) > 1 and triggers.most_frequent_share > OFTEN:
        remedy = "; --trigger-scope post gives each photo its own" if run.settings.trigger_scope == "user" else ""
        notes.append(
            f"{triggers.most_frequent!r} stands in {100 * triggers.most_frequent_share:.0f} % of the posts: "
            f"whoever counts word sequences finds them{remedy}"
        )
    invented = sum(one.pair.record < 0 for photo in run.prepared.photos for one in run.captions[photo.id])
    if invented:
        notes.append(f"{invented} photos had no caption; theirs was made from the file name")
    if run.settings.format == "jpeg":
        notes.append("JPEG weakens the noise and goes beyond its bound; linf is what was measured")
    if run.settings.keep_metadata == "all":
        notes.append("all metadata was kept: GPS where there was any, and thumbnails, which show the photo unprotected")
    changed = sum(bool(line.notes) for line in made)
    if changed:
        notes.append(
            f"{changed} photos lost something on the way (frames, depth, colour space); the manifest says what"
        )
    return notes


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
