"""Presets of the tests: a few short rounds of the paper's method, in single precision.

`python -m tests.presets` is the program with these presets, for tests that need a process of its own.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from unlearnable.settings import PRESETS, Hyperparameters

ROOT = Path(__file__).parents[1]
QUICK = Hyperparameters(
    max_rounds=2, noise_steps=3, surrogate_steps=6, learning_rate=1e-3, batch_size=8, precision="fp32"
)


def preset(**changes: Any) -> str:
    """Return the name of a preset that is as `QUICK` but for some changes."""
    name = " ".join(["quick", *(f"{key}={value}" for key, value in sorted(changes.items()))])
    PRESETS[name] = replace(QUICK, **changes)
    return name


def presets_file(file: Path, surrogate: Path | None = None, **changes: Any) -> Path:
    """Write a file of settings that names such a preset."""
    model = f"surrogate = {str(surrogate)!r}\n" if surrogate else ""
    file.write_text(f'preset = "{preset(**changes)}"\n{model}')
    return file


def environment() -> dict[str, str]:
    """Return the environment of a process of `python -m tests.presets` that knows all presets which this one knows."""
    known = {name: asdict(found) for name, found in PRESETS.items() if name.startswith("quick")}
    return {**os.environ, "PYTHONPATH": str(ROOT), "TEST_PRESETS": json.dumps(known)}


preset()

if __name__ == "__main__":
    from unlearnable.cli.app import main

    for name, fields in json.loads(os.environ.pop("TEST_PRESETS", "{}")).items():
        PRESETS[name] = Hyperparameters(**{**fields, "proxies": tuple(fields["proxies"])})
    main()
