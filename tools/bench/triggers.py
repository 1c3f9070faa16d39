"""Compare trigger searches by what they come to and what they cost, with more and fewer words tried at each place.

    python tools/bench/triggers.py PHOTOS --captions posts.jsonl [--words 16 4 1] [--seeds 0 1]

Triggers are searched twice against the untrained surrogate, with no noise. A text is one that passes through the text
tower; those of a gradient count twice, since they go back as well. Losses in the order of the passes.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import torch
from sessions import measure, session_on
from torch import Tensor

from unlearnable.config import ProtectSettings
from unlearnable.methods.batches import settle, shuffled_batches
from unlearnable.methods.trigger_search import improve_triggers
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.openclip import load

PASSES = 2


class Texts:
    """A counter of the texts that pass through the text tower of a model."""

    def __init__(self, model: DualEncoder) -> None:
        self.count, self._encode = 0, model.encode_embedded
        model.encode_embedded = self.encode  # type: ignore[method-assign]

    def encode(self, embedded: Tensor, tokens: Tensor) -> Tensor:
        """Encode texts, and count them."""
        self.count += len(tokens) * (1 + embedded.requires_grad)
        return self._encode(embedded, tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--words", type=int, nargs="+", default=[16, 8, 4, 2, 1])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| words tried | seed | losses | texts a place | seconds a pass |", "|---|---|---|---|---|", sep="\n")
    for words, seed in itertools.product(options.words, options.seeds):
        settings = ProtectSettings(photos=options.photos, captions=options.captions, seed=seed, candidates=words)
        print(f"| {words} | {seed} | {' | '.join(searched(settings))} |", flush=True)


def searched(settings: ProtectSettings) -> tuple[str, str, str]:
    """Search the triggers, and return the losses, texts a post and place, and seconds of a pass."""
    with tempfile.TemporaryDirectory() as scratch:
        model = load("small")
        session = session_on(settings, [model], Path(scratch))
        state, posts = session.state, len(session.problem.posts)
        settle(state.models, session.settings.precision)
        losses, seconds, texts = [measure(session).mean()], 0.0, Texts(state.models[0])
        for _ in range(PASSES):
            began, before = time.process_time(), texts.count
            for photos in shuffled_batches(torch.arange(posts), settings.batch_size, state.generator):
                improve_triggers(session, photos)
            seconds += time.process_time() - began
            count = texts.count - before
            losses.append(measure(session).mean())
        shown = ", ".join(f"{loss:.3f}" for loss in losses)
        return shown, f"{count / posts / settings.trigger_length:.1f}", f"{seconds / PASSES:.1f}"


if __name__ == "__main__":
    main()
