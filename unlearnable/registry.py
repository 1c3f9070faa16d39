"""Lazy registries: names for the parts one can choose between, each imported when it is looked up."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from pkgutil import resolve_name
from typing import NamedTuple, TypeVar, cast

from unlearnable.errors import ConfigError, UnknownName

T = TypeVar("T")


class Row(NamedTuple):
    """Where a member is, as "module:attribute", or the member itself; and one sentence about it."""

    target: object
    summary: str


class Registry(Mapping[str, T]):
    """A mapping from names to members; iterating over the names and asking for summaries import none of them.

    Args:
        kind: what the members are, in the singular, for messages ("method").
        rows: the members.
        base: "module:attribute" of a class or runtime-checkable protocol that every member is an instance of.
        classes: whether the members are classes, which then have the attributes of `base` themselves.
    """

    def __init__(self, kind: str, rows: Mapping[str, Row], base: str, *, classes: bool = False) -> None:
        self.kind = kind
        self._rows, self._base, self._classes = dict(rows), base, classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __getitem__(self, name: str) -> T:
        """Return the member of that name.

        Raises:
            UnknownName: there is none; the hint holds the nearest name.
        """
        target = self._row(name).target
        return cast("T", resolve_name(target) if isinstance(target, str) else target)

    def register(self, name: str, member: T, summary: str) -> None:
        """Add a member of one's own, for this process.

        Raises:
            ConfigError: the name is taken, or the member is not what the registry holds.
        """
        if name in self._rows:
            raise ConfigError(f"there is a {self.kind} {name!r} already", hint="choose another name")
        if isinstance(member, type) != self._classes or not isinstance(member, resolve_name(self._base)):
            wanted = f"{'a class with' if self._classes else 'an object with'} all that {self._base} asks for"
            raise ConfigError(f"the {self.kind} {name!r} is not {wanted}")
        self._rows[name] = Row(member, summary)

    def summary(self, name: str) -> str:
        """Return a sentence about the member of that name.

        Raises:
            UnknownName: there is none.
        """
        return self._row(name).summary

    def _row(self, name: str) -> Row:
        if name not in self._rows:
            raise UnknownName(f"no {self.kind} is called {name!r}", hint=did_you_mean(str(name), self))
        return self._rows[name]


def did_you_mean(name: str, known: Collection[str], listed_by: str = "") -> str:
    """Return the hint for a wrong name: the nearest right one, or what lists all of them, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    if listed_by:
        return f"{listed_by} lists all"
    return "there are: " + ", ".join(sorted(set(known)))
