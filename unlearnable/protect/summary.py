"""Read the staged files and captions back as a stranger would, measure the loss on them, and report the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from unlearnable.errors import ModelError
from unlearnable.imaging.picture import REDUCED_FROM
from unlearnable.methods.base import Problem, State
from unlearnable.methods.optimise import reason_to_stop
from unlearnable.methods.steps import batch_losses, in_order, settle
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.tokens import CaptionSlot, cut, tokenizer
from unlearnable.posts import NO_RECORD, Dataset, is_photo, open_dataset, read_written
from unlearnable.posts.names import people_in, stands_in, written
from unlearnable.protect.layout import METADATA
from unlearnable.protect.posts import field_notes
from unlearnable.protect.read import Run, names_to_write
from unlearnable.protect.records import protected_lines
from unlearnable.protect.write import NewPost, WrittenPhotos
from unlearnable.report import ManifestLine, ProtectReport, SkippedRecord, SurrogateLoss, TriggerFigures, made_by
from unlearnable.settings import Precision, ProtectionSettings
from unlearnable.storage import files
from unlearnable.storage.progress import Progress
from unlearnable.training.data import Pixels
from unlearnable.wording import counted, grouped, named

CLEARLY = 0.95  # share of the clean posts' loss that the loss of protected posts must stay below
LOSS_BATCH = 64  # photos per batch of the reported losses, whatever batches the optimisation used
FEW = 20  # photos: a smaller set cannot be judged, whatever its loss
OFTEN, FEWEST_OFTEN = 0.05, 3  # share and number of posts above which one trigger stands out to anyone who counts
_NAMED = 3  # photos or names in a remark; the others are counted
_LARGEST = 1 << 26  # bytes of a file that is searched for names


def reread_captions(posts: Sequence[NewPost], run: Run) -> tuple[float, dict[str, list[str]], list[str]]:
    """Read the written captions back; those of photos without a caption of the user's are in metadata.jsonl alone.

    Returns:
        The share of captions that are read back with all tokens of their trigger, the captions of each path in the
        output folder, and the paths with a caption that is not read back so.
    """
    dataset, staged = run.dataset, run.layout.staged
    is_written = any(pair.record >= 0 for post in posts for pair, _ in post.captions)
    in_captions = _captions_of(read_written(dataset, staged)) if is_written else {}
    in_metadata = _captions_of(open_dataset(staged, staged / METADATA))
    total, texts, lost = 0, dict[str, list[str]](), list[str]()
    for post in posts:
        texts[post.name] = in_metadata.get(post.name) or post.texts
        for number, (pair, text) in enumerate(post.captions):
            places = [in_captions, in_metadata] if pair.record >= 0 else [in_metadata]
            total += 1
            there = all(text in captions.get(post.name, []) for captions in places)
            if not (there and (not post.triggers or _holds(text, post.triggers[number].tokens))):
                lost.append(post.name)
    return (total - len(lost)) / max(total, 1), texts, list(dict.fromkeys(lost))


def _captions_of(dataset: Dataset) -> dict[str, list[str]]:
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
    """Return the loss of every surrogate on the clean posts and on the staged files."""
    progress.phase("checking the written files", 0)
    problem, numbers = run.problem, [one.number for one in run.ready]
    posts = replace(problem.posts, pixels=problem.posts.pixels.choose(numbers))
    kept = replace(problem, posts=posts, captions=tuple(problem.captions[number] for number in numbers))
    captions = [texts[one.name] for one in run.ready]
    return losses_on(kept, state.models, written.copies, captions, run.loaded.own.precision)


def losses_on(
    problem: Problem,
    trained: Sequence[DualEncoder],
    copies: Pixels,
    texts: Sequence[Sequence[str]],
    precision: Precision,
) -> list[SurrogateLoss]:
    """Return the loss of every surrogate on the clean posts and on protected ones.

    Args:
        problem: clean posts and surrogates.
        trained: surrogates as trained during the optimisation.
        copies: working copies of the protected photos as they are read back.
        texts: captions of each photo as they are read back.
        precision: number format of the encoders.
    """
    clean, protected = ([[cut(text, 0, 0) for text in post] for post in whole] for whole in (problem.captions, texts))
    originals = problem.posts.pixels
    settle([*problem.surrogates, *trained], precision)

    def loss(model: DualEncoder, pixels: Pixels, slots: list[list[CaptionSlot]]) -> tuple[float, float]:
        each = [
            batch_losses(model, pixels.__getitem__, [slots[n][0] for n in photos], photos, precision)
            for photos in in_order(len(texts), LOSS_BATCH)
        ]
        apart, among_all = map(torch.cat, zip(*each, strict=True))
        return float(apart.mean()), float(among_all.mean())

    return [
        SurrogateLoss(
            surrogate=before.name,
            clean_pretrained=(on_clean := loss(before, originals, clean))[0],
            clean_unmasked=on_clean[1],
            protected_pretrained=loss(before, copies, protected)[0],
            protected_trained=loss(after, copies, protected)[0],
        )
        for before, after in zip(problem.surrogates, trained, strict=True)
    ]


def refuse_unprotected(losses: Sequence[SurrogateLoss], settings: ProtectionSettings, *, staged: bool) -> None:
    """Stop if a surrogate's loss on the written posts is not clearly below its loss on the clean ones.

    Posts that are `staged` lie in a folder of the run, which other settings do not resume.
    """
    for loss in losses:
        bound = max(settings.hyperparameters.threshold, CLEARLY * loss.clean_unmasked)
        if not loss.protected_trained < bound:  # also stops at NaN
            how = "protect all anew with `overwrite=True` and" if staged else "use"
            preset = "strong" if settings.preset == "balanced" else "balanced"
            raise ModelError(
                f"the written posts would hardly be protected: {loss.surrogate} has a loss of "
                f"{loss.protected_trained:.3f} on them and of {loss.clean_unmasked:.3f} on the clean ones",
                hint=f"{how} `preset='{preset}'`, more captions, or another `surrogate`",
            )


def summarise(
    run: Run,
    state: State,
    lines: Sequence[ManifestLine],
    losses: list[SurrogateLoss],
    rounds: list[float],
    roundtrip: float,
    seconds: float,
) -> ProtectReport:
    """Return the report of a run."""
    triggers = _trigger_figures(run.problem, state)
    protected = protected_lines(lines)
    return ProtectReport(
        output=str(run.layout.output),
        private=str(run.layout.private),
        captions_file=run.dataset.captions_file,
        caption_format=run.dataset.format,
        method=run.settings.method,
        photos=len(run.dataset.photos),
        some_photos=run.dataset.partial,
        not_photos=dict(run.dataset.others),
        captions_found=run.dataset.captioned,
        skipped=[SkippedRecord.of(skip) for skip in run.skipped],
        **figures_of(protected),
        **_loss_figures(losses, rounds, len(protected)),
        rounds=len(rounds),
        stopped=reason_to_stop(run.loaded.own, rounds) or "rounds",
        surrogates=[model.name for model in run.problem.models],
        surrogate_weights=[weights_sha256(model.module.state_dict()) for model in run.problem.models],
        trigger_roundtrip=roundtrip,
        triggers=triggers,
        run=run.key,
        seed=run.settings.seed,
        device=str(run.problem.surrogates[0].device),
        made_by=made_by(),
        seconds=round(seconds, 1),
        notes=_notes(run, protected, triggers),
    )


def figures_of(protected: Sequence[ManifestLine]) -> dict[str, Any]:
    """Return the figures of a report that follow from the manifest lines of the protected photos."""
    psnr = [line.psnr for line in protected if line.psnr is not None]
    return {
        "protected": len(protected),
        "captions": sum(len(line.captions) for line in protected),
        "bytes_in": sum(line.bytes_in or 0 for line in protected),
        "bytes_out": sum(line.bytes_out or 0 for line in protected),
        "linf_max": max(line.linf or 0 for line in protected),
        "noise_linf_max": max(line.noise_linf or 0 for line in protected),
        "noise_kept_mean": _mean([line.noise_kept for line in protected if line.noise_kept is not None]),
        "psnr_mean": _mean(psnr),
        "psnr_min": min(psnr),
        "ssim_mean": _mean([line.ssim or 0.0 for line in protected]),
        "flip_mean": _mean([line.flip or 0.0 for line in protected]),
        "flip_max": max(line.flip or 0.0 for line in protected),
        "delta_e_mean": _mean([line.delta_e or 0.0 for line in protected]),
        "opt_out": sum(line.opt_out is not None for line in protected),
    }


def _loss_figures(losses: list[SurrogateLoss], rounds: list[float], photos: int) -> dict[str, Any]:
    """Return the figures of a report that follow from the losses; a single photo has none, as it has no others."""
    if photos == 1:
        return {"loss_first": None, "loss_last": None, "loss_rounds": [], "losses": []}
    return {
        "loss_first": _mean([loss.clean_pretrained for loss in losses]),
        "loss_last": _mean([loss.protected_trained for loss in losses]),
        "loss_rounds": rounds,
        "losses": losses,
    }


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def variety(triggers: Sequence[str]) -> TriggerFigures:
    """Return how much the triggers of a run, one per photo, differ from each other.

    distinct-1 is defined as in Li et al. 2016 (arXiv 1510.03055): different words over all words.
    """
    words = [word for trigger in triggers for word in trigger.split()]
    (most, times), *_ = Counter(triggers).most_common(1)
    return TriggerFigures(
        distinct=len(set(triggers)),
        distinct_1=round(len(set(words)) / len(words), 4),
        most_frequent=most,
        most_frequent_share=round(times / len(triggers), 4),
    )


def _trigger_figures(problem: Problem, state: State) -> TriggerFigures | None:
    if not state.triggers.shape[1]:
        return None
    return variety([problem.trigger(n, row).text for n, row in enumerate(state.triggers.tolist())])


def _notes(run: Run, protected: list[ManifestLine], triggers: TriggerFigures | None) -> list[str]:
    """Return remarks that the user should see about this run."""
    notes, dataset, settings = [], run.dataset, run.settings
    if len(protected) < FEW:
        photos = "photo" if len(protected) == 1 else "photos"
        notes.append(f"{len(protected)} {photos} cannot be judged: verify needs about 100")
    if duplicates := len(run.ready) - len({one.checksum for one in run.ready}):
        notes.append(f"{counted(duplicates, 'duplicate')} share noise and trigger with the first copy")
    if triggers is not None and triggers.most_frequent_share > OFTEN:
        share = triggers.most_frequent_share
        if round(share * len(protected)) >= FEWEST_OFTEN:
            notes.append(
                f"{triggers.most_frequent!r} is in {100 * share:.0f} % of the posts: anyone who counts word sequences "
                "finds it"
            )
    bare = sum(caption.pair.record == NO_RECORD for one in run.ready for caption in run.captions[one.photo.id])
    if bare and not dataset.people:
        alone = ": the added words are theirs alone" if run.method.has_trigger else ""
        notes.append(f"{counted(bare, 'photo')} had no caption{alone}")
    notes += names_notes(run)
    notes += field_notes(dataset.fields, settings.keep_fields)
    notes += _notes_on_copies(protected)
    if settings.keep_metadata == "all":
        notes.append(
            "all metadata was kept, including any GPS position, descriptions, which are captions without added words, "
            "and thumbnails that show the photo unprotected"
        )
    if settings.opt_out:
        notes.append("every copy carries the opt-out from AI training; platforms often strip it")
    return notes


def _notes_on_copies(protected: Sequence[ManifestLine]) -> list[str]:
    """Return remarks where copies hold less of the noise than was made, or less of the photo."""
    notes = []
    if lossy := sum(line.quality is not None for line in protected):
        notes.append(
            f"{lossy} {'copy is' if lossy == 1 else 'copies are'} JPEG or lossy WebP, which takes away some of the "
            "noise and changes pixels by itself (linf is both, noise_linf the noise alone); PNG is lossless"
        )
    reduced = [sum(note.startswith(REDUCED_FROM) for note in line.notes) for line in protected]
    if count := sum(reduced):
        notes.append(f"{counted(count, 'photo')} {'was' if count == 1 else 'were'} reduced for the platform")
    if count := sum(len(line.notes) > one for line, one in zip(protected, reduced, strict=True)):
        notes.append(
            f"{counted(count, 'photo')} lost something in conversion (frames, depth, colours, transparency); "
            "see the manifest"
        )
    return notes


def names_notes(run: Run) -> list[str]:
    """Return what the user should know: which names were written in another way, or which could be."""
    settings, captions = run.settings, [text for post in run.dataset.captions_by_photo().values() for text in post]
    if settings.names == "keep":
        people = people_in([captions]) if run.method.has_trigger else []
        how = "`names='initials'` writes them as initials, so that nobody learns them"
        return [f"your captions name {named(people, _NAMED)}: {how}"] if people else []
    names = names_to_write(run.dataset, settings)
    changed = sum(written(text, names, settings.names) != text for text in captions)
    if not changed:
        return ["no caption names anybody that was recognised: give names with `name`"]
    how = "as initials" if settings.names == "initials" else "in look-alike letters"
    verb = "writes" if changed == 1 else "write"
    return [f"{counted(changed, 'caption')} of {len(captions)} {verb} names {how}: {', '.join(names)}"]


def names_left_notes(run: Run) -> list[str]:
    """Return a remark on the staged files that say a name outside of captions, or are called so."""
    names = names_to_write(run.dataset, run.settings) if run.settings.names == "initials" else ()
    said = {}
    for path in files.files_below(run.layout.staged) if names else ():
        shown = path.relative_to(run.layout.staged).as_posix()
        is_text = not is_photo(shown) and files.size_of(path) <= _LARGEST
        text = path.read_bytes().decode("utf-8", "replace") if is_text else ""
        if name := next((name for name in names if stands_in(f"{shown}\n{text}", name)), ""):
            said[shown] = name
    if not said:
        return []
    where = "in the name of a file, an address or another field than the caption"
    verb = "says" if len(said) == 1 else "say"
    return [f"{named([*said], _NAMED)} still {verb} {next(iter(said.values()))}, {where}"]
