"""Divide a set of faces into the posts of a few people and those of the others, in draws that share nobody.

    python tools/bench/faces.py --data PUBFIG --output WORK --per-person 8
    python tools/bench/draws.py WORK DRAWS --people 5 --draws 5
    unlearnable protect DRAWS/0/mine --captions DRAWS/0/mine/posts.jsonl
    unlearnable verify DRAWS/0/mine DRAWS/0/mine-protected --test DRAWS/0/mine-test \
        --crowd DRAWS/0/others --crowd-test DRAWS/0/others-test
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from pathlib import Path
from typing import Any

SPLITS = {"train": "", "test": "-test"}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "posts.jsonl").read_text(encoding="utf-8").splitlines()]


def lay_out(rows: list[dict[str, Any]], source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for row in rows:
        shutil.copyfile(source / row["image"], folder / row["image"])
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--draws", type=int, required=True)
    args = parser.parse_args()
    people = sorted({row["person"] for row in rows_of(args.work / "train")})
    order = random.Random(0).sample(people, len(people))
    for draw in range(args.draws):
        mine = order[draw * args.people : (draw + 1) * args.people]
        for split, ending in SPLITS.items():
            for whose, own in (("mine", True), ("others", False)):
                rows = [row for row in rows_of(args.work / split) if (row["person"] in mine) is own]
                lay_out(rows, args.work / split, args.output / str(draw) / f"{whose}{ending}")
        print(f"{args.output / str(draw)}: {', '.join(mine)}")


if __name__ == "__main__":
    main()
