"""Make photos and captions unlearnable for CLIP-like models.

from unlearnable import protect, verify
protect("photos", captions="posts.jsonl")
print(verify("photos", "photos-protected", captions="posts.jsonl").verdict)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import UnlearnableError

if TYPE_CHECKING:
    from unlearnable.progress import Progress
    from unlearnable.results import BenchmarkReport, ExplainReport, PreviewReport, ProtectReport, VerifyReport

__all__ = ["UnlearnableError", "benchmark", "explain", "preview", "protect", "verify"]


def protect(
    photos: str | Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> ProtectReport:
    """Protect a folder of photos, as `unlearnable protect` does.

    Args:
        photos: a folder, or a caption file that names the photos.
        resume: go on with a run that was stopped.
        overwrite: replace an earlier result.
        config: a TOML file of settings.
        progress: told what happens.
        **settings: any field of `unlearnable.config.ProtectSettings`, such as captions or output.

    Returns:
        What was written and what was measured on it.

    Raises:
        UnlearnableError: one of its kinds, each with `message`, `hint` and `exit_code`.
    """
    # imported here, so that importing the package does not bring torch along
    from unlearnable.config import resolve
    from unlearnable.workflows.protect.run import protect as run

    resolved = resolve({"photos": Path(photos), **settings}, Path(config) if config else None)
    return run(resolved, resume=resume, overwrite=overwrite, progress=progress)


def verify(
    originals: str | Path,
    protected: str | Path,
    *,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> VerifyReport:
    """Train victims on originals and on protected copies and compare what they learnt, as `unlearnable verify` does.

    Args:
        originals: the folder that was protected, or its caption file.
        protected: the folder that `protect` wrote.
        overwrite: run again what was run before.
        config: a TOML file of settings.
        progress: told what happens.
        **settings: any field of `unlearnable.config.VerifySettings`, such as captions, victims or seeds.

    Returns:
        Verdict, findings and every cell.

    Raises:
        UnlearnableError: one of its kinds, each with `message`, `hint` and `exit_code`.
    """
    from unlearnable.config import VerifySettings, resolve_as
    from unlearnable.workflows.verify.run import verify as run

    given = {"originals": Path(originals), "protected": Path(protected), **settings}
    resolved = resolve_as(VerifySettings, given, Path(config) if config else None)
    return run(resolved, overwrite=overwrite, progress=progress)


def explain(
    photo: str | Path | None = None,
    *,
    overwrite: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> ExplainReport:
    """Draw what models look at in a post, as `unlearnable explain` does; needs `pip install 'unlearnable[explain]'`.

    Args:
        photo: the photo to be explained; none where only a map is wanted.
        overwrite: replace the figures of an earlier run.
        config: a TOML file of settings.
        progress: told what happens.
        **settings: any field of `unlearnable.config.ExplainSettings`, such as model, caption or map.

    Returns:
        The numbers behind the figures, and where these are.

    Raises:
        UnlearnableError: one of its kinds, each with `message`, `hint` and `exit_code`.
    """
    from unlearnable.config import ExplainSettings, resolve_as
    from unlearnable.workflows.explain.run import explain as run

    given = {"photo": Path(photo) if photo else None, **settings}
    resolved = resolve_as(ExplainSettings, given, Path(config) if config else None)
    return run(resolved, overwrite=overwrite, progress=progress)


def preview(
    photo: str | Path, protected: str | Path, output: str | Path | None = None, *, overwrite: bool = False
) -> PreviewReport:
    """Write a photo, its protected copy and the noise ten times stronger as one PNG, as `unlearnable preview` does.

    Args:
        photo: the original.
        protected: its copy.
        output: the file to write; `STEM-preview.png` in the current folder where it is not given.
        overwrite: replace what is there.

    Raises:
        UnlearnableError: one of its kinds, each with `message`, `hint` and `exit_code`.
    """
    from unlearnable.workflows.preview import preview as run

    return run(Path(photo), Path(protected), Path(output) if output else None, overwrite=overwrite)


def benchmark(
    dataset: str,
    *,
    resume: bool = False,
    config: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> BenchmarkReport | None:
    """Run the cells of the paper's tables on a data set and lay out the tables, as `unlearnable benchmark` does.

    Args:
        dataset: pubfig, flickr8k, flickr30k or coco.
        resume: go on inside a cell that was stopped.
        config: a TOML file of settings.
        progress: told what happens.
        **settings: any field of `unlearnable.config.BenchmarkSettings`, such as data, scale or methods.

    Returns:
        Every cell, the tables and where the figures are; None in all of several processes but the first.

    Raises:
        UnlearnableError: one of its kinds, each with `message`, `hint` and `exit_code`.
    """
    from unlearnable.benchmarks.study import benchmark as run
    from unlearnable.config import BenchmarkSettings, resolve_as

    resolved = resolve_as(BenchmarkSettings, {"dataset": dataset, **settings}, Path(config) if config else None)
    return run(resolved, resume=resume, progress=progress)
