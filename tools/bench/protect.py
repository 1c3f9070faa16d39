"""Time `protect` on sets of several sizes: seconds a photo, the share of each phase, and peak memory.

    python tools/bench/protect.py PHOTOS --captions FILE --sizes 50 200 800 [-- further options of protect]

Each size runs in a process of its own, on the first photos that the caption file names. Phases and memory are as
`big_photos.py` has them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from big_photos import Watched, watch


def subset(photos: Path, captions: Path, size: int, folder: Path) -> Path:
    """Copy the first `size` posts of a JSONL caption file into a folder of their own."""
    rows = [json.loads(line) for line in captions.read_text(encoding="utf-8").splitlines()[:size]]
    for row in rows:
        target = folder / row["image"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / row["image"], target)
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "posts.jsonl"


def run(photos: Path, captions: Path, size: int, options: list[str]) -> Watched:
    """Protect the first photos and return what was seen of it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        return watch(folder, ["--captions", str(subset(photos, captions, size, folder)), *options])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 800])
    arguments, options = parser.parse_known_args()
    options = [option for option in options if option != "--"]
    print("| photos | seconds | a photo | peak memory, GB | phases |", "|---|---|---|---|---|", sep="\n")
    for size in arguments.sizes:
        seen = run(arguments.photos, arguments.captions, size, options)
        shares = ", ".join(f"{name} {seconds / seen.seconds:.0%}" for name, seconds in seen.phases.items())
        memory = max(seen.memory.values()) / 1e9
        print(f"| {size} | {seen.seconds:.0f} | {seen.seconds / size:.2f} | {memory:.2f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
