"""`unlearnable doctor`: versions, devices, folders, the bundled model, and what a run here will use."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.table import Table

from unlearnable.cli import options
from unlearnable.cli.console import print_json

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


def doctor(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """Print what this installation has and what a run on this machine will use."""
    found = examine()
    if as_json:
        print_json({"schema_version": 1, **found})
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in found.items():
        text = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name.replace("_", " "), text)
    Console().print(table)


def examine() -> dict[str, Any]:
    """The facts that `doctor` prints."""
    import torch

    from unlearnable import files
    from unlearnable.folders import cache_folder, state_folder
    from unlearnable.models import bundled, masked_language
    from unlearnable.models.device import choose_device

    weights = bundled.path(bundled.SMALL)
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": choose_device("auto"),
        "threads": torch.get_num_threads(),
        "bundled_model": str(weights),
        "bundled_sha256": files.sha256(weights) if weights.is_file() else "missing",
        "bundled_intact": all(map(bundled.intact, bundled.NAMES)),
        "language_model_intact": masked_language.bundled_intact(),
        "weights_cache": str(_hub_cache()),
        "victims_cache": str(cache_folder()),
        "state_folder": str(state_folder()),
    }


def _hub_cache() -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return str(HF_HUB_CACHE)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
