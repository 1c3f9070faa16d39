"""Measure how visible the noise of `protect` is: mean FLIP, CIEDE2000 and PSNR of each photo and each folder.

    python tools/bench/visibility.py DIR [DIR ...] [--preset balanced] [-- further options of protect]

Each folder is protected into a temporary one with its own captions, or with captions made from file names where it has
none. Two versions of the noise are compared by running this in two checkouts on the same folders.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from unlearnable.report import ManifestLine

HEAD = "| photo | FLIP | dE | PSNR, dB |\n|---|---|---|---|"


def protected(folder: Path, options: list[str]) -> list[ManifestLine]:
    """Return the manifest lines of the photos of a folder, protected with options of `protect`."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "protected"
        command = [sys.executable, "-m", "unlearnable", "protect", str(folder), "--output", str(output), "--quiet"]
        environment = {**os.environ, "UNLEARNABLE_STATE": str(Path(scratch) / "state")}
        ended = subprocess.run([*command, "--json", *options], stdout=subprocess.PIPE, env=environment, check=False)
        if ended.returncode:
            raise SystemExit(f"{folder}: protect failed with exit code {ended.returncode}")
        private = Path(json.loads(ended.stdout)["private"])
        rows = (private / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [ManifestLine.model_validate_json(row) for row in rows]
    return [line for line in lines if line.status == "protected"]


def row(name: str, lines: list[ManifestLine]) -> str:
    """Return a row of the table: the means over some photos."""
    flip, delta_e, psnr = (fmean(getattr(line, field) for line in lines) for field in ("flip", "delta_e", "psnr"))
    return f"| {name} | {flip:.4f} | {delta_e:.3f} | {psnr:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--preset", default="balanced")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)  # argparse would take what follows for further folders
    arguments = parser.parse_args(given[:end])
    further = ["--preset", arguments.preset, *given[end + 1 :]]
    print(HEAD)
    for folder in arguments.folders:
        lines = protected(folder, further)
        for line in sorted(lines, key=lambda line: -(line.flip or 0)):
            print(row(line.source, [line]))
        print(row(f"**{folder.name}**, mean of {len(lines)}", lines), flush=True)


if __name__ == "__main__":
    main()
