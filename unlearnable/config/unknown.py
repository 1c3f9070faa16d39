"""Environment variables that look as if they set something."""

from __future__ import annotations

import os
from difflib import get_close_matches

from unlearnable.config.benchmark import BenchmarkSettings
from unlearnable.config.explain import ExplainSettings
from unlearnable.config.protect import ProtectSettings
from unlearnable.config.resolve import ENVIRONMENT, variable
from unlearnable.config.train import TrainSettings
from unlearnable.config.verify import VerifySettings
from unlearnable.disk.folders import CACHE, STATE

_KINDS = (ProtectSettings, VerifySettings, TrainSettings, BenchmarkSettings, ExplainSettings)
_LISTED = "docs/reference/cli.md"


def unknown_variables() -> dict[str, str]:
    """Return the variables with the program's prefix that nothing reads, each with a hint at what may be meant."""
    known = {CACHE, STATE, variable("data")}
    for kind in _KINDS:
        for name in kind.model_fields.keys() - kind.without_variable:
            known.add(variable(name))
    strange = sorted(name for name in os.environ if name.startswith(ENVIRONMENT) and name not in known)
    return {name: _hint(name, known) for name in strange}


def _hint(name: str, known: set[str]) -> str:
    rest = {one.removeprefix(ENVIRONMENT): one for one in known}  # what all have in common is alike in any two
    near = get_close_matches(name.removeprefix(ENVIRONMENT), rest, n=1)
    return f"did you mean {rest[near[0]]}?" if near else f"{_LISTED} lists all"
