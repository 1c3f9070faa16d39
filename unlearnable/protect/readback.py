"""Re-read the written files and captions as a stranger would, and measure the loss on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from unlearnable.errors import ModelError
from unlearnable.methods.base import Problem, State
from unlearnable.methods.batches import batch_losses, in_order, settle
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.tokens import CaptionSlot, cut, tokenizer
from unlearnable.posts import Dataset, open_dataset, read_written
from unlearnable.protect.layout import METADATA, Layout
from unlearnable.protect.setup import Run
from unlearnable.protect.write import Publication, WrittenPhotos
from unlearnable.report import SurrogateLoss
from unlearnable.settings import Precision, ProtectionSettings
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels
from unlearnable.wording import grouped, named

CLEARLY = 0.95  # share of the clean posts' loss that the loss of protected posts must stay below
LOSS_BATCH = 64  # photos per batch of the reported losses, whatever batches the optimisation used
_NAMED = 3  # photos in a remark; the others are counted


def reread_captions(
    publication: Publication, layout: Layout, dataset: Dataset
) -> tuple[float, dict[str, list[str]], list[str]]:
    """Read the written captions back.

    Those of photos without a caption of the user's are in metadata.jsonl alone.

    Returns:
        The share of captions that are read back with all tokens of their trigger, the captions of each path in the
        output folder, and the paths of which a caption is not read back so.
    """
    in_captions = _texts(read_written(dataset, layout.staged)) if publication.in_file else {}
    in_metadata = _texts(open_dataset(layout.staged, layout.staged / METADATA))
    total, texts, lost = 0, dict[str, list[str]](), list[str]()
    for (photo, rows), triggers in zip(publication.captions.items(), publication.triggers, strict=True):
        name = publication.names[photo]
        texts[name] = in_metadata.get(name) or [text for _, text in rows]
        for number, (pair, text) in enumerate(rows):
            written_to = [in_captions, in_metadata] if pair.record >= 0 else [in_metadata]
            total += 1
            there = all(text in captions.get(name, []) for captions in written_to)
            if not (there and (not triggers or _holds(text, triggers[number].tokens))):
                lost.append(name)
    return (total - len(lost)) / max(total, 1), texts, list(dict.fromkeys(lost))


def said_of_lost(photos: Sequence[str]) -> list[str]:
    """Return a remark on photos of which a caption was not read back with its words; none where all were."""
    if not photos:
        return []
    return [f"{named(photos, _NAMED)}: a caption was not read back as it was written, with all of its added words"]


def _texts(dataset: Dataset) -> dict[str, list[str]]:
    """Return the captions of each photo that has any."""
    return grouped((pair.photo, pair.caption) for pair in dataset.pairs)


def _holds(text: str, trigger: Sequence[int]) -> bool:
    """Return whether a CLIP that reads `text` sees the trigger's tokens in sequence, and the end of the text."""
    tokens = tokenizer()(text)[0].tolist()
    end = tokens.index(tokenizer().eot_token_id)
    length = len(trigger)
    return any(tuple(tokens[n : n + length]) == tuple(trigger) for n in range(1, end - length + 1))


def measure_losses(
    run: Run, state: State, written: WrittenPhotos, texts: Mapping[str, Sequence[str]], progress: Progress
) -> list[SurrogateLoss]:
    """Return the loss of every surrogate on the clean posts and on the staged files.

    Args:
        run: clean posts, surrogates and folders.
        state: surrogates as trained during the optimisation.
        written: the staged photos as they were read back.
        texts: captions of each path in the staging folder, as they were read back.
        progress: receives the phase.
    """
    problem, numbers = run.problem, [one.number for one in run.prepared.ready]
    progress.phase("checking the written files", 0)
    posts = replace(problem.posts, pixels=problem.posts.pixels.choose(numbers))
    kept = replace(problem, posts=posts, captions=tuple(problem.captions[number] for number in numbers))
    read = [texts[one.name] for one in run.prepared.ready]
    return losses_on(kept, state.models, written.copies, written.unencoded, read, run.method_settings.precision)


def losses_on(
    problem: Problem,
    trained: Sequence[DualEncoder],
    store: Pixels,
    unencoded: Pixels,
    texts: Sequence[Sequence[str]],
    precision: Precision,
) -> list[SurrogateLoss]:
    """Return the loss of every surrogate on the clean posts and on protected ones.

    Args:
        problem: clean posts and surrogates.
        trained: surrogates as trained during the optimisation.
        store: working copies of the protected photos as they are read back.
        unencoded: working copies of what was encoded; `store` itself where all is lossless.
        texts: captions of each photo as they are read back.
        precision: number format of the encoders.
    """
    count = len(texts)
    written = [_plain(captions) for captions in texts]
    clean, pixels = [_plain(captions) for captions in problem.captions], problem.posts.pixels
    settle([*problem.surrogates, *trained], precision)

    def loss(model: DualEncoder, pixels: Pixels, slots: list[list[CaptionSlot]]) -> tuple[float, float]:
        each = [
            batch_losses(model, pixels.__getitem__, [slots[n][0] for n in photos], photos, precision)
            for photos in in_order(count, LOSS_BATCH)
        ]
        apart, among_all = map(torch.cat, zip(*each, strict=True))
        return float(apart.mean()), float(among_all.mean())

    return [
        SurrogateLoss(
            surrogate=before.name,
            clean_pretrained=(on_clean := loss(before, pixels, clean))[0],
            clean_unmasked=on_clean[1],
            protected_pretrained=loss(before, store, written)[0],
            protected_trained=(lowest := loss(after, store, written)[0]),
            before_encoding=lowest if unencoded is store else loss(after, unencoded, written)[0],
        )
        for before, after in zip(problem.surrogates, trained, strict=True)
    ]


def refuse_unprotected(losses: Sequence[SurrogateLoss], settings: ProtectionSettings, *, staged: bool) -> None:
    """Stop if a surrogate's loss on the written posts is not clearly below its loss on the clean ones.

    Args:
        losses: see `measure_losses`.
        settings: settings of the run.
        staged: whether the posts lie in a folder of the run, which other settings do not resume.

    Raises:
        ModelError: a loss is neither below the threshold of the settings nor below `CLEARLY` of the clean loss.
    """
    for loss in losses:
        bound = max(settings.of_method.threshold, CLEARLY * loss.clean_unmasked)
        if not loss.protected_trained < bound:  # also stops at NaN
            raise ModelError(
                f"the written posts would hardly be protected: {loss.surrogate} has a loss of "
                f"{loss.protected_trained:.3f} on them and of {loss.clean_unmasked:.3f} on the clean ones",
                hint=_stronger(settings, "protect all anew with `overwrite=True` and" if staged else "use"),
            )


def _stronger(settings: ProtectionSettings, how: str) -> str:
    """Return what may protect better than settings that did not; `how` says what to do with it."""
    preset = "`preset='strong'`" if settings.preset == "balanced" else "`preset='balanced'`"
    return f"{how} {preset}, more captions, or another `surrogate`"


def _plain(captions: Sequence[str]) -> list[CaptionSlot]:
    return [cut(caption, 0, 0) for caption in captions]
