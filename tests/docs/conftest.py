"""The generator of the reference pages, imported as a script of `tools/` imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a module that lies in `tools/`."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    yield import_module
    for name in [name for name in sys.modules if name.partition(".")[0] in ("reference", "reference_pages")]:
        del sys.modules[name]
