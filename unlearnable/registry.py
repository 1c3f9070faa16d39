"""Lazy plugin registry: names for the parts one can choose between, each imported when it is looked up.

Installed packages add rows through the entry point group `unlearnable.<kind>`, with `_` for a blank.
"""

from __future__ import annotations

import difflib
import hashlib
import traceback
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from unlearnable.errors import ConfigError, UnknownName

GROUP = "unlearnable."  # beginning of the names of all groups
T = TypeVar("T")


class Row(NamedTuple):
    """Where a member is, and what lists say of it.

    Attributes:
        target: "module:attribute".
        summary: one sentence.
        package: name and version of the installed package that adds the row; None for a row of this package.
    """

    target: str
    summary: str
    package: str | None = None


class Registry(Mapping[str, T]):
    """A mapping from names to members; iterating over the names and asking for summaries import none of them.

    Rows that installed packages add come first, and never replace one of this package.

    Args:
        kind: what the members are, in the singular, for messages ("method").
        rows: the members of this package.
        base: "module:attribute" of a class or runtime-checkable protocol that every member is an instance of.
        classes: whether the members are classes, which then have the attributes of `base` themselves.
    """

    def __init__(self, kind: str, rows: Mapping[str, Row], base: str, *, classes: bool = False) -> None:
        self.kind = kind
        self._own, self._base, self._classes = rows, base, classes

    @cached_property
    def _rows(self) -> Mapping[str, Row]:
        return {**{point.name: _row_of(point) for point in _points(self.kind)}, **self._own}

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the members of this package."""
        return tuple(self._own)

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
            ConfigError: an installed package's member cannot be loaded, or a member is not what `kind` says.
        """
        row = self._row(name)
        try:
            member = _load(row.target)
            fits = isinstance(member, type) == self._classes and isinstance(member, _load(self._base))
        except (Exception, SystemExit) as error:
            if row.package is None:
                raise
            reason = f"cannot be loaded: {type(error).__name__}: {error}"
            raise ConfigError(f"{self._described(name, row)} {reason}", hint=_hint(row)) from error
        if not fits:
            wanted = f"{'a class with' if self._classes else 'an object with'} all that {self._base} asks for"
            raise ConfigError(f"{self._described(name, row)} is not {wanted}", hint=_hint(row))
        return cast("T", member)

    def summary(self, name: str) -> str:
        """Return a sentence about the member of that name.

        Raises:
            UnknownName: there is none.
        """
        return self._row(name).summary

    def versioned(self, name: str) -> str:
        """Return the name, with package, version and code where an installed package adds it: what results depend on.

        Raises:
            UnknownName: there is none.
        """
        row = self._row(name)
        return f"{name} of {row.package} ({_code_of(_root(row.target))})" if row.package else name

    def loadable(self) -> Iterator[tuple[str, T]]:
        """Yield names and members; warn of those of installed packages that cannot be used, and leave them out."""
        for name in self:
            try:
                member = self[name]
            except ConfigError as error:
                if self._rows[name].package is None:
                    raise
                _warn(error.line)
            else:
                yield name, member

    def tried(self, name: str, use: Callable[[], bool]) -> bool:
        """Return what `use` of the member of that name returns; warn of an installed package's that fails."""
        try:
            return use()
        except (Exception, SystemExit) as error:
            row = self._row(name)
            if row.package is None:
                raise
            _warn(f"{self._described(name, row)} failed: {type(error).__name__}: {error} ({_hint(row)})")
            return False

    def _row(self, name: str) -> Row:
        if name not in self._rows:
            raise UnknownName(f"no {self.kind} is called {name!r}", hint=did_you_mean(str(name), self))
        return self._rows[name]

    def _described(self, name: str, row: Row) -> str:
        return f"the {self.kind} {name!r} ({row.target}{f' of {row.package}' if row.package else ''})"


def added(kind: str) -> tuple[str, ...]:
    """Return the names of the members of a kind, such as "method", that installed packages add."""
    return tuple(point.name for point in _points(kind))


def did_you_mean(name: str, known: Collection[str], listed_by: str = "") -> str:
    """Return the hint for a wrong name: the nearest right one, or what lists all of them, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    if listed_by:
        return f"{listed_by} lists all"
    return "there are: " + ", ".join(sorted(set(known)))


def fitting(made: object, kind: type[T], what: str) -> T:
    """Return what a member made, which may be one of an installed package.

    Args:
        made: what it made.
        kind: what that has to be.
        what: the words for it, such as "a batch of the attacker my_package.mine.Mine".

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(made, kind):
        raise ConfigError(f"{what} is a {type(made).__name__}", hint=f"it has to be a {kind.__name__}")
    return made


def raised_in(error: BaseException) -> tuple[str, str] | None:
    """Return the installed package that adds rows and whose code an error came through last, and the module there."""
    points = [one for package in distributions() for one in _of_package(package) if one.group.startswith(GROUP)]
    packages = {_root(point.module): _package_of(point) for point in points}
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    theirs = [(packages[root], one) for one in modules if (root := _root(one)) in packages]
    return theirs[-1] if theirs else None


def _row_of(point: EntryPoint) -> Row:
    return Row(point.value, f"Added by {_package_of(point)}.", _package_of(point))


def _package_of(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _root(target: str) -> str:
    """Return the outermost package or module of "module:attribute", or of a module."""
    return target.partition(":")[0].partition(".")[0]


@cache
def _code_of(root: str) -> str:
    """Return eight hex digits of a package's modules, which change under one version while somebody works on them."""
    spec, digest = find_spec(root), hashlib.sha256()
    places = spec.submodule_search_locations or [spec.origin or root] if spec else ()
    for place in map(Path, places):
        for file in sorted(place.rglob("*.py")) or [place]:
            digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:8]


def _points(kind: str) -> Iterable[EntryPoint]:
    """Return the entry points of a kind; warn of an installed package whose list of them cannot be read."""
    group = f"{GROUP}{kind.replace(' ', '_')}"
    try:
        return entry_points(group=group)
    except Exception:  # one list that is broken breaks all
        return [point for package in distributions() for point in _of_package(package) if point.group == group]


def _of_package(package: Distribution) -> Iterable[EntryPoint]:
    try:
        return package.entry_points
    except Exception as error:
        _warn(f"the entry points of {package.name} cannot be read: {type(error).__name__} (update or remove it)")
        return ()


def _warn(message: str) -> None:
    warnings.warn(message, RuntimeWarning, stacklevel=3)


def _load(target: str) -> Any:
    return EntryPoint(name="", value=target, group="").load()


def _hint(row: Row) -> str | None:
    return f"update or remove {row.package}" if row.package else None
