"""Estimate how long the cells beside a crowd take on this machine."""

from __future__ import annotations

from unlearnable.benchmarks.crowd.bench import CrowdBench
from unlearnable.benchmarks.estimate import plan_of, protection_seconds, training_seconds
from unlearnable.config import BenchmarkSettings
from unlearnable.results import BenchmarkPlan, PlannedCell
from unlearnable.wording.counts import counted


def estimate(crowd: CrowdBench, settings: BenchmarkSettings) -> BenchmarkPlan:
    """Return the cells, which of them are done, and the estimated seconds of the others and their protections."""
    seconds, cells = training_seconds(crowd.bench), []
    for cell in crowd.cells:
        done = crowd.done(cell) is not None
        cells.append(
            PlannedCell(
                method=cell.method or "clean",
                surrogate=crowd.bench.setup.surrogate if cell.method else None,
                victim=cell.victim,
                fraction=1.0,
                through=cell.attack.name,
                seed=cell.seed,
                arm=cell.arm,
                people=len(cell.draw.people) if cell.draw else None,
                draw=cell.draw.number if cell.draw else None,
                done=done,
                seconds=0.0 if done else round(seconds[cell.victim], 1),
            )
        )
    return plan_of(crowd.bench, settings, cells, _protections(crowd))


def _protections(crowd: CrowdBench) -> dict[str, float]:
    """Return the seconds of the protections still to be made, of all draws of so many people together."""
    needed = {(cell.method, cell.draw) for cell in crowd.cells if crowd.done(cell) is None}
    seconds: dict[str, float] = {}
    of_size: dict[tuple[str, int], float] = {}
    for (method, draw), store in crowd.protections.items():
        if (method, draw) not in needed or store.read() is not None:
            continue
        size = len(draw.people)
        if (method, size) not in of_size:  # one draw stands for all of its size
            of_size[method, size] = protection_seconds(crowd.bench, store.recipe, crowd.photos(draw))
        name = f"{method} for {counted(size, 'person')}"
        seconds[name] = round(seconds.get(name, 0.0) + of_size[method, size], 1)
    return seconds
