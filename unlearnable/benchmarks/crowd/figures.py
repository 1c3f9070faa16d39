"""Figures of a few people among many, from the ranks that the cells hold, over draws and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from unlearnable.benchmarks.crowd.cells import CrowdCells
from unlearnable.benchmarks.crowd.plan import CrowdCellPlan, Draw
from unlearnable.config import AS_PUBLISHED
from unlearnable.results import CrowdArm, CrowdBenchmarkCell, CrowdFigures
from unlearnable.training.retrieval import Ranks
from unlearnable.verify.identity import mean_retrieval
from unlearnable.verify.intervals import interval

ByDraw = dict[Draw, dict[int, CrowdBenchmarkCell]]
"""The finished cells of a row, by draw and seed."""


class Group(NamedTuple):
    """What all cells of one row of the table have in common."""

    people: int
    victim: str
    arm: CrowdArm
    method: str | None
    through: str


@dataclass(frozen=True)
class Gallery:
    """Who is on the photos that every cell ranks.

    Attributes:
        shown: names of the people on the photos.
        owners: (c,) number of each caption's photo.
    """

    shown: Sequence[str | None]
    owners: Tensor

    def ranks(self, cell: CrowdBenchmarkCell, people: Iterable[str]) -> Ranks:
        """Return the ranks of the queries of some people."""
        wanted = set(people)
        photos = torch.tensor([person in wanted for person in self.shown])
        return Ranks(torch.tensor(cell.image_ranks), torch.tensor(cell.text_ranks)).of(photos, self.owners)


def figures(crowd: CrowdCells, done: Mapping[CrowdCellPlan, CrowdBenchmarkCell]) -> list[CrowdFigures]:
    """Return a row for each number of protected people, victim, arm, method and attack, over finished draws.

    Args:
        crowd: the benchmark.
        done: the finished cells.
    """
    seeds, arms = list(dict.fromkeys(cell.seed for cell in crowd.plans)), get_args(CrowdArm)
    victims = list(dict.fromkeys(cell.victim for cell in crowd.plans))
    rows, found = _rows(crowd, done), []
    for row in sorted(
        rows, key=lambda r: (victims.index(r.victim), list(crowd.drawn).index(r.people), arms.index(r.arm))
    ):
        without = rows.get(row._replace(arm="absent", method=None, through=AS_PUBLISHED), {})
        draws = [draw for draw, cells in rows[row].items() if len(cells) == len(without.get(draw, {})) == len(seeds)]
        if draws:
            found.append(_figures(crowd, row, (rows[row], without), draws, seeds))
    return found


def _rows(crowd: CrowdCells, done: Mapping[CrowdCellPlan, CrowdBenchmarkCell]) -> dict[Group, ByDraw]:
    """Return the finished cells by row; a clean cell is in the rows of every number of people, for every draw."""
    rows: dict[Group, ByDraw] = {}
    for size, drawn in crowd.drawn.items():
        for plan, result in done.items():
            row = Group(size, plan.victim, plan.arm, plan.method, plan.attack.name)
            for draw in drawn if plan.draw is None else [plan.draw]:
                if draw in drawn:
                    rows.setdefault(row, {}).setdefault(draw, {})[plan.seed] = result
    return rows


def _figures(
    crowd: CrowdCells, row: Group, cells: tuple[ByDraw, ByDraw], draws: Sequence[Draw], seeds: Sequence[int]
) -> CrowdFigures:
    """Return a row from its cells and those of the absent arm."""
    gallery, own = _gallery(crowd), cells[0]
    everyone = {person for person in gallery.shown if person}
    asked = [[gallery.ranks(own[draw][seed], draw.people) for draw in draws] for seed in seeds]
    rest = [[gallery.ranks(own[draw][seed], everyone - set(draw.people)) for draw in draws] for seed in seeds]
    known, false = (_known(one, draws, seeds) for one in cells)
    low, high = interval(known)
    return CrowdFigures(
        **row._asdict(),
        draws=len(draws),
        image_to_text=mean_retrieval([[ranks.image_to_text.tolist() for ranks in one] for one in asked]),
        text_to_image=mean_retrieval([[ranks.text_to_image.tolist() for ranks in one] for one in asked]),
        others_text_to_image=mean_retrieval([[ranks.text_to_image.tolist() for ranks in one] for one in rest]),
        idia_tpr=None if row.arm == "absent" else fmean(map(fmean, known)),
        idia_fpr=fmean(map(fmean, false)),
        idia_low=round(low, 6),
        idia_high=round(high, 6),
    )


def _gallery(crowd: CrowdCells) -> Gallery:
    experiment = crowd.bench.experiment
    assert experiment.identities is not None  # a benchmark of people has them
    people = experiment.identities.people
    shown = [people[n] if n >= 0 else None for n in experiment.identities.shown.tolist()]
    return Gallery(shown, experiment.gallery.photos)


def _known(cells: ByDraw, draws: Sequence[Draw], seeds: Sequence[int]) -> list[list[float]]:
    """Return the share of each draw's people that is recognised, by seed and draw."""
    return [
        [fmean(person in cells[draw][seed].recognised for person in draw.people) for draw in draws] for seed in seeds
    ]
