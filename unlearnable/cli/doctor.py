"""`unlearnable doctor`: versions, devices, folders, what a run here will use; of a photo, what its metadata tells."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated, Any

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json, print_rows
from unlearnable.errors import EXIT_MISSED
from unlearnable.settings import Device
from unlearnable.wording import counted

PACKAGES = (
    "unlearnable",
    "torch",
    "open_clip_torch",
    "timm",
    "transformers",
    "accelerate",
    "pillow",
    "pillow-heif",
    "pydantic",
    "captum",
    "scikit-learn",
    "matplotlib",
)


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Photo, of which to say what its metadata tells.", show_default=False, parser=options.place
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            help="Protected folder to check against the records of its run.", show_default=False, parser=options.place
        ),
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Print what this installation has and what a run on this machine will use.

    With FILE, print the opt-out from AI training that the photo carries, and what its metadata tells of a person:
    places, names, descriptions, device numbers, thumbnails, and when and with what it was taken.

    With --check, say whether a protected folder is as the run wrote it: every file there and unchanged, noise in every
    photo, the words in every caption, nothing extra and nothing private. Exit code 10 if it is not.
    """
    if check is not None and file is not None:
        raise typer.BadParameter("FILE and --check exclude each other")
    if check is not None:
        _of_folder(check, as_json=as_json)
        return
    if file is not None:
        _of_photo(file, as_json=as_json)
        return
    found = examine(device or "auto")
    if as_json:
        print_json({"schema_version": 1, **found})
        return
    rows = []
    for name, value in found.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        rows.append((name.replace("_", " "), text))
    print_rows(rows)


def _of_photo(file: Path, *, as_json: bool) -> None:
    from unlearnable.errors import InputError
    from unlearnable.imaging import metadata
    from unlearnable.imaging.opening import DecodeError
    from unlearnable.posts.others import refusal
    from unlearnable.report import FoundMetadata, PhotoMetadata

    if refused := refusal(file):
        raise refused
    try:
        told = metadata.examine(file)
    except DecodeError as error:
        raise InputError(f"{file}: {error.reason} ({error.detail})", hint="give a photo") from error
    if as_json:
        found = [FoundMetadata(**one._asdict()) for one in told.found]
        print_json(PhotoMetadata(file=str(file), opt_out=told.opt_out, found=found))
        return
    lines = [f"opt-out: {told.opt_out or 'none'}"]
    lines += [f"{one.kind}: {one.name} = {one.value} ({one.block})" for one in told.found]
    if not told.found:
        lines.append("nothing else: no place, name, description, device number, thumbnail, time or camera")
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def _of_folder(folder: Path, *, as_json: bool) -> None:
    from unlearnable.protect.check import check

    found = check(folder)
    if as_json:
        print_json(found)
    else:
        out = console()
        for problem in found.problems:
            out.print(f"{problem.kind}: {problem.where}: {problem.detail}", soft_wrap=True)
        said = counted(len(found.problems), "problem") if found.problems else "nothing is wrong"
        compared = f", {found.compared} compared with their originals" if found.compared else ""
        text = f"{said}: {counted(found.files, 'file')}, {counted(found.photos, 'photo')}{compared}"
        out.print(text, soft_wrap=True)
    if found.problems:
        raise typer.Exit(EXIT_MISSED)


def examine(device: Device) -> dict[str, Any]:
    """Return the facts that `doctor` prints.

    Raises:
        ConfigError: there is no such device.
    """
    import torch
    from huggingface_hub.constants import HF_HUB_CACHE

    from unlearnable.models import bundled, tokens
    from unlearnable.models.device import choose_device
    from unlearnable.report.common import version_of
    from unlearnable.storage import checksums
    from unlearnable.storage.folders import cache_folder, state_folder

    weights = bundled.path(bundled.SMALL)
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: version_of(name) for name in PACKAGES},
        "device": choose_device(device),
        "threads": torch.get_num_threads(),
        "bundled_model": str(weights),
        "bundled_sha256": checksums.sha256(weights) if weights.is_file() else "missing",
        "bundled_intact": all(map(bundled.intact, bundled.NAMES)),
        "language_model_intact": tokens.mlm_intact(),
        "weights_cache": HF_HUB_CACHE,
        "victims_cache": str(cache_folder()),
        "state_folder": str(state_folder()),
    }
