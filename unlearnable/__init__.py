"""Make photos and captions unlearnable for CLIP-like models.

from unlearnable import protect
report = protect("photos", captions="posts.jsonl")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlearnable.errors import UnlearnableError

if TYPE_CHECKING:
    from unlearnable.progress import Progress
    from unlearnable.results import ProtectReport

__all__ = ["UnlearnableError", "protect"]


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
    from unlearnable.workflows.protect import protect as run

    resolved = resolve({"photos": Path(photos), **settings}, Path(config) if config else None)
    return run(resolved, resume=resume, overwrite=overwrite, progress=progress)
