"""Write captions as somebody leaves them who drops the names that do not fit the face, where captions borrow names.

    python tools/bench/faces.py --data PEOPLE --output WORK --per-person 8
    unlearnable protect WORK/train --captions WORK/train/posts.jsonl --borrow-names 2
    python tools/bench/fitting.py WORK/train WORK/train-protected kinds.json WORK/fitting
    unlearnable verify WORK/train WORK/fitting --captions WORK/train/posts.jsonl --test WORK/test \
        --test-captions WORK/test/posts.jsonl

kinds.json says of what kind each name and the face that goes with it are, as {"Ada Cox": ["f", "f"]}, for instance of
which sex by lists of first names and by the face: what an attacker sees. A name that tells nothing has null, and fits
every face.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "posts.jsonl").read_text(encoding="utf-8").splitlines()]


def fitting(caption: str, own: str, kinds: dict[str, tuple[str | None, str]]) -> tuple[str, int]:
    """Return the caption with those of its listed names that fit the face of `own`, and how many these are."""
    listed = sorted((name for name in kinds if name in caption), key=caption.index)
    fit = [name for name in listed if kinds[name][0] in (kinds[own][1], None)] or listed
    return caption.replace(together(listed), together(fit)), len(fit)


def together(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("clean", "protected", "kinds", "output"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    kinds = json.loads(args.kinds.read_text(encoding="utf-8"))
    person = {Path(row["image"]).stem: row["person"] for row in rows(args.clean)}
    left, captions = Counter[int](), []
    for row in rows(args.protected):
        row["caption"], count = fitting(row["caption"], person[Path(row["image"]).stem], kinds)
        left[count] += 1
        captions.append(json.dumps(row, ensure_ascii=False) + "\n")
    shutil.copytree(args.protected, args.output, ignore=shutil.ignore_patterns("*.jsonl"))
    (args.output / "posts.jsonl").write_text("".join(captions), encoding="utf-8")
    print(", ".join(f"{count} captions with {names} names" for names, count in sorted(left.items())))


if __name__ == "__main__":
    main()
