"""Measure the shape of the code and of the README against their limits, in one table.

    python tools/house.py            # print the table
    python tools/house.py --check    # also list each violation, one per line, and exit with 1 if there are any

Imports are read from the source, so that those inside functions and those for type checkers count too. `from package
import name` is an import of the module `package.name` if it exists, or else of the package's `__init__`, whose
re-exports are imports like any others. Modules that Python runs in addition (the `__init__` files above an imported
module) and names resolved at run time (rows of a registry) are not counted.

A function's lines run from `def` to its end. In `unlearnable/cli` they run from the first statement after the
docstring, because there the signature is the table of the command's options.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import sys
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "unlearnable"
ROOMS = 8  # modules and folders at the top level of workflows/
FUNCTION_LINES = 60
FILE_LINES = 400
README_WORDS = 500

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Module:
    """A source file of the package.

    Attributes:
        name: dotted name; that of the folder for an `__init__.py`.
        path: path relative to the root of the project, with forward slashes.
        text: source text.
        tree: syntax tree of the source.
    """

    name: str
    path: str
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """One module of the package that another one imports.

    Attributes:
        importer: name of the importing module.
        imported: name of the imported module.
        line: path and line number of the statement.
    """

    importer: str
    imported: str
    line: str


@dataclass(frozen=True)
class Measure:
    """One row of the table.

    Attributes:
        name: what is counted.
        value: count.
        limit: largest count that is allowed.
        faults: one line per violation.
    """

    name: str
    value: int
    limit: int
    faults: tuple[str, ...]


def read(root: Path) -> list[Module]:
    """Return the modules of the package below `root`, in the order of their paths."""
    modules = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        modules.append(Module(name, path.relative_to(root).as_posix(), text, ast.parse(text)))
    return modules


def imports(modules: list[Module]) -> Iterator[Import]:
    """Yield every import of one module of the package by another, anywhere in the file.

    A statement that takes several names from one module is one import.
    """
    names = {module.name for module in modules}
    for module in modules:
        for node in ast.walk(module.tree):
            for target in dict.fromkeys(_targets(node, module, names)):
                yield Import(module.name, target, f"{module.path}:{getattr(node, 'lineno', 1)}")


def _targets(node: ast.AST, module: Module, modules: set[str]) -> list[str]:
    """Return the modules that one statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name in modules]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = node.module or ""
    if node.level:
        above = module.name.split(".")
        above = above[: len(above) - node.level + module.path.endswith("__init__.py")]
        base = ".".join([*above, base] if base else above)
    names = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in modules else base for name in names if name in modules or base in modules]


def circles(graph: Graph) -> list[list[str]]:
    """Return a shortest circle of each strongly connected component that has one, as the modules along it.

    The component of a module consists of all modules that it reaches and that reach it.
    """
    backwards = defaultdict(set)
    for importer, imported in graph.items():
        for name in imported:
            backwards[name].add(importer)
    shortest, seen = [], set()
    for start in sorted(graph):
        if start in seen:
            continue
        component = set(_paths(graph, start)) & set(_paths(backwards, start))
        seen |= component | {start}
        if component:
            shortest.append(_paths(graph, start)[start])
    return shortest


def _paths(graph: Graph, start: str) -> dict[str, list[str]]:
    """Return a shortest path from `start` to each module that it reaches, including itself if it is on a circle."""
    paths: dict[str, list[str]] = {}
    waiting = deque([[start]])
    while waiting:
        path = waiting.popleft()
        for name in sorted(graph.get(path[-1], ())):
            if name not in paths:
                paths[name] = [*path, name]
                waiting.append(paths[name])
    return paths


def rooms(root: Path) -> Measure:
    """Count the modules and folders at the top level of workflows/."""
    folder = root / PACKAGE / "workflows"
    inside = folder.iterdir() if folder.is_dir() else ()
    names = [path.name for path in inside if path.suffix == ".py" or any(path.rglob("*.py"))]
    count = len([name for name in names if name != "__init__.py"])
    fault = f"{PACKAGE}/workflows: {count} modules at its top level, at most {ROOMS} are allowed"
    return Measure("modules at the top level of workflows", count, ROOMS, (fault,) if count > ROOMS else ())


def crossings(all_imports: list[Import]) -> Measure:
    """Count the imports of workflows by benchmarks."""
    faults = tuple(
        f"{item.line}: {item.importer} imports {item.imported}"
        for item in all_imports
        if _inside(item.importer, "benchmarks") and _inside(item.imported, "workflows")
    )
    return Measure("imports of workflows by benchmarks", len(faults), 0, faults)


def _inside(name: str, part: str) -> bool:
    return f"{name}.".startswith(f"{PACKAGE}.{part}.")


def import_circles(modules: list[Module], all_imports: list[Import]) -> Measure:
    """Count the groups of modules that import each other in a circle."""
    graph: dict[str, set[str]] = {module.name: set() for module in modules}
    for item in all_imports:
        graph[item.importer].add(item.imported)
    faults = tuple(f"import circle: {' -> '.join(circle)}" for circle in circles(graph))
    return Measure("import circles", len(faults), 0, faults)


def repeated_classes(modules: list[Module]) -> Measure:
    """Count the class names that the package defines more than once."""
    definitions = defaultdict(list)
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                definitions[node.name].append(f"{module.path}:{node.lineno}")
    repeated = {name: lines for name, lines in sorted(definitions.items()) if len(lines) > 1}
    faults = tuple(
        f"{lines[0]}: class {name} is also defined at {', '.join(lines[1:])}" for name, lines in repeated.items()
    )
    return Measure("class names defined more than once", len(faults), 0, faults)


def long_functions(modules: list[Module]) -> Measure:
    """Count the functions over `FUNCTION_LINES` lines."""
    faults = tuple(
        f"{module.path}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES} are allowed"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := _lines(node, body_alone=_inside(module.name, "cli"))) > FUNCTION_LINES
    )
    return Measure(f"functions over {FUNCTION_LINES} lines", len(faults), 0, faults)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef, *, body_alone: bool) -> int:
    """Count a function's lines as described at the head of this file."""
    end = node.end_lineno or node.lineno
    if not body_alone:
        return end - node.lineno + 1
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return end - body[0].lineno + 1 if body else 0


def long_files(modules: list[Module]) -> Measure:
    """Count the files over `FILE_LINES` lines."""
    faults = tuple(
        f"{module.path}: {lines} lines, at most {FILE_LINES} are allowed"
        for module in modules
        if (lines := len(module.text.splitlines())) > FILE_LINES
    )
    return Measure(f"files over {FILE_LINES} lines", len(faults), 0, faults)


def readme_words(root: Path) -> Measure:
    """Count the words of README.md, separated by white space, including code and links."""
    path = root / "README.md"
    count = len(path.read_text(encoding="utf-8").split()) if path.is_file() else 0
    fault = f"README.md: {count} words, at most {README_WORDS} are allowed"
    return Measure("words in README.md", count, README_WORDS, (fault,) if count > README_WORDS else ())


def coverage_percent(root: Path) -> float | None:
    """Return the coverage from coverage.json or .coverage below `root`; None if there is neither.

    Also None if .coverage is damaged or refers to missing files. The percentage is only printed: the test run
    itself fails below `fail_under` of pyproject.toml.
    """
    if (root / "coverage.json").is_file():
        totals = json.loads((root / "coverage.json").read_text(encoding="utf-8"))["totals"]
        return float(totals["percent_covered"])
    if not (root / ".coverage").is_file():
        return None
    try:
        import coverage
    except ModuleNotFoundError:
        return None
    try:
        data = coverage.Coverage(data_file=root / ".coverage", config_file=str(root / "pyproject.toml"))
        with closing(data.get_data()):
            data.load()
            return data.report(file=io.StringIO())
    except coverage.CoverageException:
        return None


def measure(root: Path) -> list[Measure]:
    """Return every measure of the project at `root` that has a limit."""
    modules = read(root)
    all_imports = list(imports(modules))
    return [
        rooms(root),
        crossings(all_imports),
        import_circles(modules, all_imports),
        repeated_classes(modules),
        long_functions(modules),
        long_files(modules),
        readme_words(root),
    ]


def table(measures: list[Measure], coverage: float | None) -> str:
    """Return a table with one row per measure and the coverage below them."""
    rows = [(one.name, str(one.value), str(one.limit), "too many" if one.faults else "") for one in measures]
    covered = "not measured" if coverage is None else f"{coverage:.1f} %"
    rows = [("measure", "value", "limit", ""), *rows, ("coverage", covered, "", "")]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = (f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in rows)
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table and, with `--check`, the violations; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="list each violation and exit with 1 if there are any")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="root of the project")
    options = parser.parse_args(arguments)
    measures = measure(options.root)
    print(table(measures, coverage_percent(options.root)))
    faults = [fault for one in measures for fault in one.faults]
    if not options.check or not faults:
        return 0
    print("\n".join(faults))
    return 1


if __name__ == "__main__":
    sys.exit(main())
