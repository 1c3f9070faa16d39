"""`protect` in several processes that `accelerate launch` started: the first reads and writes, all of them compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unlearnable.config import ProtectSettings
from unlearnable.disk.scratch import scratch_folder
from unlearnable.errors import UnlearnableError
from unlearnable.models.device import choose_device
from unlearnable.models.fetching import fetch
from unlearnable.progress.reporting import Progress, Silent
from unlearnable.protection.optimise import optimise
from unlearnable.results import ProtectReport
from unlearnable.training.distributed import World, follow, join
from unlearnable.workflows.protect.opening.chosen import places_of
from unlearnable.workflows.protect.opening.posts import open_posts
from unlearnable.workflows.protect.preparing.setup import Run, all_models, load_surrogates, make_ready
from unlearnable.workflows.protect.run import protect


def protect_together(
    settings: ProtectSettings, *, resume: bool = False, overwrite: bool = False, progress: Progress | None = None
) -> ProtectReport | None:
    """Protect the posts that the settings name in all processes that were started together; arguments as of `protect`.

    Returns:
        The report; None in every process but the first, which alone writes.
    """
    world = join(choose_device(settings.device))
    if world.rank:
        with scratch_folder() as scratch:
            _take_part(settings, world, scratch)
        return None
    return protect(settings, resume=resume, overwrite=overwrite, progress=progress, world=world)


def _take_part(settings: ProtectSettings, world: World, scratch: Path) -> None:
    """Take part in the run of the first process, and write nothing but working copies to `scratch`."""
    try:
        run = _ready(settings, world, scratch)
    except UnlearnableError as error:  # the first process most likely stops with the same error, and says so
        follow(world, "", error.message)
        return
    if not follow(world, run.work):
        return
    optimise(run.task, Silent())


def _ready(settings: ProtectSettings, world: World, scratch: Path) -> Run:
    source, layout = places_of(settings)
    dataset = open_posts(source, settings, Silent(), scratch)
    fetch(all_models(settings), Silent())
    surrogates = load_surrogates(settings, Silent())
    run = make_ready(settings, layout, dataset, surrogates, scratch, Silent())
    return replace(run, problem=replace(run.problem, world=world, noise_path=scratch / "noise.i8"))
