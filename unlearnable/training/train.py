"""`train`: train a model on posts, and write it with a report beside it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from unlearnable.errors import ConfigError, InputError, OutputError
from unlearnable.imaging.duplicates import near_duplicates
from unlearnable.models import openclip
from unlearnable.models.device import choose_device
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.models.openclip import fetch
from unlearnable.posts import Dataset, Pair, Photo, Skipped
from unlearnable.posts.held_out import HELD_OUT, split, unused
from unlearnable.report import SkippedRecord, TrainReport
from unlearnable.report.common import made_by
from unlearnable.settings import TrainSettings
from unlearnable.storage import checksums, files, locks
from unlearnable.storage.folders import refuse_among, refuse_published
from unlearnable.storage.locks import scratch_folder
from unlearnable.storage.pool import is_first
from unlearnable.storage.progress import Progress, Silent
from unlearnable.training.data import DecodedPosts, Pairs, Pixels, open_collection, pairs_of, read_all
from unlearnable.training.distributed import join
from unlearnable.training.loop import TrainingTask, epoch_record, fit, recipe_for


def joined(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Return the data sets with each photo once, by its content: in the first that has it, with the captions of all.

    Captions that were made up go where there are others. A photo that one of them puts into a held-out split is in it.
    """
    same: dict[str, list[tuple[int, Photo]]] = {}  # photos of one content, each with the number of its data set
    for number, dataset in enumerate(datasets):
        for photo in dataset.photos:
            same.setdefault(photo.sha256() or str(photo.path), []).append((number, photo))
    if all(len(group) == 1 for group in same.values()):
        return list(datasets)
    told = [dataset.pairs_by_photo() for dataset in datasets]
    made = [set() if dataset.people else dataset.uncaptioned for dataset in datasets]  # those of faces name somebody
    photos: list[list[Photo]] = [[] for _ in datasets]
    pairs: list[list[Pair]] = [[] for _ in datasets]
    for group in same.values():
        number, first = group[0]
        photos[number].append(replace(first, split=_split(photo.split for _, photo in group)))
        own = [pair for one, photo in group if photo.id not in made[one] for pair in told[one][photo.id]]
        distinct = {pair.caption: replace(pair, photo=first.id) for pair in own or told[number][first.id]}
        pairs[number] += distinct.values()
    return [
        replace(dataset, photos=tuple(kept), pairs=tuple(captions))
        for dataset, kept, captions in zip(datasets, photos, pairs, strict=True)
    ]


def _split(names: Iterable[str | None]) -> str | None:
    """Return the split that counts: one that is held out before others, or else the first."""
    return min(names, key=lambda name: HELD_OUT.index(name) if name in HELD_OUT else len(HELD_OUT))


_NONE = "there is no photo to train on"


@dataclass(frozen=True)
class Parts:
    """The pairs of the photos that are trained on and of those that are ranked, and photos that are neither."""

    train: Pairs
    held_out: Pairs
    skipped: list[Skipped]


def parts_of(posts: DecodedPosts, datasets: Sequence[Dataset], settings: TrainSettings, progress: Progress) -> Parts:
    """Hold photos out, as the data says or by chance, and leave out near-duplicates and what has no caption to rank by.

    Raises:
        InputError: there is no photo to train on.
    """
    training, held_out = split(posts.photos, settings.test_fraction, settings.seed)
    others = unused(posts.photos, training, held_out)
    paths = [photo.path for photo in posts.photos]
    unranked = _bare(datasets)
    others += [Skipped(posts.photos[n].id, "no-caption", "cannot be ranked") for n in held_out if paths[n] in unranked]
    held_out = [n for n in held_out if paths[n] not in unranked]
    progress.phase("looking for near-duplicates", 1)
    near = {training[n] for n in near_duplicates([paths[n] for n in training], [paths[n] for n in held_out])}
    distinct = [n for n in training if n not in near]
    if not distinct:
        said = "every photo to train on is a near-duplicate of one that is held out" if near else _NONE
        raise InputError(said, hint="use more photos or a smaller `test_fraction`, or check the splits")
    others += [
        Skipped(posts.photos[n].id, "no-caption", "cannot be trained on") for n in distinct if paths[n] in unranked
    ]
    distinct = [n for n in distinct if paths[n] not in unranked]
    if not distinct:
        raise InputError("no photo to train on has a caption", hint="give the captions with `captions`")
    twins = [Skipped(posts.photos[n].id, "near-duplicate", "of a photo that is held out") for n in sorted(near)]
    return Parts(
        pairs_of(posts.pixels, posts.captions, distinct),
        pairs_of(posts.pixels, posts.captions, held_out),
        [*others, *twins],
    )


def _bare(datasets: Iterable[Dataset]) -> set[Path]:
    """Return the photos without a caption; that which is made for one of a data set of faces names somebody."""
    return {dataset.root / photo for dataset in datasets if not dataset.people for photo in dataset.uncaptioned}


def report_path(output: Path) -> Path:
    """Return the path of the report on a model."""
    return output.with_name(f"{output.name}.json")


def partial_path(output: Path) -> Path:
    """Return the path of the checkpoint of a training."""
    return output.with_name(f"{output.name}.partial")


@contextmanager
def held(settings: TrainSettings) -> Iterator[None]:
    """Hold the output of a training against other ones; of several processes the first does. Nothing is left of it.

    Raises:
        ConfigError: the output lies in a folder to train on.
        OutputError: another training holds it, or it is a folder, would be published or cannot be written.
    """
    output = settings.output
    refuse_among(output, *settings.data)
    refuse_published(output)
    for path in (output, report_path(output)):
        if path.is_dir():
            raise OutputError(f"{path} is a folder", hint="name another `output`, such as model.safetensors in it")
    if not is_first():
        yield
        return
    with locks.held(output, output.with_name(f".{output.name}.lock"), "training"):
        yield


def refuse_existing(settings: TrainSettings, *, resume: bool, overwrite: bool) -> None:
    """Stop where something exists already that was not asked to be replaced or continued.

    Raises:
        ConfigError: both are asked for.
        OutputError: a model, its report or a stopped training exists, and neither `resume` nor `overwrite` allows it.
    """
    partial = partial_path(settings.output)
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` exclude each other", hint="use only one of them")
    if overwrite:
        partial.unlink(missing_ok=True)
    elif not partial.exists():
        for path in filter(Path.exists, (settings.output, report_path(settings.output))):
            raise files.exists_already(path)
    elif not resume:
        raise OutputError(
            f"{partial} is a stopped training", hint="use `resume=True` to continue it, or `overwrite=True`"
        )


def refuse_data(output: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to replace what is trained on, which no option asks for.

    Raises:
        OutputError: model or report would stand in the place of a photo or a caption file.
    """
    read = {
        path.resolve() for dataset in datasets for path in (dataset.source, *(p.path for p in dataset.photos)) if path
    }
    for path in (output, report_path(output)):
        if path.exists() and path.resolve() in read:
            raise OutputError(f"{path} is part of the data to train on", hint="choose another `output`")


VERSION = "2"  # goes up where a training that was stopped would go on with other photos


def train(
    settings: TrainSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> TrainReport | None:
    """Train the model that the settings name, and write it to `settings.output`.

    Args:
        settings: see `unlearnable.settings.TrainSettings`.
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
        **asdict(task.recipe),
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
    how = ("batch_size", "weight_decay", "warmup", "smallest_crop", "one_caption", "precision")
    recipe = recipe_for(
        settings,
        model.spec.config,
        seed=settings.seed,
        from_scratch=_from_scratch(settings),
        **{name: getattr(settings, name) for name in how},
    )
    return TrainingTask(
        train=parts.train,
        held_out=parts.held_out,
        recipe=recipe,
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
            hint="pass `captions` once for each `data`, or not at all",
        )
    given = dict.fromkeys(zip(settings.data, captions, strict=True))
    datasets = [open_collection(folder, file) for folder, file in given]
    refuse_data(settings.output, datasets)
    return joined(datasets)


def _key(settings: TrainSettings, datasets: Sequence[Dataset], model: DualEncoder) -> str:
    text = settings.model_dump_json(exclude={"data", "captions", "output", "device", "from_scratch"})
    start = f"{model.spec.config} {weights_sha256(model.module.state_dict())}"  # a file may be another one by now
    return hashlib.sha256(" ".join([text, start, VERSION, *(one.fingerprint for one in datasets)]).encode()).hexdigest()
