"""The report of a `verify` run, and the rows and the page that show it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from unlearnable import report as records
from unlearnable.models.dual_encoder import weights_sha256
from unlearnable.report import BothWays, Cell, CrowdArm, CrowdCell, CrowdRecord, CrowdScores, RanksRecord, VerifyReport
from unlearnable.report.html import templates
from unlearnable.settings import AS_PUBLISHED, AS_USUAL, NEVER_TESTED, VerifySettings, changing
from unlearnable.training.data import DecodedPosts
from unlearnable.training.loop import BASE, kept
from unlearnable.training.retrieval import chance
from unlearnable.verify import findings as found
from unlearnable.verify.cells import Experiment, ModelPool, family
from unlearnable.verify.copies import Split, names, report_of
from unlearnable.verify.crowd import Crowd, by_photo, mean_retrieval, share
from unlearnable.verify.findings import WAYS, Attempt, Interval, Rule, Way, tenths
from unlearnable.wording import counted, grouped

MOST_BY_CHANCE = 50.0  # Hit@10 of a random order, in per cent
NEEDED = 20  # photos in the gallery: a random order has a Hit@10 of 50 there
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


@dataclass
class CellResults:
    """The results of all cells."""

    pretrained: dict[str, BothWays] = field(default_factory=dict)  # scores of each victim before training
    cells: list[Cell] = field(default_factory=list)
    ran: int = 0  # cells that were run rather than reused


def summarise(
    settings: VerifySettings, folder: Path, study: Study, results: CellResults, rules: Sequence[Rule]
) -> VerifyReport:
    """Return the report of a run with 0 seconds, which the caller sets."""
    experiment, split, cells = study.experiment, study.split, results.cells
    references = records.References(
        random=chance(experiment.gallery, experiment.queries), pretrained=results.pretrained
    )
    owners = experiment.photo_of_caption
    findings = found.findings(cells, references, owners)
    worst, worst_adaptive = (
        found.worst_finding([one for one in findings if one.adaptive is kind], cells, references, owners)
        for kind in (False, True)
    )
    told, victims = worst or worst_adaptive, _victims(settings, experiment.pool)
    skipped = [*split.skipped, *study.held_out.skipped, *study.background.skipped]
    source, own = split.held_out.source, experiment.queries or 0
    if study.crowd:
        skipped += study.crowd.skipped
        of_crowd = f"{len(study.held_out.photos) - own} of the crowd: {study.crowd.held_out.source}"
        source = f"{own} yours: {source}; {of_crowd}"
    return VerifyReport(
        originals=str(settings.originals),
        protected=str(settings.protected),
        output=str(folder),
        gallery=records.GalleryRecord(
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
        findings=findings,
        victims=victims,
        suite=settings.suite,
        matrix=found.matrix(findings),
        not_tested=list(NEVER_TESTED),
        verdict=found.verdict(findings, worst, worst_adaptive),
        worst=worst,
        worst_adaptive=worst_adaptive,
        in_words=found.in_words(told, cells, references, len(study.held_out.photos)) if told else "",
        crowd=_crowd_record(study, study.crowd, cells) if study.crowd else None,
        required=list(settings.require),
        missed=found.missed(rules, cells, findings),
        skipped=[records.SkippedRecord.of(skip) for skip in skipped],
        notes=[*split.notes, *note_on_few(references.random), *_notes(settings, findings, victims)],
        seeds=list(settings.seeds),
        from_scratch=settings.from_scratch,
        batch_size=BASE.batch_size,
        smallest_crop=BASE.smallest_crop,
        device=experiment.pool.device,
        made_by=records.made_by(),
        settings=settings.model_dump(mode="json", exclude_none=True),
        ran=results.ran,
        reused=len(cells) - results.ran,
        seconds=0.0,
    )


@kept()
def _victims(settings: VerifySettings, pool: ModelPool) -> list[records.VictimRecord]:
    """Return each victim with its role: "surrogate" where it starts from the weights that protection was made on."""
    made = report_of(settings.copies)
    known = set(made.surrogate_weights) if made and not pool.from_scratch else set[str]()
    victims = []
    for name in dict.fromkeys(settings.victims):
        role: records.Role | None = None
        if made:
            same = weights_sha256(pool.pretrained(name).module.state_dict()) in known
            role = "surrogate" if same else "held-out"
        victims.append(records.VictimRecord(name=name, role=role, family=family(pool.architecture(name))))
    return victims


def note_on_few(by_chance: BothWays) -> list[str]:
    """Return a remark on a gallery of too few photos, by its scores in random order."""
    hit10 = by_chance.text_to_image.hit10
    if hit10 <= MOST_BY_CHANCE:
        return []
    judged = ", which cannot be judged" if hit10 > 100 - found.LEAST_GAP else ""
    few = f"so few photos are held out that a random order has a Hit@10 of {hit10:.0f} %{judged}"
    return [f"{few}: at least {NEEDED} are needed, by a larger `test_fraction` or others in `test`"]


def _notes(
    settings: VerifySettings, findings: Sequence[records.Finding], victims: Sequence[records.VictimRecord]
) -> Iterator[str]:
    """Yield remarks that a reader needs to interpret the figures."""
    if len(settings.seeds) < 3:
        trained = counted(len(settings.seeds), "seed")
        yield f"{trained}: repeat with three or more before you rely on a difference"
    if not all(finding.judged_by for finding in findings):
        yield (
            "protection cannot be judged if clean posts teach a victim less than 10 points of Hit@10: use more photos, "
            "more epochs, a larger learning rate, or a victim that does not know such photos yet"
        )
    if {victim.role for victim in victims} == {"surrogate"}:
        yield (
            "protection was made on these very victims, against which it holds best: test another victim, such as "
            "conv-small or RN50:openai"
        )


def _crowd_record(study: Study, crowd: Crowd, cells: Sequence[Cell]) -> CrowdRecord:
    """Return what the victims of a run learnt of the protected people."""
    asked, own = study.experiment.identities, study.experiment.queries or 0
    ways, photos = found.attempts(cells), study.experiment.gallery.photos.tolist()
    arms: dict[CrowdArm, dict[str, CrowdScores]] = {}
    further: list[records.FurtherScores] = []
    seen = set()
    for way, arm in product(ways, CROWD_ARMS):
        trained = arm, _taken(way, arm)
        if trained in seen or not crowd_cells(cells, arm, way):
            continue
        seen.add(trained)
        scores = _scores(cells, arm, way, photos)
        if (way.through, way.attacker) == (ways[0].through, ways[0].attacker):
            arms.setdefault(arm, {})[way.victim] = scores
        else:
            further.append(records.FurtherScores(arm=arm, **trained[1]._asdict(), **scores.model_dump()))
    report = CrowdRecord(
        protected_people=len(asked.people) if asked else None,
        crowd_people=len(set(names(crowd.held_out.people).values())) or None,
        source=crowd.held_out.source,
        held_out=own,
        crowd_held_out=len(study.held_out.photos) - own,
        leaked=len(study.leaked),
        names=asked.tokens.shape[1] if asked else None,
        arms=arms,
        through=ways[0].through,
        attacker=ways[0].attacker,
        further=further,
        in_words="",
        notes=[] if asked else [NAMELESS],
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
    trained = found.cells_of(cells, arm, _taken(way, arm))
    return [(cell.ranks, cell.crowd) for cell in trained if cell.ranks and cell.crowd]


def _taken(way: Attempt, arm: CrowdArm) -> Attempt:
    """Return the way that an arm is trained on for an attempt: clean posts and none go through no attack."""
    return way if arm in ("protected", "half") else way._replace(through=AS_PUBLISHED)


def _crowd_in_words(report: CrowdRecord) -> str:
    """Return how often a model finds a photo of the protected people: of the victim that finds most of them."""
    victim = max(report.arms["protected"], key=lambda name: report.arms["protected"][name].text_to_image.hit10)
    often = {arm: tenths(scores[victim].text_to_image.hit10) for arm, scores in report.arms.items()}
    beside = f"{report.crowd_people} other people" if report.crowd_people else "other people's posts"
    done = changing(report.through, report.attacker)
    by = f" ({', '.join(done)})" if done else ""
    leaked = f"had {report.leaked} of them leaked clean, {often['half']}; " if "half" in often else ""
    return (
        f"Beside {beside}, a model trained on your protected posts{by} finds the right photo of you, among the first "
        f"10 of {report.held_out + report.crowd_held_out}, {often['protected']}; had you posted them clean, "
        f"{often['clean']}; {leaked}had you posted nothing, {often['absent']}."
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
        for label, cells in grouped((_label(cell.data, cell.through, cell.attacker), cell) for cell in own).items():
            ends = {way: found.hit_interval(cells, way, report.gallery.photo_of_caption) for way in WAYS}
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
        figures.append(_with_interval(hit10, *interval) if interval else f"{hit10:.1f}")
        figures.append(rank(fmean(getattr(one, way).medr for one in scores)))
    return ScoreRow(victim, arm, *figures)


def matrix_rows(report: VerifyReport) -> list[tuple[str, list[str]]]:
    """Return the rows of the matrix: attack or attacker, with a star where it is adaptive, and the victims' effects."""
    rows = []
    for row in report.matrix:
        effects = [row.effects.get(victim.name) for victim in report.victims]
        label = _label(row.through, attacker=row.attacker) + (" *" if row.adaptive else "")
        rows.append((label, ["-" if effect is None else f"{effect:.2f}" for effect in effects]))
    return rows


def _label(arm: str, through: str = AS_PUBLISHED, attacker: str = AS_USUAL) -> str:
    return ", ".join([arm, *changing(through, attacker)])


def _with_interval(per_cent: float, low: float, high: float) -> str:
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
            way = _taken(Attempt(victim, report.through, report.attacker), arm)
            rows.append(_crowd_row(way, arm, report.arms[arm][victim]))
    return rows + [_crowd_row(Attempt(one.victim, one.through, one.attacker), one.arm, one) for one in report.further]


def _crowd_row(way: Attempt, arm: CrowdArm, scores: CrowdScores) -> CrowdRow:
    known = scores.idia_fpr if arm == "absent" else scores.idia_tpr
    there, back = (_with_interval(one.hit10, one.low, one.high) for one in (scores.image_to_text, scores.text_to_image))
    return CrowdRow(
        Path(way.victim).name,
        _label(CROWD_ARMS[arm], way.through, way.attacker),
        there,
        back,
        f"{scores.others_text_to_image.hit10:.0f}",
        "-" if known is None else f"{100 * known:.0f}",
    )


def verify_page(report: VerifyReport) -> str:
    """Return the page of a `verify` run: the verdict, the tables, references, and how to read them."""
    outcomes = {finding.outcome for finding in report.findings if not finding.adaptive}
    page = templates().get_template("verify.html")
    return page.render(
        report=report,
        rows=table_rows(report),
        mood={"holds": "good", "does not hold": "bad"}.get("".join(outcomes), ""),
        attackers=any(finding.attacker != AS_USUAL for finding in report.findings),
        through=any(finding.effect_through is not None for finding in report.findings),
        matrix=matrix_rows(report),
        beside=crowd_rows(report.crowd) if report.crowd else [],
    )
