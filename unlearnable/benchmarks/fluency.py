"""How the captions of protections read to a judge that no trigger was made with (Table 4), each measured once."""

from __future__ import annotations

from statistics import fmean

from unlearnable.benchmarks.protections import MEASURED
from unlearnable.benchmarks.runner import Bench
from unlearnable.config import trigger_settings
from unlearnable.errors import ModelError
from unlearnable.evaluation.stealth import auroc, nats_per_token
from unlearnable.models.judge import load_judge
from unlearnable.progress import Progress
from unlearnable.results import FluencyRecord


def read_captions(bench: Bench, progress: Progress) -> str:
    """Let the judge read the captions of every protection with searched triggers that it has not read yet.

    Of each of the first photos the first caption counts.

    Returns:
        Why it could not; empty where it did or there was nothing left to read.
    """
    found = [kept for method, kept in bench.each().items() if trigger_settings(method)]
    unread = [kept for kept in found if (record := kept.record()) and record.fluency is None]
    if not unread:
        return ""
    try:
        judge = load_judge()
    except ModelError as error:
        return f"{error.message} ({error.hint})"
    progress.phase("reading captions", len(unread))
    items = bench.train.items[:MEASURED]
    before = nats_per_token(judge, [item.captions[0] for item in items])
    for kept in unread:
        after = nats_per_token(judge, [captions[0] for captions in kept.captions(items)])
        kept.note(
            FluencyRecord(
                photos=len(items),
                nats_clean=round(fmean(before), 4),
                nats=round(fmean(after), 4),
                auroc=round(auroc(after, before), 4),
            )
        )
        progress.advance()
    return ""
