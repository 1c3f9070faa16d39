"""Names for the parts one can choose between, resolved only when they are used.

A row is a string "module:attribute", so listing names imports nothing. Installed
packages add rows through the entry point group `unlearnable.<kind>`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from unlearnable.errors import ConfigError


class Registry(Mapping[str, Any]):
    """A mapping from a name to the object its row points at.

    Args:
        kind: what the members are, in the singular, for messages ("method").
        rows: name -> "module:attribute".
    """

    def __init__(self, kind: str, rows: Mapping[str, str]) -> None:
        self.kind = kind
        found = {point.name: point.value for point in entry_points(group=f"unlearnable.{kind}")}
        self._rows = {**found, **rows}

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __getitem__(self, name: str) -> Any:
        """The member of that name.

        Raises:
            ConfigError: there is none; the hint holds the nearest name.
        """
        if name not in self._rows:
            raise ConfigError(f"no {self.kind} is called {name!r}", hint=did_you_mean(name, self._rows))
        module, _, attribute = self._rows[name].partition(":")
        return getattr(import_module(module), attribute)

    def describe(self, name: str) -> str:
        """The sentence that opens the member's module."""
        module = import_module(self._rows[name].partition(":")[0])
        return (module.__doc__ or "").strip().split("\n")[0]


def did_you_mean(name: str, known: Mapping[str, object] | list[str]) -> str:
    """The hint for a wrong name: the nearest right ones, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return "there are: " + ", ".join(sorted(known))
