"""Summarise what the cells beside a crowd say of the protected people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import get_args

from unlearnable.config import AS_PUBLISHED, changing
from unlearnable.datasets import Dataset
from unlearnable.evaluation.crowd import by_photo, mean_retrieval, share
from unlearnable.evaluation.findings import Attempt, attempts
from unlearnable.evaluation.verdict import tenths
from unlearnable.results import Cell, CrowdArm, CrowdCell, CrowdRecord, CrowdScores, FurtherScores, RanksRecord
from unlearnable.workflows.verify.splits import names
from unlearnable.workflows.verify.study import Study

NAMELESS = (
    "IDIA is not measured: nobody says who is on each held-out photo of the protected people. Give folders of faces "
    "with --captions people, or a JSON lines file whose rows hold image, person and a caption with that name"
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
        yield f"{made} {have} no caption; one made from the name of file or folder is trained on in its place"


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
