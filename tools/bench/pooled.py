"""Pool runs of `verify`: the effect of several protections of the same people, with the interval of 95 %.

    python tools/bench/pooled.py VERIFIED [VERIFIED ...]

Each VERIFIED is the output of `verify`, whose last run counts; all have the same clean posts, gallery and recipe, and
one caption a photo in the gallery. Hit@10 is the mean of both directions, the effect is of the mean over protections
and seeds, and the interval draws people again, and protections with their seeds. A random order is by formula.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unlearnable.report import Cell, VerifyReport
from unlearnable.settings import AS_PUBLISHED, AS_USUAL
from unlearnable.verify.findings import LEAST_GAP, Direction, interval_of_effect

HEAD = "| victim | through | clean | protected | effect | 95 % |\n|---|---|---|---|---|---|"


def hits(cell: Cell) -> NDArray[np.float64]:
    """Return (n,) 0, 50 or 100 for each person: how many of both directions are in the first ten, in per cent."""
    assert cell.ranks is not None
    ways = np.array([cell.ranks.image_to_text, cell.ranks.text_to_image])
    found: NDArray[np.float64] = 100 * (ways <= 10).mean(axis=0)
    return found


def read(folders: list[Path]) -> list[Cell]:
    """Return the cells of plain attackers, those on clean posts once a victim and seed."""
    reports = [VerifyReport.model_validate_json((folder / "report.json").read_bytes()) for folder in folders]
    cells = [cell for report in reports for cell in report.cells if cell.attacker == AS_USUAL]
    for victim in dict.fromkeys(cell.victim for cell in cells):
        recipes = {(cell.epochs, cell.lr) for cell in cells if cell.victim == victim}
        if len(recipes) > 1 or len({tuple(report.gallery.photo_of_caption) for report in reports}) > 1:
            sys.exit(f"{victim} was not trained or judged alike in these runs")
    clean = {(cell.victim, cell.through, cell.seed): cell for cell in cells if cell.data == "clean"}
    return [cell for cell in cells if cell.data != "clean"] + list(clean.values())


def row(victim: str, through: str, cells: list[Cell], clean: dict[int, NDArray[np.float64]]) -> str:
    """Return a row of the table: the cells of a victim and an attack, beside those on clean posts by seed."""
    kept, learnt = np.stack([hits(cell) for cell in cells]), np.stack([clean[cell.seed] for cell in cells])
    random = 100 * 10 / kept.shape[1]
    gap = learnt.mean() - random
    effect = f"{(learnt.mean() - kept.mean()) / gap:.2f}" if gap >= LEAST_GAP else "cannot be judged"
    ends = interval_of_effect([Direction(learnt, kept, random)], LEAST_GAP)
    between = f"{ends.low:.2f} to {ends.high:.2f}" if ends else "not known"
    return f"| `{victim}` | {through} | {learnt.mean():.1f} | {kept.mean():.1f} | {effect} | {between} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="VERIFIED")
    groups: dict[tuple[str, str, str], list[Cell]] = defaultdict(list)
    for cell in read(parser.parse_args().folders):
        groups[cell.victim, cell.data, cell.through].append(cell)
    print(HEAD)
    for (victim, data, through), cells in groups.items():
        if data == "protected":
            clean = {one.seed: hits(one) for one in groups[victim, "clean", AS_PUBLISHED]}
            print(row(victim, through, cells, clean))


if __name__ == "__main__":
    main()
