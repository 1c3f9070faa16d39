"""Measure once, with the judge, how the captions of each protection read (Table 4)."""

from __future__ import annotations

from statistics import fmean

from unlearnable.benchmarks.bench import AnyCells
from unlearnable.benchmarks.protections import MEASURED
from unlearnable.config import named_settings
from unlearnable.errors import ModelError
from unlearnable.evaluation.stealth import auroc, nats_per_token
from unlearnable.models.judge import load_judge
from unlearnable.progress.reporting import Progress
from unlearnable.results import FluencyRecord


def read_captions(cells: AnyCells, progress: Progress) -> str:
    """Have the judge read the captions of every protection with searched triggers that it has not read yet.

    It reads the first caption of each of the first photos.

    Returns:
        The reason why the judge could not be loaded; empty if it was, or if there was nothing to read.
    """
    stores = [store for method, store in cells.protections.items() if named_settings(method)]
    unread = [(store, saved) for store in stores if (saved := store.read()) and saved.record.fluency is None]
    if not unread:
        return ""
    try:
        judge = load_judge()
    except ModelError as error:
        return error.line
    progress.phase("reading captions", len(unread))
    items = cells.bench.train.items[:MEASURED]
    before = nats_per_token(judge, [item.captions[0] for item in items])
    for store, saved in unread:
        after = nats_per_token(judge, [captions[0] for captions in store.captions(saved, items)])
        store.add_fluency(
            saved,
            FluencyRecord(
                photos=len(items),
                nats_clean=round(fmean(before), 4),
                nats=round(fmean(after), 4),
                auroc=round(auroc(after, before), 4),
            ),
        )
        progress.advance()
    return ""
