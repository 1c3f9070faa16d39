"""`train`: train a model on posts, and write it with a report beside it."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.imaging.visibility import near_duplicates
from unlearnable.models import openclip
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.posts import Dataset, Skipped, split, unused
from unlearnable.report import SkippedRecord, TrainReport, made_by
from unlearnable.settings import TrainSettings
from unlearnable.storage import files, folders
from unlearnable.storage.folders import refuse_among, refuse_published
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import DecodedPosts, Pairs, Pixels, open_collection, pairs_of, read_all
from unlearnable.training.distributed import join
from unlearnable.training.loop import TrainingTask, epoch_record, fit, recipe_for

VERSION = "3"  # raised where a stopped training would continue with other photos


def train(
    settings: TrainSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> TrainReport | None:
    """Train the model that the settings name, and write it to `settings.output`.

    With `resume` a stopped training continues; on the same device the result is bit for bit the same. The report is
    None in every process but the first, which alone writes the model.
    """
    with _held(settings):
        _refuse_existing(settings.output, resume=resume, overwrite=overwrite)
        return _train(settings, progress or Silent())


def report_path(output: Path) -> Path:
    """Return the path of the report on a model."""
    return output.with_name(f"{output.name}.json")


def partial_path(output: Path) -> Path:
    """Return the path of the checkpoint of a training."""
    return output.with_name(f"{output.name}.partial")


@contextmanager
def _held(settings: TrainSettings) -> Iterator[None]:
    """Hold the output of a training against other ones; of several processes the first does. Nothing is left of it."""
    output = settings.output
    refuse_among(output, *settings.data)
    refuse_published(output)
    for path in (output, report_path(output)):
        if path.is_dir():
            raise OutputError(f"{path} is a folder", hint="name another `output`, such as model.safetensors in it")
    lock = output.with_name(f".{output.name}.lock")
    if not is_first():
        yield
        return
    with files.no_empty_folders_above(lock), folders.lock_output(output, lock, "training"):
        yield


def _refuse_existing(output: Path, *, resume: bool, overwrite: bool) -> None:
    """Stop where something exists already that was not asked to be replaced or continued."""
    partial = partial_path(output)
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` exclude each other", hint="use only one of them")
    if overwrite:
        partial.unlink(missing_ok=True)
    elif not partial.exists():
        for path in filter(Path.exists, (output, report_path(output))):
            raise files.exists_already(path)
    elif not resume:
        hint = "use `resume=True` to continue it, or `overwrite=True`"
        raise OutputError(f"{partial} is a stopped training", hint=hint)


def _train(settings: TrainSettings, progress: Progress) -> TrainReport | None:
    started, device = time.monotonic(), choose_device(settings.device)
    world, datasets = join(device), _open_all(settings)
    if world.rank:
        progress = Silent()  # the first process speaks for all
    for note in (note for dataset in datasets for note in dataset.notes):
        progress.note(note)
    from_scratch = settings.from_scratch
    if from_scratch is None:
        from_scratch = openclip.is_architecture(settings.model)
    model = _start(settings, progress, from_scratch=from_scratch).to(device)
    key = _key(settings, datasets, model)
    with folders.scratch_folder() as scratch:
        posts = DecodedPosts(Pixels.create(scratch / "pixels.u8"))
        read_all(datasets, model.image_size, posts, progress)
        parts = _parts_of(posts, datasets, settings, progress)
        changes = {"batch_size": settings.batch_size, "one_caption": settings.one_caption}
        recipe = recipe_for(settings, model.spec.config, seed=settings.seed, from_scratch=from_scratch, **changes)
        task = TrainingTask(parts.train, parts.held_out, recipe, partial_path(settings.output), key)
        progress.phase(f"training {settings.model}", task.steps)
        before = epoch_record(0, None, model, task.held_out)
        history = fit(model, task, progress, world=world).epochs
    if world.rank:
        return None
    left_out = (skip for dataset in datasets for skip in dataset.skipped)
    openclip.save(model, settings.output)
    report = TrainReport(
        output=str(settings.output),
        sha256=files.sha256(settings.output),
        model=settings.model,
        from_scratch=from_scratch,
        data=[dataset.name for dataset in datasets],
        photos=len(task.train.photos.unique()),
        pairs=len(task.train),
        held_out_photos=len(task.held_out.photos.unique()),
        skipped=[SkippedRecord.of(skip) for skip in (*left_out, *posts.skipped, *parts.skipped)],
        **asdict(recipe),
        test_fraction=settings.test_fraction,
        processes=world.size,
        device=device,
        made_by=made_by(),
        loss_curve=[record.loss for record in history],
        before=before,
        history=history,
        seconds=round(time.monotonic() - started, 1),
    )
    files.write_text(report_path(settings.output), report.model_dump_json(indent=2) + "\n")
    partial_path(settings.output).unlink(missing_ok=True)
    return report


def _open_all(settings: TrainSettings) -> list[Dataset]:
    """Open the data sets of the settings, each with its captions."""
    captions: Sequence[Path | None] = settings.captions or [None] * len(settings.data)
    if len(captions) != len(settings.data):
        raise ConfigError(
            f"{len(settings.data)} data sets and {len(captions)} caption files were given",
            hint="pass `captions` once for each `data`, or not at all",
        )
    given = dict.fromkeys(zip(settings.data, captions, strict=True))
    datasets = [open_collection(folder, file) for folder, file in given]
    read = {path.resolve() for one in datasets for path in (one.source, *(p.path for p in one.photos)) if path}
    for path in (settings.output, report_path(settings.output)):
        if path.exists() and path.resolve() in read:  # no option asks to replace what is trained on
            raise OutputError(f"{path} is part of the data to train on", hint="choose another `output`")
    return datasets


def _start(settings: TrainSettings, progress: Progress, *, from_scratch: bool) -> DualEncoder:
    """Return the model before its training."""
    if from_scratch and openclip.is_architecture(settings.model):
        return openclip.fresh(settings.model, settings.seed)
    openclip.fetch([settings.model], progress)
    model = openclip.load(settings.model)
    return openclip.restart(model, settings.seed) if from_scratch else model


class Parts(NamedTuple):
    """The pairs of the photos that are trained on and of those that are ranked, and photos that are neither."""

    train: Pairs
    held_out: Pairs
    skipped: list[Skipped]


def _parts_of(posts: DecodedPosts, datasets: Sequence[Dataset], settings: TrainSettings, progress: Progress) -> Parts:
    """Hold photos out, as the data says or by chance; leave out near-duplicates of them and what has no caption."""
    training, held_out = split(posts.photos, settings.test_fraction, settings.seed)
    paths = [photo.path for photo in posts.photos]
    of_posts = (dataset for dataset in datasets if not dataset.people)  # a face's caption names somebody
    uncaptioned = {dataset.root / photo for dataset in of_posts for photo in dataset.uncaptioned}
    bare = {n for n, path in enumerate(paths) if path in uncaptioned}
    ranked = [n for n in held_out if n not in bare]
    progress.phase("looking for near-duplicates", 1)
    near = {training[n] for n in near_duplicates([paths[n] for n in training], [paths[n] for n in ranked])}
    distinct = [n for n in training if n not in near]
    trained = [n for n in distinct if n not in bare]
    if not trained:
        raise InputError(
            "no photo to train on has a caption and is no near-duplicate of one that is held out",
            hint="give the captions with `captions`, use more photos or a smaller `test_fraction`, or check the splits",
        )
    skipped = unused(posts.photos, training, held_out)
    for numbers, reason, detail in (
        ([n for n in held_out if n in bare], "no-caption", "cannot be ranked"),
        ([n for n in distinct if n in bare], "no-caption", "cannot be trained on"),
        (sorted(near), "near-duplicate", "of a photo that is held out"),
    ):
        skipped += [Skipped(posts.photos[n].id, reason, detail) for n in numbers]
    train, gallery = (pairs_of(posts.pixels, posts.captions, numbers) for numbers in (trained, ranked))
    return Parts(train, gallery, skipped)


def _key(settings: TrainSettings, datasets: Sequence[Dataset], model: DualEncoder) -> str:
    text = settings.model_dump_json(exclude={"data", "captions", "output", "device", "from_scratch"})
    start = f"{model.spec.config} {weights_sha256(model.module.state_dict())}"  # a file may be another one by now
    return hashlib.sha256(" ".join([text, start, VERSION, *(one.fingerprint for one in datasets)]).encode()).hexdigest()
