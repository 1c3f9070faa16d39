"""Time `protect` on sets of several sizes: seconds per photo and round, per photo and noise step, and peak memory.

    python tools/bench/protect.py PHOTOS --captions FILE --sizes 50 200 800 [-- further options of protect]

Each size runs in a process of its own, on the first photos of the folder that the caption file names.
One round is enough to measure the time per photo and round; memory does not grow with rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from unlearnable.config import MethodSettings

NOISE_STEPS = MethodSettings().noise_steps


def subset(photos: Path, captions: Path, size: int, folder: Path) -> Path:
    """Copy the first `size` posts of a JSONL caption file into a folder of their own."""
    rows = [json.loads(line) for line in captions.read_text(encoding="utf-8").splitlines()[:size]]
    for row in rows:
        target = folder / row["image"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / row["image"], target)
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "posts.jsonl"


def run(photos: Path, captions: Path, size: int, options: list[str]) -> tuple[float, int, float]:
    """Return seconds, rounds and peak memory (GB) of one run."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        posts = subset(photos, captions, size, folder)
        command = [sys.executable, "-m", "unlearnable", "protect", str(folder), "--captions", str(posts)]
        environment = {**os.environ, "UNLEARNABLE_STATE": str(Path(scratch) / "state")}
        with subprocess.Popen(
            [*command, "--json", "--quiet", *options], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            output = process.stdout.read() if process.stdout else ""
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{size} photos: protect failed: {output}")
        report = json.loads(output)
        return report["seconds"], report["rounds"], usage.ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 800])
    arguments, options = parser.parse_known_args()
    options = [option for option in options if option != "--"]
    print("| photos | rounds | seconds | a photo and round | a photo and noise step | peak memory, GB |")
    print("|---|---|---|---|---|---|")
    for size in arguments.sizes:
        seconds, rounds, memory = run(arguments.photos, arguments.captions, size, options)
        each = seconds / size / rounds
        print(
            f"| {size} | {rounds} | {seconds:.0f} | {each:.3f} | {each / NOISE_STEPS:.3f} | {memory:.2f} |", flush=True
        )


if __name__ == "__main__":
    main()
