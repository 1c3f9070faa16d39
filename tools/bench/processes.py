"""Time `protect` in one process and in several, as a ratio in one run, and compare the losses they come to.

    python tools/bench/processes.py PHOTOS [--processes 2] [-- further options of protect]

Each process has one thread. PHOTOS is a folder that `protect` takes; it is protected once by each number of processes.
A surrogate of random weights knows nothing that noise could hold against: its runs compute the same, and end in a
refusal (exit code 4), without a loss.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

UNPROTECTED = 4  # exit code
LAUNCH = ("torch.distributed.run", "--nproc_per_node")  # accelerate starts one process on a machine without GPUs


def timed(processes: int, arguments: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds of a run and the mean loss that it comes to."""
    program = [
        "-m",
        "unlearnable",
        "protect",
        *arguments,
        "--output",
        str(folder / f"{processes}"),
        "--json",
        "--quiet",
    ]
    if processes > 1:
        program = ["-m", *LAUNCH, str(processes), *program]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "UNLEARNABLE_STATE": str(folder / "state")}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *program], stdout=subprocess.PIPE, text=True, env=environment)
    taken = time.perf_counter() - began
    report = json.loads(done.stdout[done.stdout.index("{") :])
    if report.get("exit_code", 0) != UNPROTECTED:  # torchrun has an exit code of its own
        done.check_returncode()
    return taken, float(report.get("loss_rounds", ["nan"])[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("further", nargs="*", help="options of protect, after --")
    options = parser.parse_args()
    print("| processes | seconds | times as fast | loss |", "|---|---|---|---|", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        first = 0.0
        for processes in (1, options.processes):
            seconds, loss = timed(processes, [options.photos, *options.further], Path(folder))
            first = first or seconds
            print(f"| {processes} | {seconds:.0f} | {first / seconds:.2f} | {loss:.4f} |", flush=True)


if __name__ == "__main__":
    main()
