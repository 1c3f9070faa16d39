"""`train`: train or fine-tune a CLIP, as a surrogate or a victim, and write it with its curves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from unlearnable import files
from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset
from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.experiments.fit import TrainingTask, epoch_record, fit
from unlearnable.experiments.recipe import recipe_for
from unlearnable.models import openclip
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder
from unlearnable.models.fetching import fetch
from unlearnable.models.weights import weights_sha256
from unlearnable.posts.pairs import pairs_of
from unlearnable.posts.pixels import Pixels
from unlearnable.posts.reading import DecodedPosts, open_collection, read_all
from unlearnable.progress import Progress, Silent
from unlearnable.results import SkippedRecord, TrainReport
from unlearnable.scratch import scratch_folder
from unlearnable.training.distributed import join
from unlearnable.workflows.layout import refuse_published
from unlearnable.workflows.verify.splits import split, unused


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
    started, progress = time.monotonic(), progress or Silent()
    partial, there = _refuse_existing_output(settings, resume=resume, overwrite=overwrite)
    device = choose_device(settings.device)
    world, datasets = join(device), open_all(settings)
    if world.rank:
        progress = Silent()  # the first process speaks for all
    model = _start(settings, progress).to(device)
    key = _key(settings, datasets, model)
    files.check_writable(settings.output.parent)
    with scratch_folder() as scratch:
        posts = DecodedPosts(Pixels.create(scratch / "pixels.u8"))
        read_all(datasets, model.image_size, posts, progress)
        task = _task(settings, model, posts, partial, key)
        progress.phase(f"training {settings.model}", task.steps)
        initial = epoch_record(0, None, model, task.held_out)
        history = fit(model, task, progress, world=world)
    if world.rank:
        return None
    _save(model, settings, partial, there)
    report = TrainReport(
        output=str(settings.output),
        sha256=files.sha256(settings.output),
        model=settings.model,
        from_scratch=openclip.is_architecture(settings.model),
        data=[dataset.name for dataset in datasets],
        photos=len(task.train.photos.unique()),
        pairs=len(task.train),
        held_out_photos=len(task.held_out.photos.unique()),
        skipped=_skipped(settings, datasets, posts),
        **task.recipe.model_dump(exclude={"smallest_crop"}),
        processes=world.size,
        device=device,
        loss_curve=[record.loss for record in history],
        before=initial,
        history=history,
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(report_path(settings.output), report.model_dump_json(indent=2) + "\n")
    partial.unlink(missing_ok=True)
    return report


def _start(settings: TrainSettings, progress: Progress) -> DualEncoder:
    """Return the model before its training: with random weights where an architecture is named alone."""
    if openclip.is_architecture(settings.model):
        return openclip.fresh(settings.model, settings.seed)
    fetch([settings.model], progress)
    return openclip.load(settings.model)


def _task(settings: TrainSettings, model: DualEncoder, posts: DecodedPosts, partial: Path, key: str) -> TrainingTask:
    """Return the training task, with the full recipe.

    Raises:
        InputError: there is no photo to train on.
    """
    train_photos, held_out = split(posts.photos, settings.test_fraction, settings.seed)
    task = TrainingTask(
        train=pairs_of(posts.pixels, posts.captions, train_photos),
        held_out=pairs_of(posts.pixels, posts.captions, held_out),
        recipe=recipe_for(
            settings,
            model.spec.config,
            epochs=settings.epochs,
            lr=settings.lr,
            seed=settings.seed,
            from_scratch=openclip.is_architecture(settings.model),
        ),
        checkpoint=partial,
        key=key,
    )
    if not len(task.train):
        raise InputError(
            "there is no photo to train on", hint="use more photos or a smaller --test-fraction, or check the splits"
        )
    return task


def _skipped(settings: TrainSettings, datasets: Sequence[Dataset], posts: DecodedPosts) -> list[SkippedRecord]:
    """Return all rows and photos that were left out."""
    unused_photos = unused(posts.photos, *split(posts.photos, settings.test_fraction, settings.seed))
    left_out = [*(skip for dataset in datasets for skip in dataset.skipped), *posts.skipped, *unused_photos]
    return [SkippedRecord.of(skip) for skip in left_out]


def open_all(settings: TrainSettings) -> list[Dataset]:
    """Open the data sets of the settings, each with its captions.

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
    datasets = [open_collection(folder, file) for folder, file in zip(settings.data, captions, strict=True)]
    _refuse_data(settings.output, datasets)
    return datasets


def report_path(output: Path) -> Path:
    """Return the path of the report on a checkpoint."""
    return output.with_name(f"{output.name}.json")


def _save(model: DualEncoder, settings: TrainSettings, partial: Path, there: Sequence[Path]) -> None:
    """Write the model, unless it would replace, or its report would, what was not there at the start."""
    for path in _results(settings):
        if path.exists() and path not in there:
            hint = f"move it away and use --resume: what was learnt is in {partial}"
            raise OutputError(f"{path} appeared during the training", hint=hint)
    openclip.save(model, settings.output)


def _results(settings: TrainSettings) -> tuple[Path, Path]:
    return settings.output, report_path(settings.output)


def _refuse_existing_output(settings: TrainSettings, *, resume: bool, overwrite: bool) -> tuple[Path, Sequence[Path]]:
    """Return the checkpoint of the training, and what it may replace, after checking that this was asked for.

    Raises:
        ConfigError: the output lies in a folder to train on.
        OutputError: a model, its report or a stopped training exists, and neither `resume` nor `overwrite` allows it;
            or the output is a folder, or would be published.
    """
    files.refuse_among(settings.output, *settings.data)
    refuse_published(settings.output)
    if settings.output.is_dir():
        raise OutputError(f"{settings.output} is a folder", hint="name a file in it, such as model.safetensors")
    partial = settings.output.with_name(f"{settings.output.name}.partial")
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite exclude each other", hint="use only one of them")
    if overwrite:
        partial.unlink(missing_ok=True)
        return partial, _results(settings)
    there = [path for path in _results(settings) if path.exists()]
    if partial.exists() and resume:  # it goes last: what stands there beside it was not finished
        return partial, there
    if there:
        raise OutputError(f"{there[0]} exists already", hint="use --overwrite or choose another --output")
    if partial.exists():
        raise OutputError(f"{partial} is a stopped training", hint="use --resume to continue it, or --overwrite")
    return partial, there


def _refuse_data(output: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to replace what is trained on, which no option asks for.

    Raises:
        OutputError: model or report would stand in the place of a photo or a caption file.
    """
    read = [
        path for dataset in datasets for path in (dataset.source, *(photo.path for photo in dataset.photos)) if path
    ]
    for path in (output, report_path(output)):
        if path.exists() and path.resolve() in {one.resolve() for one in read}:
            raise OutputError(f"{path} is part of the data to train on", hint="choose another --output")


def _key(settings: TrainSettings, datasets: Sequence[Dataset], model: DualEncoder) -> str:
    text = settings.model_dump_json(exclude={"data", "captions", "output", "device", "log_file"})
    start = f"{model.spec.config} {weights_sha256(model.module.state_dict())}"  # a file may be another one by now
    return hashlib.sha256(" ".join([text, start, *(one.fingerprint for one in datasets)]).encode()).hexdigest()
