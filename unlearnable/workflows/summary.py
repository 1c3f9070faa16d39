"""The figures of a run, drawn together for its report."""

from __future__ import annotations

from dataclasses import dataclass

from unlearnable.results import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss
from unlearnable.workflows.run import Run


@dataclass(frozen=True)
class Outcome:
    """What a run has come to: manifest, losses on the written files and after each round, and how it ended."""

    lines: list[ManifestLine]
    losses: list[SurrogateLoss]
    rounds: list[float]
    stopped: str
    roundtrip: float
    seconds: float


def summarise(run: Run, outcome: Outcome) -> ProtectReport:
    """The report of a run."""
    made = [line for line in outcome.lines if line.status == "protected"]
    psnr = [line.psnr for line in made if line.psnr is not None]
    return ProtectReport(
        output=str(run.where.output),
        private=str(run.where.private),
        captions_file=run.dataset.source.name if run.dataset.source else None,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        protected=len(made),
        captions=sum(len(line.captions) for line in made),
        skipped=[SkippedRecord(where=s.where, reason=s.reason, detail=s.detail) for s in run.prepared.skipped],
        linf_max=max(line.linf or 0 for line in made),
        psnr_mean=_mean(psnr),
        psnr_min=min(psnr, default=0.0),
        ssim_mean=_mean([line.ssim or 0.0 for line in made]),
        loss_first=_mean([loss.clean_pretrained for loss in outcome.losses]),
        loss_last=_mean([loss.protected_trained for loss in outcome.losses]),
        loss_rounds=outcome.rounds,
        losses=outcome.losses,
        rounds=len(outcome.rounds),
        stopped="threshold" if outcome.stopped == "threshold" else "rounds",
        surrogates=list(run.settings.surrogate),
        trigger_roundtrip=outcome.roundtrip,
        run=run.key,
        seed=run.settings.seed,
        device=str(run.problem.surrogates[0].device),
        seconds=round(outcome.seconds, 1),
        notes=_notes(run, made),
    )


def _notes(run: Run, made: list[ManifestLine]) -> list[str]:
    """What a person should know about this run without asking."""
    notes = []
    invented = sum(pair.record < 0 for photo in run.prepared.photos for pair in run.pairs[photo.id])
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
    return sum(numbers) / len(numbers) if numbers else 0.0
