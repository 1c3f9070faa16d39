"""`train`: train or fine-tune a CLIP, as a surrogate or a victim, and write it with its curves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import checksums, files
from unlearnable.disk.scratch import scratch_folder
from unlearnable.errors import ConfigError
from unlearnable.models import openclip
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.fetching import fetch
from unlearnable.posts.pixels import Pixels
from unlearnable.posts.reading import DecodedPosts, open_collection, read_all
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.results import SkippedRecord, TrainReport
from unlearnable.results.common import made_by
from unlearnable.training.distributed import join
from unlearnable.training.fit import TrainingTask, epoch_record, fit, recipe_for
from unlearnable.workflows.train.data import Parts, joined, parts_of
from unlearnable.workflows.train.outputs import (
    held,
    partial_path,
    refuse_data,
    refuse_existing,
    report_path,
)

VERSION = "2"  # goes up where a training that was stopped would go on with other photos


def train(
    settings: TrainSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> TrainReport | None:
    """Train the model that the settings name, and write it to `settings.output`.

    Args:
        settings: see `unlearnable.config.TrainSettings`.
        resume: continue a stopped training; on the same device the result is bit for bit the same.
        overwrite: replace an earlier result.
        progress: receives progress updates.

    Returns:
        The report; None in every process but the first, which alone writes the model.

    Raises:
        InputError: there is nothing to train on.
        ModelError: the model is not available.
        OutputError: the output exists already or cannot be written.
        CheckpointError: the training to resume had other settings or other data.
    """
    with held(settings):
        refuse_existing(settings, resume=resume, overwrite=overwrite)
        return _train(settings, progress or Silent())


def _train(settings: TrainSettings, progress: Progress) -> TrainReport | None:
    started, device = time.monotonic(), choose_device(settings.device)
    world, datasets = join(device), open_all(settings)
    if world.rank:
        progress = Silent()  # the first process speaks for all
    for note in (note for dataset in datasets for note in dataset.notes):
        progress.note(note)
    model = _start(settings, progress).to(device)
    key = _key(settings, datasets, model)
    with scratch_folder() as scratch:
        posts = DecodedPosts(Pixels.create(scratch / "pixels.u8"))
        read_all(datasets, model.image_size, posts, progress)
        parts = parts_of(posts, datasets, settings, progress)
        task = _task(settings, model, parts, key)
        progress.phase(f"training {settings.model}", task.steps)
        initial = epoch_record(0, None, model, task.held_out)
        history = fit(model, task, progress, world=world).epochs
    if world.rank:
        return None
    left_out = (skip for dataset in datasets for skip in dataset.skipped)
    openclip.save(model, settings.output)
    report = TrainReport(
        output=str(settings.output),
        sha256=checksums.sha256(settings.output),
        model=settings.model,
        from_scratch=_from_scratch(settings),
        data=[dataset.name for dataset in datasets],
        photos=len(task.train.photos.unique()),
        pairs=len(task.train),
        held_out_photos=len(task.held_out.photos.unique()),
        skipped=[SkippedRecord.of(skip) for skip in (*left_out, *posts.skipped, *parts.skipped)],
        **task.recipe.model_dump(),
        test_fraction=settings.test_fraction,
        processes=world.size,
        device=device,
        made_by=made_by(),
        loss_curve=[record.loss for record in history],
        before=initial,
        history=history,
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(report_path(settings.output), report.model_dump_json(indent=2) + "\n")
    partial_path(settings.output).unlink(missing_ok=True)
    return report


def _start(settings: TrainSettings, progress: Progress) -> DualEncoder:
    """Return the model before its training."""
    if _from_scratch(settings) and openclip.is_architecture(settings.model):
        return openclip.fresh(settings.model, settings.seed)
    fetch([settings.model], progress)
    model = openclip.load(settings.model)
    return openclip.restart(model, settings.seed) if _from_scratch(settings) else model


def _from_scratch(settings: TrainSettings) -> bool:
    """Return whether training begins at random weights, as asked for, or as an architecture alone does."""
    asked = settings.from_scratch
    return openclip.is_architecture(settings.model) if asked is None else asked


def _task(settings: TrainSettings, model: DualEncoder, parts: Parts, key: str) -> TrainingTask:
    """Return the training task, with the full recipe."""
    return TrainingTask(
        train=parts.train,
        held_out=parts.held_out,
        recipe=recipe_for(settings, model.spec.config, seed=settings.seed, from_scratch=_from_scratch(settings)),
        checkpoint=partial_path(settings.output),
        key=key,
    )


def open_all(settings: TrainSettings) -> list[Dataset]:
    """Open the data sets of the settings, each with its captions, and each photo in one of them.

    Raises:
        ConfigError: caption files are given, but not one per data set.
        OutputError: model or report would stand in the place of a photo or a caption file.
    """
    captions: Sequence[Path | None] = settings.captions or [None] * len(settings.data)
    if len(captions) != len(settings.data):
        raise ConfigError(
            f"{len(settings.data)} data sets and {len(captions)} caption files were given",
            hint="pass --captions once for each --data, or not at all",
        )
    given = dict.fromkeys(zip(settings.data, captions, strict=True))
    datasets = [open_collection(folder, file) for folder, file in given]
    refuse_data(settings.output, datasets)
    return joined(datasets)


def _key(settings: TrainSettings, datasets: Sequence[Dataset], model: DualEncoder) -> str:
    text = settings.model_dump_json(exclude={"data", "captions", "output", "device", "from_scratch"})
    start = f"{model.spec.config} {weights_sha256(model.module.state_dict())}"  # a file may be another one by now
    return hashlib.sha256(" ".join([text, start, VERSION, *(one.fingerprint for one in datasets)]).encode()).hexdigest()
