"""Measure how large protected copies are beside their originals, and how much of the noise the files keep.

    python tools/bench/file_sizes.py PHOTOS [--count 100] [--only .jpg] [-- further options of protect]

A sample of the photos is protected into a folder that is removed again. A row for each kind of source file, then one
for all: sizes, their ratio, the noise that is left in the decoded files; below them the loss on the files and that on
lossless ones.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from unlearnable.results import ManifestLine, ProtectReport


def sample(photos: Path, count: int, suffix: str, folder: Path) -> None:
    """Copy `count` photos, drawn at random but each time the same, into a folder."""
    found = [path for path in sorted(photos.rglob("*")) if path.is_file() and path.suffix.lower().endswith(suffix)]
    for path in random.Random(0).sample(found, min(count, len(found))):
        shutil.copy(path, folder)


def run(folder: Path, options: Sequence[str]) -> tuple[ProtectReport, list[ManifestLine]]:
    """Protect a folder, and return the report and the lines of the photos that were protected."""
    command = [sys.executable, "-m", "unlearnable", "protect", str(folder), "--json", *options]
    environment = {**os.environ, "UNLEARNABLE_STATE": str(folder.parent / "state")}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"protect failed: {done.stdout}")
    report = ProtectReport.model_validate(json.loads(done.stdout))
    lines = (Path(report.private) / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return report, [line for line in map(ManifestLine.model_validate_json, lines) if line.status == "protected"]


def row(kind: str, lines: Sequence[ManifestLine]) -> str:
    """Return a row of the table."""
    before, after = (sum(getattr(line, name) for line in lines) for name in ("bytes_in", "bytes_out"))
    kept = fmean(line.noise_kept or 0 for line in lines)
    worst = min(line.noise_kept or 0 for line in lines)
    psnr = fmean(line.psnr or 0 for line in lines)
    sizes = f"{before / 1e6:.2f} | {after / 1e6:.2f} | {after / before:.2f}"
    return f"| {kind} | {len(lines)} | {sizes} | {kept:.2f} | {worst:.2f} | {psnr:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--only", default="", help="suffix of the files to draw from")
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        sample(arguments.photos, arguments.count, arguments.only, folder)
        report, lines = run(folder, [option for option in options if option != "--"])
    print("| source | photos | before, MB | after, MB | ratio | noise kept | least | PSNR, dB |")
    print("|---|---|---|---|---|---|---|---|")
    kinds = sorted({(Path(line.source).suffix.lower(), Path(line.output or "").suffix) for line in lines})
    for before, after in kinds:
        chosen = [line for line in lines if line.source.lower().endswith(before) and str(line.output).endswith(after)]
        print(row(f"{before} to {after}", chosen))
    print(row("all", lines))
    print(
        f"\nloss {report.loss_first:.3f} clean, {report.loss_last:.4f} on the files, "
        f"{report.loss_before_encoding:.4f} if lossless; {report.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
