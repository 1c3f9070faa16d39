"""The proof after the writing: read files and captions back as a stranger would, and measure the loss on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from unlearnable.datasets import Dataset, open_dataset
from unlearnable.imaging.decode import decode
from unlearnable.imaging.placement import working_copy
from unlearnable.methods.base import Problem, State
from unlearnable.methods.steps import freeze, post_losses
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import Slot, cut, tokenizer
from unlearnable.progress import Progress
from unlearnable.results import SurrogateLoss
from unlearnable.training.posts import Pixels
from unlearnable.workflows.places import Places
from unlearnable.workflows.publish import METADATA, Publication


def reread_captions(plan: Publication, where: Places, caption_file: Path | None) -> tuple[float, dict[str, list[str]]]:
    """Read the written captions back.

    Returns:
        The share of captions that are there again with all their trigger's tokens, and the
        captions found for each path in the output folder.
    """
    sources = [where.output / METADATA, *([caption_file] if caption_file else [])]
    found = [_by_photo(open_dataset(where.output, source)) for source in dict.fromkeys(sources) if source.is_file()]
    total = kept = 0
    for (photo, rows), trigger in zip(plan.captions.items(), plan.triggers, strict=True):
        for pair, text in rows:
            here = found if pair.record >= 0 else found[:1]
            texts_kept = all(text in each.get(plan.names[photo], []) for each in here)
            total += 1
            kept += texts_kept and (trigger is None or _holds(text, trigger.tokens))
    return kept / max(total, 1), found[0]


def _by_photo(dataset: Dataset) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for pair in dataset.pairs:
        texts.setdefault(pair.photo, []).append(pair.caption)
    return texts


def _holds(text: str, trigger: Sequence[int]) -> bool:
    """Whether a CLIP that reads `text` sees the trigger's tokens side by side, and the end of the text."""
    tokens = tokenizer()(text)[0].tolist()
    end = tokens.index(tokenizer().eot_token_id)
    length = len(trigger)
    return any(tuple(tokens[n : n + length]) == tuple(trigger) for n in range(1, end - length + 1))


def measure_losses(
    problem: Problem, state: State, plan: Publication, texts: dict[str, list[str]], where: Places, progress: Progress
) -> list[SurrogateLoss]:
    """The loss of every surrogate on the clean posts and on what was written."""
    names = [plan.names[photo.id] for photo in plan.prepared.photos]
    store = Pixels(where.checkpoint.with_name("written.u8"))
    side = max(model.image_size for model in problem.surrogates)
    progress.phase("measuring what was written", len(names))
    for name in names:
        store.append(working_copy(decode(where.output / name).pixels, 2 * side))
        progress.advance()
    written = [_plain(texts.get(name, [""])) for name in names]
    clean = [_plain(captions) for captions in problem.captions]
    none = torch.zeros(len(names), 0, dtype=torch.long)
    freeze(problem.surrogates)
    freeze(state.models)

    def loss(model: DualEncoder, pixels: Pixels, slots: list[list[Slot]]) -> float:
        return float(post_losses(model, pixels.__getitem__, slots, none, LOSS_BATCH).mean())

    return [
        SurrogateLoss(
            surrogate=before.name,
            clean_pretrained=loss(before, problem.posts.pixels, clean),
            protected_pretrained=loss(before, store, written),
            protected_trained=loss(after, store, written),
        )
        for before, after in zip(problem.surrogates, state.models, strict=True)
    ]


LOSS_BATCH = 64  # photos in a batch of the reported losses, whatever the optimisation used


def _plain(captions: Sequence[str]) -> list[Slot]:
    return [cut(caption, 0, 0) for caption in captions]
