"""What a `verify` run trained on and ranked, and its report: cells, crowd and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args

from unlearnable.posts import Dataset
from unlearnable.posts.names import plain
from unlearnable.report import (
    Cell,
    CrowdArm,
    CrowdCell,
    CrowdRecord,
    CrowdScores,
    Finding,
    FurtherScores,
    GalleryRecord,
    RanksRecord,
    References,
    SkippedRecord,
    VerifyReport,
    VictimRecord,
)
from unlearnable.report.common import made_by
from unlearnable.settings import AS_PUBLISHED, VerifySettings, changing
from unlearnable.training.data import DecodedPosts
from unlearnable.training.loop import BASE
from unlearnable.training.retrieval import chance
from unlearnable.verify.attackers import ATTACKERS
from unlearnable.verify.attacks import is_adaptive
from unlearnable.verify.cells import Experiment
from unlearnable.verify.copies import PostPair
from unlearnable.verify.crowd import Crowd
from unlearnable.verify.findings import Attempt, attempts, findings, matrix, worst_finding
from unlearnable.verify.identity import by_photo, mean_retrieval, share
from unlearnable.verify.plan import CellResults
from unlearnable.verify.splits import Split, names, too_few
from unlearnable.verify.verdict import Rule, in_words, missed, tenths, verdict
from unlearnable.wording import counted


@dataclass(frozen=True)
class Study:
    """The posts that victims were trained on and ranked on.

    Attributes:
        split: training posts and held-out posts.
        held_out: held-out posts that could be decoded.
        background: other people's posts.
        background_near: other people's photos left out as near-duplicates of held-out ones.
        experiment: victims, and held-out pairs to rank.
        crowd: the crowd that the posts are measured in, if there is one; its held-out posts are the last.
        leaked: numbers of the posts that leaked clean, in one of the arms beside a crowd.
        victims: what each victim is to the protection.
    """

    split: Split
    held_out: DecodedPosts
    background: DecodedPosts
    background_near: list[str]
    experiment: Experiment
    crowd: Crowd | None
    leaked: frozenset[int]
    victims: list[VictimRecord]


NAMELESS = (
    "IDIA is not measured: nobody says who is on each held-out photo of the protected people. Give folders of faces "
    "with `captions='people'`, or a JSON lines file whose rows hold image, person and a caption with that name"
)


def crowd_report(study: Study, cells: Sequence[Cell]) -> CrowdRecord | None:
    """Return what the victims of a run learnt of the protected people; None without a crowd."""
    if study.crowd is None:
        return None
    asked, own = study.experiment.identities, study.experiment.queries or 0
    ways = attempts(cells)
    first = ways[0]
    plain = [way for way in ways if (way.through, way.attacker) == (first.through, first.attacker)]
    photos = study.experiment.gallery.photos.tolist()
    trained = [arm for arm in get_args(CrowdArm) if cells_of(cells, arm, first)]
    arms = {arm: {way.victim: _scores(cells, arm, way, photos) for way in plain} for arm in trained}
    report = CrowdRecord(
        protected_people=len(asked.people) if asked else None,
        crowd_people=len(set(names(study.crowd.people).values())) or None,
        source=study.crowd.source,
        held_out=own,
        crowd_held_out=len(study.held_out.photos) - own,
        leaked=len(study.leaked),
        names=asked.tokens.shape[1] if asked else None,
        arms=arms,
        through=first.through,
        attacker=first.attacker,
        further=list(_further(cells, ways, plain, photos)),
        in_words="",
        notes=[*([] if asked else [NAMELESS]), *_said_of_captions(study.crowd.train)],
    )
    return report.model_copy(update={"in_words": _in_words(report)})


def _said_of_captions(crowd: Dataset) -> Iterable[str]:
    """Yield how many photos of the crowd have no caption of their own, but for faces, whose captions name somebody."""
    made = len(crowd.uncaptioned)
    if made and (crowd.captioned or not crowd.people):
        have = "photo of the crowd has" if made == 1 else "photos of the crowd have"
        yield f"{made} {have} no caption: they are not trained on"


def _further(
    cells: Sequence[Cell], ways: Iterable[Attempt], told: Iterable[Attempt], photos: Sequence[int]
) -> Iterable[FurtherScores]:
    """Yield the scores of each way but those that are told; of arms that no attack changes, once an attacker."""
    arms: tuple[CrowdArm, ...] = get_args(CrowdArm)
    known = {(arm, _taken(way, arm)) for way, arm in product(told, arms)}
    for way, arm in product(ways, arms):
        taken = _taken(way, arm)
        if (arm, taken) not in known and cells_of(cells, arm, way):
            known.add((arm, taken))
            yield FurtherScores(arm=arm, **taken._asdict(), **_scores(cells, arm, way, photos).model_dump())


def _scores(cells: Sequence[Cell], arm: CrowdArm, way: Attempt, photos: Sequence[int]) -> CrowdScores:
    """Return the scores of an arm; `photos` holds the photo of each caption, those of the crowd last."""
    own = cells_of(cells, arm, way)
    first = len(own[0][0].text_to_image)
    return CrowdScores(
        image_to_text=mean_retrieval([by_photo(ranks.image_to_text) for ranks, _ in own]),
        text_to_image=mean_retrieval([by_photo(ranks.text_to_image, photos[:first]) for ranks, _ in own]),
        idia_tpr=None if arm == "absent" else share([crowd.recognised for _, crowd in own]),
        idia_fpr=share([crowd.recognised for _, crowd in cells_of(cells, "absent", way)]),
        others_text_to_image=mean_retrieval([by_photo(crowd.other_text_ranks, photos[first:]) for _, crowd in own]),
    )


def cells_of(cells: Sequence[Cell], arm: CrowdArm, way: Attempt) -> list[tuple[RanksRecord, CrowdCell]]:
    """Return what the cells of an arm hold, one a seed; attacks are compared with clean posts as they are."""
    taken = _taken(way, arm)
    return [
        (cell.ranks, cell.crowd)
        for cell in cells
        if cell.ranks and cell.crowd and (cell.data, cell.victim, cell.through, cell.attacker) == (arm, *taken)
    ]


def _taken(way: Attempt, arm: CrowdArm) -> Attempt:
    """Return the way that an arm is trained on for an attempt: clean posts and none go through no attack."""
    return way if arm in ("protected", "half") else way._replace(through=AS_PUBLISHED)


def _in_words(report: CrowdRecord) -> str:
    """Return how often a model finds a photo of the protected people: of the victim that finds most of them."""
    victim = max(report.arms["protected"], key=lambda name: report.arms["protected"][name].text_to_image.hit10)
    found = {arm: tenths(scores[victim].text_to_image.hit10) for arm, scores in report.arms.items()}
    beside = f"{report.crowd_people} other people" if report.crowd_people else "other people's posts"
    done = changing(report.through, report.attacker)
    by = f" ({', '.join(done)})" if done else ""
    gallery = report.held_out + report.crowd_held_out
    leaked = f"had {report.leaked} of them leaked clean, {found['half']}; " if "half" in found else ""
    return (
        f"Beside {beside}, a model trained on your protected posts{by} finds the right photo of you, among the first "
        f"10 of {gallery}, {found['protected']}; had you posted them clean, {found['clean']}; {leaked}had you posted "
        f"nothing, {found['absent']}."
    )


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
        batch_size=BASE.batch_size,
        smallest_crop=BASE.smallest_crop,
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
        notes.append(f"{trained}: repeat with three or more before you rely on a difference")
    if not all(finding.judged_by for finding in all_findings):
        notes.append(
            "protection cannot be judged if clean posts teach a victim less than 10 points of Hit@10: use more photos, "
            "more epochs, a larger learning rate, or a victim that does not know such photos yet"
        )
    return notes


def _notes_on_names(all_findings: Sequence[Finding], posts: Sequence[PostPair]) -> list[str]:
    """Return a remark where names are in look-alike letters, and no attack undoes that."""
    hidden = any(
        plain(after) != after and plain(before) == before
        for post in posts
        for before, after in zip(post.clean, post.published, strict=True)
    )
    if not hidden or any("plain-letters" in finding.through for finding in all_findings):
        return []
    return ["names are in look-alike letters: the attack plain-letters tells what is left if somebody undoes that"]


def _notes_on_roles(victims: Sequence[VictimRecord]) -> list[str]:
    """Return a remark where no victim is known to be another model than protection was made on."""
    roles = {victim.role for victim in victims}
    if None in roles:
        return ["there is no report of the protect run beside the copies: which victims are surrogates is not known"]
    if "held-out" in roles:
        return []
    return [
        "protection was made on these very victims, against which it holds best: test another victim, "
        "such as conv-small or RN50:openai"
    ]
