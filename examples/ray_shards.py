"""Protect a folder of shards on a Ray cluster, a shard a task, and print what became of each.

    python examples/ray_shards.py SHARDS OUTPUT [options of protect, such as --preset strong]

`SHARDS/00000.tar` becomes `OUTPUT/00000/00000.tar`, and its private folder is `OUTPUT/00000.private`. A task that was
stopped, by Ray or by a power failure, is continued by the same line, and shards that are done are left as they are.
Ray starts on this machine alone, or joins the cluster in RAY_ADDRESS, whose nodes must see both folders.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ray


@ray.remote(num_cpus=1, max_retries=2)
def protect(shard: Path, output: Path, options: list[str]) -> tuple[int, str]:
    """Return the exit code of a shard's run, and the error that ended it."""
    place = output / shard.stem
    command_line = [sys.executable, "-m", "unlearnable", "protect", shard, "--output", place, "--resume", *options]
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False)
    lines = ended.stderr.strip().splitlines() or [""]
    errors = [line for line in lines if line.startswith("error: ")]  # a hint may follow
    return ended.returncode, (errors or lines)[-1]


def main() -> int:
    """Give each shard to a task, and print each as it is done."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    folder, output, options = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute(), sys.argv[3:]
    shards = sorted(folder.glob("*.tar"))
    if not shards:
        sys.exit(f"{folder} holds no shards such as 00000.tar")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told
    ray.init(log_to_driver=False)
    waiting = {protect.remote(shard, output, options): shard.name for shard in shards}
    failed = 0
    while waiting:
        (done,), _ = ray.wait(list(waiting))
        name = waiting.pop(done)
        try:
            code, said = ray.get(done)
        except ray.exceptions.RayError as error:  # its workers died, as where memory was short
            failed += 1
            print(f"{name}: lost: {str(error).splitlines()[0]}", flush=True)
            continue
        failed += code != 0
        print(f"{name}: protected" if code == 0 else f"{name}: exit {code}: {said}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
