"""Compare one pass of the trigger search over 40 photos with all posts changing at once and in groups.

python tools/bench/groups.py PHOTOS --captions posts.jsonl
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from sessions import measure

from unlearnable.config import ProtectSettings
from unlearnable.datasets import open_dataset
from unlearnable.methods import METHODS, trigger_search
from unlearnable.methods.base import AnySession
from unlearnable.models.openclip import load
from unlearnable.progress import Silent
from unlearnable.workflows.layout import layout_of
from unlearnable.workflows.protect.setup import make_ready

PHOTOS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--captions", type=Path, required=True)
    arguments = parser.parse_args()
    settings = ProtectSettings(photos=arguments.photos, captions=arguments.captions, batch_size=PHOTOS)
    dataset, layout, method = (
        open_dataset(arguments.photos, settings.captions),
        layout_of(arguments.photos, None),
        METHODS["mem"](),
    )
    for groups in (1, trigger_search.GROUPS):
        trigger_search.GROUPS = groups
        with tempfile.TemporaryDirectory() as scratch:
            run = make_ready(settings, layout, dataset, [load("small")], Path(scratch), Silent())
            session = method.start(run.problem, settings)
            before = trigger_loss(session)
            trigger_search.improve_triggers(session, list(range(PHOTOS)))
            print(f"{groups} groups: loss {before:.3f} -> {trigger_loss(session):.4f}")


def trigger_loss(session: AnySession) -> float:
    return float(measure(session)[:PHOTOS].mean())


if __name__ == "__main__":
    main()
