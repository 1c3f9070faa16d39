"""Render README's table of results from docs/results.

python tools/figures.py            write it between the markers in README.md
python tools/figures.py --check    exit with 1 if README.md says something else
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MARKED = re.compile(r"(<!-- figures -->\n).*?(<!-- /figures -->)", re.DOTALL)
MODELS = {
    "small": "fine-tuned from the bundled weights",
    "conv-small": "same family, other weights",
    "resnet-small": "ResNet",
    "vit-small": "vision transformer",
}
COLUMNS = (
    ("clean", "kept"),
    ("default", "kept"),
    ("default", "stripped"),
    ("epsilon 16", "kept"),
    ("epsilon 16", "stripped"),
)


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a file of docs/results by their headings."""
    with (ROOT / "docs" / "results" / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def mean(name: str, column: str, **wanted: str) -> float:
    """Return the mean of all figures in `column` of the rows that match `wanted`; a cell holds one figure a seed."""
    matching = [row for row in rows(name) if all(row[key] == value for key, value in wanted.items())]
    figures = [float(figure) for row in matching for figure in row[column].split()]
    return sum(figures) / len(figures)


def found(victim: str, setting: str, words: str, *, knew: str) -> float:
    """Return the Hit@10 of a victim trained on the fifty unseen people's posts, in per cent."""
    wanted = {"victim": victim, "setting": setting, "words": words, "knew_faces": knew}
    return mean("unseen-people.csv", "hit10_by_victim_seed", **wanted)


def text() -> str:
    """Return the table and the sentences below it."""
    lines = [
        "| model | unprotected | default | words removed | `--epsilon 16` | words removed |",
        "|---|---|---|---|---|---|",
    ]
    for victim, model in MODELS.items():
        knew = "no" if victim == "small" else "yes"
        cells = [f"{found(victim, setting, words, knew=knew):.0f}" for setting, words in COLUMNS]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    others = [victim for victim in MODELS if victim != "small"]
    before = [found(victim, "clean beside default small in fp32", "kept", knew="no") for victim in others]
    after = [found(victim, "default small in fp32", "kept", knew="no") for victim in others]
    initials, clean = (
        sum(mean("names.csv", "hit10", people="everybody", words="kept", victim=v, their_posts=posts) for v in MODELS)
        / 4
        for posts in ("initials", "clean")
    )
    return "\n".join(
        [
            *lines,
            "",
            f"Models that had not seen the faces fall from {min(before):.0f}-{max(before):.0f} to "
            f"{min(after):.0f}-{max(after):.0f} by default.",
            "",
            "**Captions name people?** Add `--names initials`: asked for the names, models find "
            f"{initials:.0f} instead of {clean:.0f}.",
            "",
        ]
    )


def main() -> int:
    readme = README.read_text(encoding="utf-8")
    rendered = MARKED.sub(lambda marked: marked[1] + text() + marked[2], readme)
    if "--check" in sys.argv[1:]:
        if rendered == readme and MARKED.search(readme):
            return 0
        print("README.md differs from docs/results; run: python tools/figures.py")
        return 1
    README.write_text(rendered, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
