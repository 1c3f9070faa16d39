"""The public calls, one for each command; `unlearnable` exports them.

Settings come from the call, the environment and a TOML file, as on the command line. Nothing is printed. Each call
raises an `UnlearnableError` or one of its kinds, with `message`, `hint` and `exit_code`.
"""

# What needs torch is imported inside the calls: importing the package must stay quick.
from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import ConfigError

if TYPE_CHECKING:
    from unlearnable import report
    from unlearnable.imaging.decode import Kind
    from unlearnable.protect.run import ProtectedPost
    from unlearnable.storage.progress import Progress

for _package in ("benchmark", "explain", "verify"):  # else their first import later would hide the calls of these names
    import_module(f"unlearnable.{_package}")


def protect(
    photos: str | Path | Sequence[str | Path],
    *,
    resume: bool = False,
    overwrite: bool = False,
    add: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> report.ProtectReport:
    """Write protected copies of photos and captions, as `unlearnable protect` does.

    Args:
        photos: a folder of photos, a caption file that names them, or photos of one folder.
        resume: whether to continue a run that was stopped; the result is the same to the byte.
        overwrite: whether to replace an earlier result.
        add: whether to protect only the photos that an earlier result lacks, with its settings, and to put both in its
            place. A call that was stopped is continued by the same one.
        config: a TOML file of settings.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the run, see `unlearnable.ProtectSettings`.

    Returns:
        What was written and what was measured on it.

    Raises:
        ConfigError: a setting that does not exist or does not fit.
        InputError: no photo can be protected.
        ModelError: a surrogate is not available, or the result would hardly be protected.
        OutputError: a result exists already or cannot be written.
        CheckpointError: the stopped run had other settings or other photos, or the result to add to is damaged.
    """
    from unlearnable.protect.add import add as run_adding, settings_to_add
    from unlearnable.protect.records import refuse_both
    from unlearnable.protect.run import protect as run
    from unlearnable.settings import ProtectSettings, resolve_as

    given = {"photos": photos, **settings}
    if add:
        refuse_both(resume=resume, overwrite=overwrite, add=True)
        resolved = settings_to_add(given, _path(config))
        return run_adding(resolved, progress=_receiver(progress))
    resolved = resolve_as(ProtectSettings, given, _path(config))
    return run(resolved, resume=resume, overwrite=overwrite, progress=_receiver(progress))


def protect_images(
    images: Sequence[Kind],
    captions: Sequence[str],
    *,
    progress: Progress | None = None,
    **settings: Any,
) -> list[ProtectedPost[Kind]]:
    """Protect photos and captions that are in memory, as `unlearnable protect` does those of a folder.

    They are protected as one set: the photos of one person belong into one call. Copies are as large as the photos;
    save them without loss, or as JPEG of quality 85 or more. For several sets see `ImageProtector`.

    Args:
        images: PIL images of 8 bits, or uint8 arrays (h, w), (h, w, 3) or (h, w, 4).
        captions: one caption for each.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the protection, see `unlearnable.ProtectionSettings`.

    Returns:
        A pair (image, caption) for each post, in order. The image is of the kind that was given, upright, in sRGB,
        and holds no metadata; the caption holds the trigger.

    Raises:
        ConfigError: a setting that does not exist or does not fit.
        InputError: there are not as many captions as photos, or a photo is of no known kind or too small.
        ModelError: a surrogate is not available, or the result would hardly be protected.
    """
    return ImageProtector(progress=progress, **settings).protect(images, captions)


class ImageProtector:
    """Models and words, loaded once, that protect any number of sets of posts in memory.

    Args:
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the protection, see `unlearnable.ProtectionSettings`.

    Raises:
        ConfigError: a setting that does not exist or does not fit.
        ModelError: a surrogate is not available.
    """

    def __init__(self, *, progress: Progress | None = None, **settings: Any) -> None:
        from unlearnable.protect.read import load_all
        from unlearnable.settings import ProtectionSettings, resolve_as

        self._progress = _receiver(progress)
        self._loaded = load_all(resolve_as(ProtectionSettings, settings), self._progress)

    def protect(self, images: Sequence[Kind], captions: Sequence[str]) -> list[ProtectedPost[Kind]]:
        """Protect a set of posts; see `protect_images`."""
        from unlearnable.protect.run import protect_in_memory

        return protect_in_memory(self._loaded, images, captions, self._progress)


def train(
    data: str | Path | Sequence[str | Path],
    *,
    resume: bool = False,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> report.TrainReport | None:
    """Train or fine-tune a CLIP, as a surrogate or as a victim, as `unlearnable train` does.

    Args:
        data: one or several folders or caption files.
        resume: whether to continue a training that was stopped; the weights are the same to the bit on the same device.
        overwrite: whether to replace an earlier result.
        config: a TOML file of settings.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the run, see `unlearnable.TrainSettings`.

    Returns:
        Where the checkpoint is, and the curves of the training; None in all of several processes but the first.

    Raises:
        ConfigError: a setting that does not exist or does not fit.
        InputError: no photo is left to train on.
        ModelError: the model is not available, or its training diverged.
        OutputError: a result exists already or cannot be written.
        CheckpointError: the stopped training had other settings or other data.
    """
    from unlearnable.settings import TrainSettings, resolve_as
    from unlearnable.training.train import train as run

    resolved = resolve_as(TrainSettings, {"data": data, **settings}, _path(config))
    return run(resolved, resume=resume, overwrite=overwrite, progress=_receiver(progress))


def verify(
    originals: str | Path,
    protected: str | Path,
    *,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> report.VerifyReport:
    """Train victims on originals and on protected copies and compare what they learn, as `unlearnable verify` does.

    Args:
        originals: the folder or caption file that was protected.
        protected: the folder that `protect` published.
        overwrite: whether to train again what an earlier run has trained.
        config: a TOML file of settings.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the run, see `unlearnable.VerifySettings`.

    Returns:
        Verdict, findings and every cell.

    Raises:
        ConfigError: a setting, an attack or a rule that does not exist or does not fit.
        InputError: originals and copies do not belong together, or too few photos are left to train on or to rank.
        ModelError: a victim is not available, or its training diverged.
        OutputError: the report cannot be written.
    """
    from unlearnable.settings import VerifySettings, resolve_as
    from unlearnable.verify.run import verify as run

    given = {"originals": originals, "protected": protected, **settings}
    resolved = resolve_as(VerifySettings, given, _path(config))
    return run(resolved, overwrite=overwrite, progress=_receiver(progress))


def benchmark(
    dataset: str,
    *,
    resume: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> report.BenchmarkReport | None:
    """Run the cells of the paper's tables on a data set and lay out the tables, as `unlearnable benchmark` does.

    Args:
        dataset: pubfig, flickr8k, flickr30k or coco.
        resume: whether to continue inside a cell that was stopped; finished cells are never run again.
        config: a TOML file of settings.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the run, see `unlearnable.BenchmarkSettings`.

    Returns:
        Every cell, the tables, and where the figures are; None in all of several processes but the first.

    Raises:
        ConfigError: a setting, a method or an attack that does not exist or does not fit.
        InputError: the data set is not there, or is laid out in no known way.
        ModelError: a surrogate or victim is not available, or its training diverged.
        OutputError: the report cannot be written.
    """
    from unlearnable.benchmark.run import benchmark as run
    from unlearnable.settings import BenchmarkSettings, resolve_as

    resolved = resolve_as(BenchmarkSettings, {"dataset": dataset, **settings}, _path(config))
    return run(resolved, resume=resume, progress=_receiver(progress))


def explain(
    photo: str | Path | None = None,
    *,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> report.ExplainReport:
    """Draw what models look at in a post, as `unlearnable explain` does.

    Args:
        photo: the photo to explain; None to draw a map alone.
        overwrite: whether to replace the figures of an earlier run.
        config: a TOML file of settings.
        progress: receives phases, steps and notes; without it nothing is shown.
        **settings: settings of the run, see `unlearnable.ExplainSettings`.

    Returns:
        The numbers behind the figures, and where these are.

    Raises:
        ConfigError: a setting that does not fit, nothing to explain, or a library that is not installed.
        InputError: the photo cannot be read, or the data sets do not hold the same posts.
        ModelError: a model is not available, or its photo encoder is of no known kind.
        OutputError: the folder exists already or cannot be written.
    """
    from unlearnable.explain.run import explain as run
    from unlearnable.settings import ExplainSettings, resolve_as

    given = {"photo": photo, **settings}
    resolved = resolve_as(ExplainSettings, given, _path(config))
    return run(resolved, overwrite=overwrite, progress=_receiver(progress))


def preview(
    photo: str | Path, protected: str | Path, output: str | Path | None = None, *, overwrite: bool = False
) -> report.PreviewReport:
    """Write a photo, its protected copy and the noise ten times stronger as one PNG, as `unlearnable preview` does.

    Args:
        photo: the original.
        protected: its protected copy.
        output: the file to write; without it, `STEM-preview.png` in the current folder.
        overwrite: whether to replace an existing file.

    Returns:
        Where the PNG is, and how far the copy is from the original.

    Raises:
        ConfigError: the file to write does not end in `.png`.
        InputError: one of the two cannot be read, or the copy has no size that the photo is reduced to.
        OutputError: the file exists already or cannot be written.
    """
    from unlearnable.explain.run import preview as run

    return run(_place(photo), _place(protected), _path(output), overwrite=overwrite)


def _receiver(progress: Progress | None) -> Progress:
    from unlearnable.storage.progress import Progress, Silent

    if progress is None:
        return Silent()
    if isinstance(progress, type) or not isinstance(progress, Progress):
        raise ConfigError(f"progress: {progress!r} does not implement Progress", hint="see Progress")
    return progress


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else _place(given)


def _place(given: str | Path) -> Path:
    if given == "":
        raise ConfigError("an empty path")  # it would be the current folder
    try:
        return Path(given)
    except TypeError:
        raise ConfigError(f"{given!r} is not a path", hint="give a text or a Path") from None
