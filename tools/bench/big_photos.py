"""Time `protect` on photos as cameras take them: wall and CPU seconds, memory of all its processes, and its phases.

    python tools/bench/big_photos.py [--photos 20] [--megapixels 12] [-- further options of protect]

The photos are JPEGs of random scenes, smooth shapes under fine texture, made by code and seeded. Memory is the largest
sum of what the processes of the run had resident at a time, pages that they share counted in each (Linux only). The
first file is the first protected photo in the staging folder. A phase lasts from its first line of progress to the
first line of the next one.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LAYERS = ((4, 0.5), (24, 0.25), (200, 0.17), (1000, 0.08))  # cells along the longer side, share of the picture
PHASES = ("loading", "reading", "looking for words", "teaching", "optimising", "writing", "checking")
GRAIN = 4.0  # standard deviation of a camera's noise, in 1/255


def scene(rng: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Return a random picture (h, w, 3) with detail at several scales, as photos have."""
    whole = np.zeros((height, width, 3), np.float32)
    for cells, share in LAYERS:
        coarse = rng.integers(0, 256, (max(1, cells * height // width), cells, 3), dtype=np.uint8)
        large = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        whole += np.float32(share) * np.asarray(large, np.float32)
    whole += GRAIN * rng.standard_normal((height, width, 1), np.float32)
    return np.clip(whole, 0, 255).astype(np.uint8)


def write(folder: Path, photos: int, megapixels: float) -> None:
    """Write photos of 4 to 3, of quality 92 and with half the colour, as most phones do."""
    rng, height = np.random.default_rng(0), round((megapixels * 1e6 * 3 / 4) ** 0.5)
    for number in range(photos):
        picture = Image.fromarray(scene(rng, round(height * 4 / 3), height))
        picture.save(folder / f"scene {number:03}.jpg", quality=92, subsampling=2)


@dataclass
class Watched:
    """What was seen of a run.

    Attributes:
        seconds: from its start to its end.
        phases: seconds of each phase, in order.
        first: seconds until the first protected photo was written.
        memory: largest sum of resident bytes of all its processes, by phase.
        processes: most processes at a time.
    """

    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    first: float | None = None
    memory: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    processes: int = 0


def tree_memory(root: int) -> list[int]:
    """Return the resident bytes of a process and of all that it started."""
    parents, sizes = {}, {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        number = int(status.parent.name)
        parents[number], sizes[number] = int(rest[1]), int(rest[21]) * os.sysconf("SC_PAGE_SIZE")
    found, before = {root}, 0
    while len(found) > before:
        before = len(found)
        found |= {number for number, parent in parents.items() if parent in found}
    return [sizes[number] for number in found if number in sizes]


def watch(folder: Path, options: list[str]) -> Watched:
    """Run `protect` on a folder and watch it."""
    seen, phase, staged = Watched(), "starting", folder.with_name("out.private") / "checkpoint" / "staged"
    command = [sys.executable, "-u", "-m", "unlearnable", "protect", str(folder), "--output", str(staged.parents[1])]
    command[-1] = str(folder.with_name("out"))
    environment = {**os.environ, "UNLEARNABLE_STATE": str(folder.with_name("state"))}
    began = since = time.monotonic()
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:

        def look() -> None:
            while process.poll() is None:
                sizes = tree_memory(process.pid)
                seen.memory[phase] = max(seen.memory[phase], sum(sizes))
                seen.processes = max(seen.processes, len(sizes))
                if seen.first is None and any(staged.glob("[!.]*.*")):
                    seen.first = time.monotonic() - began
                time.sleep(0.05)

        watcher = threading.Thread(target=look)
        watcher.start()
        said = []
        for line in process.stderr or ():
            said.append(line)
            name, now = next((each for each in PHASES if line.startswith(each)), phase), time.monotonic()
            if name != phase:
                seen.phases[phase] += now - since
                phase, since = name, now
        seen.seconds = time.monotonic() - began
        seen.phases[phase] += time.monotonic() - since
        watcher.join()
    if process.returncode:
        raise SystemExit(f"protect failed:\n{''.join(said[-20:])}")
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=12.0)
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        write(folder, arguments.photos, arguments.megapixels)
        seen = watch(folder, [option for option in options if option != "--"])
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{arguments.photos} photos of {arguments.megapixels:g} megapixels, {seen.processes} processes at most\n")
    print("| phase | seconds | share | peak memory, GB |\n|---|---|---|---|")
    for name, seconds in seen.phases.items():
        print(f"| {name} | {seconds:.1f} | {seconds / seen.seconds:.0%} | {seen.memory[name] / 1e9:.2f} |")
    print(f"| **all** | {seen.seconds:.1f} | 100% | {max(seen.memory.values()) / 1e9:.2f} |\n")
    print(f"{usage.ru_utime + usage.ru_stime:.0f} CPU seconds; first protected photo after {seen.first or 0:.1f} s")


if __name__ == "__main__":
    main()
