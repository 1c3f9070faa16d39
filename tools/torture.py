"""Try to break the tool, and print what came of it as a table.

    python tools/torture.py [DRILL ...] [--seed 0] [--share 1.0]

Mutated photos and caption files, runs that are killed at any change on disk or moment, secrets in every slot of the
metadata. Every fault has the numbers that repeat it. The whole takes hours on one core; `--share 0.1` does a tenth.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the drills are in `tests`

import tests.conftest  # noqa: F401  (sets what the small runs are made with)
from tests.torture.drills import DRILLS

HEAD = "| drill | trials | outcomes | faults |\n|---|---|---|---|"


def main() -> int:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drills", nargs="*", choices=[*DRILLS, []], default=[], metavar="DRILL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="share of the trials")
    options = parser.parse_args()
    torch.set_num_threads(1)  # what forks must have one
    faults = []
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNLEARNABLE_STATE"] = f"{folder}/state"
        os.environ["HF_HUB_OFFLINE"] = "1"
        for name in options.drills or DRILLS:
            place = Path(folder) / name.replace(" ", "-")
            place.mkdir()
            tally = DRILLS[name].run(max(1, round(options.share * DRILLS[name].whole)), options.seed, place)
            print(tally.row(), flush=True)
            faults += tally.faults
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
