"""Summarise what the cells beside a crowd say of the protected people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple, get_args

from unlearnable.evaluation.crowd import mean_retrieval, share
from unlearnable.evaluation.worst import tenths
from unlearnable.results import Cell, CrowdArm, CrowdCell, CrowdRecord, CrowdScores, FurtherScores
from unlearnable.workflows.verify.splits import names
from unlearnable.workflows.verify.study import Study

NAMELESS = (
    "IDIA is not measured: nobody says who is on each held-out photo of the protected people. Give folders of faces "
    "with --captions people, or a JSON lines file whose rows hold image, person and a caption with that name"
)


class Attempt(NamedTuple):
    """Who trained on what the protected people posted."""

    victim: str
    through: str
    attacker: str


def crowd_report(study: Study, cells: Sequence[Cell]) -> CrowdRecord | None:
    """Return what the victims of a run learnt of the protected people; None without a crowd."""
    if study.crowd is None:
        return None
    asked, own = study.experiment.identities, study.experiment.queries or 0
    ways = list(dict.fromkeys(Attempt(c.victim, c.through, c.attacker) for c in cells if c.data == "protected"))
    first = ways[0]
    plain = [way for way in ways if (way.through, way.attacker) == (first.through, first.attacker)]
    arms = {arm: {way.victim: _scores(cells, arm, way) for way in plain} for arm in get_args(CrowdArm)}
    report = CrowdRecord(
        protected_people=len(asked.people) if asked else None,
        crowd_people=len(set(names(study.crowd.people).values())) or None,
        source=study.crowd.source,
        held_out=own,
        crowd_held_out=len(study.held_out.photos) - own,
        leaked=len(study.leaked),
        names=asked.tokens.shape[1] if asked else None,
        arms=arms,
        further=list(_further(cells, [way for way in ways if way not in plain])),
        in_words="",
        notes=[] if asked else [NAMELESS],
    )
    return report.model_copy(update={"in_words": _in_words(report)})


def _further(cells: Sequence[Cell], ways: Iterable[Attempt]) -> Iterable[FurtherScores]:
    arms: tuple[CrowdArm, ...] = get_args(CrowdArm)
    for way, arm in product(ways, arms):
        yield FurtherScores(arm=arm, **way._asdict(), **_scores(cells, arm, way).model_dump())


def _scores(cells: Sequence[Cell], arm: CrowdArm, way: Attempt) -> CrowdScores:
    own = _of(cells, arm, way)
    return CrowdScores(
        image_to_text=mean_retrieval([_single(cell.image_ranks) for cell in own]),
        text_to_image=mean_retrieval([_single(cell.text_ranks) for cell in own]),
        idia_tpr=None if arm == "absent" else share([cell.recognised for cell in own]),
        idia_fpr=share([cell.recognised for cell in _of(cells, "absent", way)]),
        others_text_to_image=mean_retrieval([_single(cell.other_text_ranks) for cell in own]),
    )


def _of(cells: Sequence[Cell], arm: CrowdArm, way: Attempt) -> list[CrowdCell]:
    """Return the cells of an arm, one a seed; attacks change only arms with protected posts."""
    attacked = arm in ("protected", "half")
    return [
        cell.crowd
        for cell in cells
        if cell.crowd and (cell.victim, cell.data, cell.attacker) == (way.victim, arm, way.attacker)
        if not attacked or cell.through == way.through
    ]


def _single(ranks: Sequence[int]) -> list[list[int]]:
    return [[rank] for rank in ranks]


def _in_words(report: CrowdRecord) -> str:
    """Return how often a model finds a photo of the protected people: of the victim that finds most of them."""
    victim = max(report.arms["protected"], key=lambda name: report.arms["protected"][name].text_to_image.hit10)
    found = {arm: tenths(scores[victim].text_to_image.hit10) for arm, scores in report.arms.items()}
    beside = f"{report.crowd_people} other people" if report.crowd_people else "other people's posts"
    gallery = report.held_out + report.crowd_held_out
    return (
        f"Beside {beside}, a model trained on your protected posts finds the right photo of you, among the first 10 of "
        f"{gallery}, {found['protected']}; had you posted them clean, {found['clean']}; had {report.leaked} of them "
        f"leaked clean, {found['half']}; had you posted nothing, {found['absent']}."
    )
