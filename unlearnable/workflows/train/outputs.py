"""What `train` writes: a model, a report beside it, and a checkpoint while it is under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import entries, locks
from unlearnable.errors import ConfigError, OutputError
from unlearnable.protect.layout import refuse_published
from unlearnable.workers.launched import is_first


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
    entries.refuse_among(output, *settings.data)
    refuse_published(output)
    for path in (output, report_path(output)):
        if path.is_dir():
            raise OutputError(f"{path} is a folder", hint="name another --output, such as model.safetensors in it")
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
        raise ConfigError("--resume and --overwrite exclude each other", hint="use only one of them")
    if overwrite:
        partial.unlink(missing_ok=True)
    elif not partial.exists():
        for path in filter(Path.exists, (settings.output, report_path(settings.output))):
            raise entries.exists_already(path)
    elif not resume:
        raise OutputError(f"{partial} is a stopped training", hint="use --resume to continue it, or --overwrite")


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
            raise OutputError(f"{path} is part of the data to train on", hint="choose another --output")
