"""What `train` writes, and which files may be in its place: none but those that it was asked to replace, or its own.

A training that was stopped keeps in its checkpoint what it may replace, as what is there may have changed since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from unlearnable.config import TrainSettings
from unlearnable.datasets import Dataset
from unlearnable.disk import checkpoint, checksums, entries, files, locks
from unlearnable.errors import ConfigError, OutputError
from unlearnable.models import openclip
from unlearnable.models.dual_encoder import DualEncoder, weights_sha256
from unlearnable.results import TrainReport
from unlearnable.workers.launched import is_first
from unlearnable.workflows.output.refusal import refuse_published


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
    for path in filter(Path.is_dir, _existing(output)):
        raise OutputError(f"{path} is a folder", hint="name another --output, such as model.safetensors in a folder")
    if not is_first():
        yield
        return
    with locks.held(output, output.with_name(f".{output.name}.lock"), "training"):
        yield


def refuse_existing_output(settings: TrainSettings, *, resume: bool, overwrite: bool) -> None:
    """Stop where something exists already that was not asked to be replaced or continued.

    Raises:
        ConfigError: both are asked for.
        OutputError: a model, its report or a stopped training exists, and neither `resume` nor `overwrite` allows it.
    """
    there, partial = _existing(settings.output), partial_path(settings.output)
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite exclude each other", hint="use only one of them")
    if overwrite or (resume and partial.exists()):
        return
    if there:
        raise entries.exists_already(there[0])
    if partial.exists():
        raise OutputError(f"{partial} is a stopped training", hint="use --resume to continue it, or --overwrite")


def replaceable(settings: TrainSettings, key: str, *, overwrite: bool) -> tuple[str, ...]:
    """Return the checksums of the files that the results may replace; with `overwrite` of those that are there.

    Raises:
        OutputError: a file is there that a stopped training may not replace.
        CheckpointError: the stopped training had other settings or other data.
    """
    partial = partial_path(settings.output)
    if overwrite:
        partial.unlink(missing_ok=True)
        return tuple(map(_sha256, _existing(settings.output)))
    if not partial.is_file():
        return ()
    replaced = tuple(checkpoint.load(partial, key).get("replaced", ()))
    _refuse_others(settings.output, replaced)
    return replaced


def write_model(model: DualEncoder, output: Path, replaced: Sequence[str]) -> None:
    """Write the model that was trained.

    Raises:
        OutputError: it or its report would replace a file of somebody else, or cannot be written.
    """
    _refuse_others(output, replaced, model)
    openclip.save(model, output)


def write_report(report: TrainReport, output: Path) -> None:
    """Write the report on a model, after which the training is over and needs no checkpoint."""
    files.write_text(report_path(output), report.model_dump_json(indent=2) + "\n")
    partial_path(output).unlink(missing_ok=True)


def refuse_data(output: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to replace what is trained on, which no option asks for.

    Raises:
        OutputError: model or report would stand in the place of a photo or a caption file.
    """
    read = [
        path for dataset in datasets for path in (dataset.source, *(photo.path for photo in dataset.photos)) if path
    ]
    for path in _existing(output):
        if path.resolve() in {one.resolve() for one in read}:
            raise OutputError(f"{path} is part of the data to train on", hint="choose another --output")


def _refuse_others(output: Path, replaced: Sequence[str], model: DualEncoder | None = None) -> None:
    """Stop where model or report would replace a file of somebody else.

    A kill may have come between writing the model and removing the checkpoint: a model of the same weights is as well
    as written, and so is a report on it. Without `model` any that `train` wrote may turn out to be that.

    Raises:
        OutputError: there is such a file.
    """
    weights = openclip.saved_weights(output)
    written = weights is not None if model is None else weights == weights_sha256(model.module.state_dict())
    for path in _existing(output):
        own = written and (path == output or _reports(path, output))
        if not own and _sha256(path) not in replaced:
            again = "use --resume" if partial_path(output).exists() else "give the command again"
            raise OutputError(
                f"{path} is not of this training, nor what it was to replace", hint=f"move it away and {again}"
            )


def _existing(output: Path) -> list[Path]:
    return [path for path in (output, report_path(output)) if path.exists()]


def _sha256(path: Path) -> str:
    with files.reporting_write_errors(path):
        return checksums.sha256(path)


def _reports(path: Path, output: Path) -> bool:
    """Return whether a file is the report on a model."""
    try:
        return TrainReport.model_validate_json(path.read_bytes()).sha256 == checksums.sha256(output)
    except (OSError, ValueError):
        return False
