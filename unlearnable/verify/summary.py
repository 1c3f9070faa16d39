"""The report of a `verify` run, and the rows and the page that show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from unlearnable.models.dual_encoder import weights_sha256
from unlearnable.posts.names import plain
from unlearnable.report import (
    BothWays,
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
    Role,
    SkippedRecord,
    VerifyReport,
    VictimRecord,
    made_by,
)
from unlearnable.report.html import templates
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, VerifySettings, changing
from unlearnable.training.data import DecodedPosts
from unlearnable.training.loop import BASE, kept
from unlearnable.training.retrieval import chance
from unlearnable.verify.cells import CellResults, Experiment, ModelPool, family
from unlearnable.verify.copies import Crowd, PostPair, Split, names, note_on_few, report_of
from unlearnable.verify.crowd import by_photo, mean_retrieval, share
from unlearnable.verify.findings import (
    WAYS,
    Attempt,
    Interval,
    Rule,
    Way,
    attempts,
    cells_of,
    findings,
    hit_interval,
    in_words,
    matrix,
    missed,
    tenths,
    verdict,
    worst_finding,
)
from unlearnable.wording import counted, grouped

CROWD_ARMS: dict[CrowdArm, str] = {
    "clean": "clean",
    "protected": "protected",
    "half": "half leaked",
    "absent": "nothing",
}
NAMELESS = (
    "IDIA is not measured: nobody says who is on each held-out photo of the protected people. Give folders of faces "
    "with `captions='people'`, or a JSON lines file whose rows hold image, person and a caption with that name"
)


@dataclass(frozen=True)
class Study:
    """The posts that victims were trained on and ranked on."""

    split: Split
    held_out: DecodedPosts  # those that could be decoded, the crowd's last
    background: DecodedPosts  # other people's posts
    background_near: list[str]  # other people's photos left out as near-duplicates of held-out ones
    experiment: Experiment
    crowd: Crowd | None
    leaked: frozenset[int]  # numbers of the posts that leaked clean, in one of the arms beside a crowd


def summarise(
    settings: VerifySettings, folder: Path, study: Study, results: CellResults, rules: Sequence[Rule]
) -> VerifyReport:
    """Return the report of a run with 0 seconds, which the caller sets."""
    experiment, split, cells = study.experiment, study.split, results.cells
    references = References(random=chance(experiment.gallery, experiment.queries), pretrained=results.pretrained)
    owners = experiment.photo_of_caption
    all_findings = findings(cells, references, owners)
    worst, worst_adaptive = (
        worst_finding([one for one in all_findings if one.adaptive is kind], cells, references, owners)
        for kind in (False, True)
    )
    told, victims = worst or worst_adaptive, _victims(settings, experiment.pool)
    skipped = [*split.skipped, *study.held_out.skipped, *study.background.skipped]
    source, own = split.source, experiment.queries or 0
    if study.crowd:
        skipped += study.crowd.skipped
        source = f"{own} yours: {source}; {len(study.held_out.photos) - own} of the crowd: {study.crowd.source}"
    return VerifyReport(
        originals=str(settings.originals),
        protected=str(settings.protected),
        output=str(folder),
        gallery=GalleryRecord(
            source=source,
            photos=len(study.held_out.photos),
            captions=len(experiment.gallery),
            split_seed=settings.seed,
            train_photos=len(split.train),
            train_pairs=sum(len(post.clean) for post in split.train),
            background_photos=len(study.background.photos),
            near_duplicates=split.near + study.background_near,
            photo_of_caption=owners,
        ),
        references=references,
        cells=cells,
        findings=all_findings,
        victims=victims,
        suite=settings.suite,
        matrix=matrix(all_findings),
        verdict=verdict(all_findings, worst, worst_adaptive),
        worst=worst,
        worst_adaptive=worst_adaptive,
        in_words=in_words(told, cells, references, len(study.held_out.photos)) if told else "",
        crowd=_crowd_record(study, study.crowd, cells) if study.crowd else None,
        required=list(settings.require),
        missed=missed(rules, cells, all_findings),
        skipped=[SkippedRecord.of(skip) for skip in skipped],
        notes=[
            *split.notes,
            *note_on_few(settings, references.random, split.source),
            *_notes(settings, all_findings, victims, split.train),
        ],
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


@kept()
def _victims(settings: VerifySettings, pool: ModelPool) -> list[VictimRecord]:
    """Return each victim with its role: "surrogate" where it starts from the weights that protection was made on."""
    made = report_of(settings.copies)
    known = set(made.surrogate_weights) if made and not pool.from_scratch else set[str]()
    records = []
    for name in dict.fromkeys(settings.victims):
        role: Role | None = None
        if made:
            same = weights_sha256(pool.pretrained(name).module.state_dict()) in known
            role = "surrogate" if same else "held-out"
        records.append(VictimRecord(name=name, role=role, family=family(pool.architecture(name))))
    return records


def _notes(
    settings: VerifySettings,
    all_findings: Sequence[Finding],
    victims: Sequence[VictimRecord],
    posts: Sequence[PostPair],
) -> Iterator[str]:
    """Yield remarks that a reader needs to interpret the figures."""
    if len(settings.seeds) < 3:
        trained = counted(len(settings.seeds), "seed")
        yield f"{trained}: repeat with three or more before you rely on a difference"
    if not all(finding.judged_by for finding in all_findings):
        yield (
            "protection cannot be judged if clean posts teach a victim less than 10 points of Hit@10: use more photos, "
            "more epochs, a larger learning rate, or a victim that does not know such photos yet"
        )
    roles = {victim.role for victim in victims}
    if None in roles:
        yield "there is no report of the protect run beside the copies: which victims are surrogates is not known"
    elif "held-out" not in roles:
        yield (
            "protection was made on these very victims, against which it holds best: test another victim, such as "
            "conv-small or RN50:openai"
        )
    disguised = any(
        plain(after) != after and plain(before) == before
        for post in posts
        for before, after in zip(post.clean, post.published, strict=True)
    )
    if disguised and not any("plain-letters" in finding.through for finding in all_findings):
        yield "names are in look-alike letters: the attack plain-letters tells what is left if somebody undoes that"


def _crowd_record(study: Study, crowd: Crowd, cells: Sequence[Cell]) -> CrowdRecord:
    """Return what the victims of a run learnt of the protected people."""
    asked, own = study.experiment.identities, study.experiment.queries or 0
    ways, photos = attempts(cells), study.experiment.gallery.photos.tolist()
    scores: dict[tuple[CrowdArm, Attempt], CrowdScores] = {}
    for way, arm in product(ways, CROWD_ARMS):
        if crowd_cells(cells, arm, way):
            scores.setdefault((arm, _taken(way, arm)), _scores(cells, arm, way, photos))
    first = [way for way in ways if (way.through, way.attacker) == (ways[0].through, ways[0].attacker)]
    arms: dict[CrowdArm, dict[str, CrowdScores]] = {}
    for arm, way in product(CROWD_ARMS, first):
        if found := scores.pop((arm, _taken(way, arm)), None):
            arms.setdefault(arm, {})[way.victim] = found
    notes = [] if asked else [NAMELESS]
    made = len(crowd.train.uncaptioned)
    if made and (crowd.train.captioned or not crowd.train.people):  # the captions of faces name somebody
        have = "photo of the crowd has" if made == 1 else "photos of the crowd have"
        notes.append(f"{made} {have} no caption: they are not trained on")
    report = CrowdRecord(
        protected_people=len(asked.people) if asked else None,
        crowd_people=len(set(names(crowd.people).values())) or None,
        source=crowd.source,
        held_out=own,
        crowd_held_out=len(study.held_out.photos) - own,
        leaked=len(study.leaked),
        names=asked.tokens.shape[1] if asked else None,
        arms=arms,
        through=ways[0].through,
        attacker=ways[0].attacker,
        further=[FurtherScores(arm=arm, **way._asdict(), **found.model_dump()) for (arm, way), found in scores.items()],
        in_words="",
        notes=notes,
    )
    return report.model_copy(update={"in_words": _crowd_in_words(report)})


def _scores(cells: Sequence[Cell], arm: CrowdArm, way: Attempt, photos: Sequence[int]) -> CrowdScores:
    """Return the scores of an arm; `photos` holds the photo of each caption, those of the crowd last."""
    own = crowd_cells(cells, arm, way)
    first = len(own[0][0].text_to_image)
    return CrowdScores(
        image_to_text=mean_retrieval([by_photo(ranks.image_to_text) for ranks, _ in own]),
        text_to_image=mean_retrieval([by_photo(ranks.text_to_image, photos[:first]) for ranks, _ in own]),
        idia_tpr=None if arm == "absent" else share([crowd.recognised for _, crowd in own]),
        idia_fpr=share([crowd.recognised for _, crowd in crowd_cells(cells, "absent", way)]),
        others_text_to_image=mean_retrieval([by_photo(crowd.other_text_ranks, photos[first:]) for _, crowd in own]),
    )


def crowd_cells(cells: Sequence[Cell], arm: CrowdArm, way: Attempt) -> list[tuple[RanksRecord, CrowdCell]]:
    """Return what the cells of an arm hold, one a seed; attacks are compared with clean posts as they are."""
    found = cells_of(cells, arm, _taken(way, arm))
    return [(cell.ranks, cell.crowd) for cell in found if cell.ranks and cell.crowd]


def _taken(way: Attempt, arm: CrowdArm) -> Attempt:
    """Return the way that an arm is trained on for an attempt: clean posts and none go through no attack."""
    return way if arm in ("protected", "half") else way._replace(through=AS_PUBLISHED)


def _crowd_in_words(report: CrowdRecord) -> str:
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


class ScoreRow(NamedTuple):
    """One row of the table, as text: Hit@10 in per cent with its 95 % interval over photos and seeds, Medr a rank."""

    victim: str  # the name of the model, without its folder; empty for random ranking
    arm: str  # what it was trained on, or the reference that it is compared with
    image_hit: str
    image_medr: str
    text_hit: str
    text_medr: str


def table_rows(report: VerifyReport) -> list[ScoreRow]:
    """Return the rows: random ranking first, then each victim before training and after each arm."""
    rows = [_score_row("", "random ranking", [report.references.random])]
    for name, own in grouped((cell.victim, cell) for cell in report.cells).items():
        victim = Path(name).name
        if name in report.references.pretrained:
            rows.append(_score_row(victim, "before training", [report.references.pretrained[name]]))
        for label, cells in grouped((arm_label(cell), cell) for cell in own).items():
            ends = {way: hit_interval(cells, way, report.gallery.photo_of_caption) for way in WAYS}
            rows.append(_score_row(victim, label, cells, ends))
        published = ((one.attacker, one.shortcut) for one in own if one.shortcut and one.through == AS_PUBLISHED)
        for attacker, shortcuts in grouped(published).items():
            rows.append(_score_row(victim, _label("protected posts as published", attacker=attacker), shortcuts))
    return rows


def _score_row(
    victim: str, arm: str, scores: Sequence[Cell | BothWays], ends: Mapping[Way, Interval | None] | None = None
) -> ScoreRow:
    """Return the row of scores, one a seed, with the intervals of Hit@10 that are known."""
    figures = []
    for way in WAYS:
        hit10 = fmean(getattr(one, way).hit10 for one in scores)
        interval = (ends or {}).get(way)
        figures.append(with_interval(hit10, *interval) if interval else f"{hit10:.1f}")
        figures.append(rank(fmean(getattr(one, way).medr for one in scores)))
    return ScoreRow(victim, arm, *figures)


def matrix_rows(report: VerifyReport) -> list[tuple[str, list[str]]]:
    """Return the rows of the matrix: attack or attacker, with a star where it is adaptive, and the victims' effects."""
    return [
        (
            _label(row.through, attacker=row.attacker) + (" *" if row.adaptive else ""),
            [_effect(row.effects.get(victim.name)) for victim in report.victims],
        )
        for row in report.matrix
    ]


def finding_line(finding: Finding) -> str:
    """Return a finding as a line: the effects in both directions, with the interval of the first, and the outcome."""
    judged = bool(finding.judged_by)
    known = judged and finding.effect_low is not None
    ends = f" ({finding.effect_low:.2f} to {finding.effect_high:.2f})" if known else ""
    there, back = (_effect(one if judged else None) for one in (finding.effect, finding.effect_image_to_text))
    trained = _label(finding.through, attacker=finding.attacker)
    effects = f"{there}{ends} text->image, {back} image->text"
    return f"{Path(finding.victim).name}, {trained}: effect {effects}: {finding.outcome}"


def arm_label(cell: Cell) -> str:
    """Return what a reader sees of a cell's arm: what was trained on, through which attack, by which attacker."""
    return _label(cell.data, cell.through, cell.attacker)


def _label(arm: str, through: str = AS_PUBLISHED, attacker: str = AS_USUAL) -> str:
    return ", ".join([arm, *changing(through, attacker)])


def _effect(effect: float | None) -> str:
    return "-" if effect is None else f"{effect:.2f}"


def with_interval(per_cent: float, low: float, high: float) -> str:
    """Return a share with its interval, as 41 (33 to 50), with a decimal only where it is small: it fits a column."""
    shown, first, last = (f"{one:.1f}" if one < 9.95 else f"{one:.0f}" for one in (per_cent, low, high))
    return f"{shown} ({first} to {last})"


def rank(mean: float) -> str:
    """Return a mean rank, with a decimal where it has one."""
    return f"{round(mean, 1):g}"


class CrowdRow(NamedTuple):
    """One row of the table, as text: Hit@10 of the protected people with its interval, all in per cent."""

    victim: str  # the name of the model, without its folder
    arm: str  # what it was trained on beside the crowd
    image_hit: str
    text_hit: str
    others: str  # text→image Hit@10 of the crowd
    known: str  # share of the protected people recognised by name; "-" without names


def crowd_rows(report: CrowdRecord) -> list[CrowdRow]:
    """Return a row for each victim and arm, then those through further attacks and by further attackers."""
    rows = []
    for victim, arm in product(report.arms["protected"], CROWD_ARMS):
        if arm in report.arms:
            through = report.through if arm in ("protected", "half") else AS_PUBLISHED
            rows.append(_crowd_row(victim, arm, through, report.attacker, report.arms[arm][victim]))
    return rows + [_crowd_row(one.victim, one.arm, one.through, one.attacker, one) for one in report.further]


def _crowd_row(victim: str, arm: CrowdArm, through: str, attacker: str, scores: CrowdScores) -> CrowdRow:
    known = scores.idia_fpr if arm == "absent" else scores.idia_tpr
    there, back = (with_interval(one.hit10, one.low, one.high) for one in (scores.image_to_text, scores.text_to_image))
    return CrowdRow(
        Path(victim).name,
        _label(CROWD_ARMS[arm], through, attacker),
        there,
        back,
        f"{scores.others_text_to_image.hit10:.0f}",
        "-" if known is None else f"{100 * known:.0f}",
    )


def verify_page(report: VerifyReport) -> str:
    """Return the page of a `verify` run: the verdict, the tables, references, and how to read them."""
    outcomes = {finding.outcome for finding in report.findings if not finding.adaptive}
    return (
        templates()
        .get_template("verify.html")
        .render(
            report=report,
            rows=table_rows(report),
            mood={"holds": "good", "does not hold": "bad"}.get("".join(outcomes), ""),
            attackers=any(finding.attacker != AS_USUAL for finding in report.findings),
            through=any(finding.effect_through is not None for finding in report.findings),
            matrix=matrix_rows(report),
            beside=crowd_rows(report.crowd) if report.crowd else [],
        )
    )
