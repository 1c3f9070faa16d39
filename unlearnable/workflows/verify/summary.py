"""Summarise a `verify` run in its report: the posts trained on and ranked, the cells, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unlearnable.attackers import ATTACKERS
from unlearnable.attacks import is_adaptive
from unlearnable.config import VerifySettings
from unlearnable.evaluation.findings import findings
from unlearnable.evaluation.matrix import matrix
from unlearnable.evaluation.requirements import Rule, missed
from unlearnable.evaluation.scores import chance
from unlearnable.evaluation.verdict import in_words, verdict
from unlearnable.evaluation.worst import worst_finding
from unlearnable.posts.letters import plain
from unlearnable.results import Finding, GalleryRecord, References, SkippedRecord, VerifyReport, VictimRecord
from unlearnable.results.common import made_by
from unlearnable.wording.counts import counted
from unlearnable.workflows.verify.cells import CellResults
from unlearnable.workflows.verify.crowd_summary import crowd_report
from unlearnable.workflows.verify.enough import too_few
from unlearnable.workflows.verify.pairs import PostPair
from unlearnable.workflows.verify.study import Study


def summarise(
    settings: VerifySettings, folder: Path, study: Study, results: CellResults, rules: Sequence[Rule]
) -> VerifyReport:
    """Return the report of a run with 0 seconds, which the caller sets."""
    experiment = study.experiment
    random = chance(experiment.gallery, experiment.queries)
    references = References(random=random, pretrained=results.pretrained)
    cells, photo_of_caption = results.cells, experiment.photo_of_caption
    all_findings = [_marked(finding) for finding in findings(cells, references, photo_of_caption)]
    worst, worst_adaptive = (
        worst_finding([one for one in all_findings if one.adaptive is kind], cells, references, photo_of_caption)
        for kind in (False, True)
    )
    said = worst or worst_adaptive
    skipped = [*study.split.skipped, *study.held_out.skipped, *study.background.skipped]
    skipped += study.crowd.skipped if study.crowd else []
    return VerifyReport(
        originals=str(settings.originals),
        protected=str(settings.protected),
        output=str(folder),
        gallery=_gallery_record(settings, study),
        references=references,
        cells=cells,
        findings=all_findings,
        victims=study.victims,
        suite=settings.suite,
        matrix=matrix(all_findings),
        verdict=verdict(all_findings, worst, worst_adaptive),
        worst=worst,
        worst_adaptive=worst_adaptive,
        in_words=in_words(said, cells, references, len(study.held_out.photos)) if said else "",
        crowd=crowd_report(study, cells),
        required=list(settings.require),
        missed=missed(rules, cells, all_findings),
        skipped=[SkippedRecord.of(skip) for skip in skipped],
        notes=study.split.notes
        + _notes(settings, references, all_findings, study.split.source)
        + _notes_on_roles(study.victims)
        + _notes_on_names(all_findings, study.split.train),
        seeds=list(settings.seeds),
        from_scratch=settings.from_scratch,
        batch_size=settings.batch_size,
        smallest_crop=settings.smallest_crop,
        device=experiment.pool.device,
        made_by=made_by(),
        settings=settings.model_dump(mode="json", exclude_none=True),
        ran=results.ran,
        reused=len(cells) - results.ran,
        seconds=0.0,
    )


def _marked(finding: Finding) -> Finding:
    adaptive = is_adaptive(finding.through) or ATTACKERS[finding.attacker].adaptive
    return finding.model_copy(update={"adaptive": adaptive})


def _gallery_record(settings: VerifySettings, study: Study) -> GalleryRecord:
    return GalleryRecord(
        source=_source(study),
        photos=len(study.held_out.photos),
        captions=len(study.experiment.gallery),
        split_seed=settings.seed,
        train_photos=len(study.split.train),
        train_pairs=sum(len(post.clean) for post in study.split.train),
        background_photos=len(study.background.photos),
        near_duplicates=study.split.near + study.background_near,
        photo_of_caption=study.experiment.photo_of_caption,
    )


def _source(study: Study) -> str:
    """Return where the held-out photos come from, those of a crowd apart."""
    if study.crowd is None:
        return study.split.source
    own = study.experiment.queries or 0
    others = len(study.held_out.photos) - own
    return f"{own} yours: {study.split.source}; {others} of the crowd: {study.crowd.source}"


def _notes(settings: VerifySettings, references: References, all_findings: Sequence[Finding], source: str) -> list[str]:
    """Return remarks that a reader needs to interpret the figures."""
    few = too_few(settings, references.random, source)
    notes = [few] if few else []
    if len(settings.seeds) < 3:
        trained = counted(len(settings.seeds), "seed")
        notes.append(f"{trained}: repeat with --seeds 0,1,2 before you rely on a difference")
    if not all(finding.judged_by for finding in all_findings):
        notes.append(
            "protection cannot be judged if clean posts teach a victim less than 10 points of Hit@10: use more photos, "
            "more --epochs, a larger --lr, or a victim that does not know such photos yet"
        )
    return notes


def _notes_on_names(all_findings: Sequence[Finding], posts: Sequence[PostPair]) -> list[str]:
    """Return a remark where names are in disguise, and no attack undoes that."""
    hidden = any(
        plain(after) != after and plain(before) == before
        for post in posts
        for before, after in zip(post.clean, post.published, strict=True)
    )
    if not hidden or any("plain-letters" in finding.through for finding in all_findings):
        return []
    return ["names in the captions are in disguise: --through plain-letters tells what is left if somebody undoes that"]


def _notes_on_roles(victims: Sequence[VictimRecord]) -> list[str]:
    """Return a remark where no victim is known to be another model than protection was made on."""
    roles = {victim.role for victim in victims}
    if None in roles:
        return ["there is no report of the protect run beside the copies: which victims are surrogates is not known"]
    if "held-out" in roles:
        return []
    return [
        "protection was made on these very victims, against which it holds best: name another model with --victims, "
        "such as conv-small or RN50:openai"
    ]
