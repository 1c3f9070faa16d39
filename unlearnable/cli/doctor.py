"""`unlearnable list KIND` and `unlearnable doctor`: what this installation has, and what a photo or a result tells."""

import platform
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any, Literal

import typer

from unlearnable.cli import options
from unlearnable.cli.console import console, print_json, print_rows
from unlearnable.errors import EXIT_MISSED, InputError
from unlearnable.settings import Device
from unlearnable.wording import counted

PACKAGES = (
    "unlearnable", "torch", "open_clip_torch", "timm", "transformers", "accelerate", "pillow", "pillow-heif",
    "pydantic", "captum", "scikit-learn", "matplotlib",
)  # fmt: skip
_REGISTRIES = {
    "methods": "unlearnable.methods:METHODS",
    "formats": "unlearnable.posts.readers:FORMATS",
    "attackers": "unlearnable.verify.attackers:ATTACKERS",
}


def list_kind(
    kind: Annotated[
        Literal["methods", "models", "formats", "attacks", "attackers", "datasets", "schemas"],
        typer.Argument(help="What to list.", show_default=False),
    ],
    as_json: options.Json = False,
) -> None:
    """List methods, models, caption formats, attacks, attackers, data sets, or the JSON schemas of the reports."""
    if kind == "schemas":
        from unlearnable.report import schemas

        print_json({"schema_version": 1, "schemas": schemas()})
        return
    rows = _rows(kind)
    if as_json:
        print_json({"schema_version": 1, kind: [{"name": name, "summary": summary} for name, summary in rows.items()]})
    else:
        print_rows(rows)


def _rows(kind: str) -> Mapping[str, str]:
    if kind == "models":
        return _models()
    if kind == "attacks":
        from unlearnable.verify.attacks import catalogue, describe

        return {name: describe(name) for name in catalogue()}
    if kind == "datasets":
        from unlearnable.benchmark import SUITES
        from unlearnable.benchmark.run import find_data

        places = {name: find_data(suite) for name, suite in SUITES.items()}
        where = {name: f"at {place}" if place else SUITES[name].published for name, place in places.items()}
        return {name: f"{SUITES.summary(name)} {where[name]}" for name in SUITES}
    registry = resolve_name(_REGISTRIES[kind])
    return {name: registry.summary(name) for name in registry}


def _models() -> dict[str, str]:
    """Return the bundled models, small ones to be trained, and open_clip's with their weights."""
    import open_clip

    from unlearnable.models.bundled import ARCHITECTURES, NAMES, cached
    from unlearnable.models.openclip import is_like_clip

    rows = dict.fromkeys(NAMES, "bundled, works offline")
    for name in ARCHITECTURES:
        rows.setdefault(name, f"trained: {cached(name)}" if cached(name).is_file() else "`unlearnable train` makes it")
    for name in open_clip.list_models():
        tags = open_clip.list_pretrained_tags_by_model(name)
        if tags and is_like_clip(open_clip.get_model_config(name)):
            rows[name] = ", ".join(f"{name}:{tag}" for tag in tags)
    return rows


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(help="Photo, to see what its metadata tells.", show_default=False, parser=options.place),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Protected folder to check against the records of its run.", parser=options.place
        ),
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
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
        _check_folder(check, as_json=as_json)
    elif file is not None:
        _examine_photo(file, as_json=as_json)
    else:
        found = examine(device or "auto")
        if as_json:
            print_json({"schema_version": 1, **found})
        else:
            versions = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
            print_rows({name.replace("_", " "): str(value) for name, value in {**found, "packages": versions}.items()})


def _examine_photo(file: Path, *, as_json: bool) -> None:
    from unlearnable.imaging import metadata
    from unlearnable.imaging.opening import DecodeError
    from unlearnable.posts.tree import refusal
    from unlearnable.report import FoundMetadata, PhotoMetadata

    if refused := refusal(file):
        raise refused
    try:
        opt_out, told = metadata.examine(file)
    except DecodeError as error:
        raise InputError(f"{file}: {error.reason} ({error.detail})", hint="give a photo") from error
    if as_json:
        found = [FoundMetadata(**one._asdict()) for one in told]
        print_json(PhotoMetadata(file=str(file), opt_out=opt_out, found=found))
        return
    out = console()
    out.print(f"opt-out: {opt_out or 'none'}")
    for one in told:
        out.print(f"{one.kind}: {one.name} = {one.value} ({one.block})", soft_wrap=True)
    if not told:
        out.print("nothing else: no place, name, description, device number, thumbnail, time or camera", soft_wrap=True)


def _check_folder(folder: Path, *, as_json: bool) -> None:
    from unlearnable.protect.records import check

    found = check(folder)
    if as_json:
        print_json(found)
    else:
        out = console()
        for problem in found.problems:
            out.print(f"{problem.kind}: {problem.where}: {problem.detail}", soft_wrap=True)
        verdict = counted(len(found.problems), "problem") if found.problems else "nothing is wrong"
        compared = f", {found.compared} compared with their originals" if found.compared else ""
        text = f"{verdict}: {counted(found.files, 'file')}, {counted(found.photos, 'photo')}{compared}"
        out.print(text, soft_wrap=True)
    if found.problems:
        raise typer.Exit(EXIT_MISSED)


def examine(device: Device) -> dict[str, Any]:
    """Return the facts on this installation; a device that this machine lacks is a ConfigError."""
    import torch
    from huggingface_hub.constants import HF_HUB_CACHE

    from unlearnable.models import bundled, tokens
    from unlearnable.models.device import choose_device
    from unlearnable.report import version_of
    from unlearnable.storage import files
    from unlearnable.storage.folders import cache_folder, state_folder

    weights = bundled.path(bundled.SMALL)
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: version_of(name) for name in PACKAGES},
        "device": choose_device(device),
        "threads": torch.get_num_threads(),
        "bundled_model": str(weights),
        "bundled_sha256": files.sha256(weights) if weights.is_file() else "missing",
        "bundled_intact": all(map(bundled.intact, bundled.NAMES)),
        "language_model_intact": tokens.mlm_intact(),
        "weights_cache": HF_HUB_CACHE,
        "victims_cache": str(cache_folder()),
        "state_folder": str(state_folder()),
    }
