"""Print the size of the project beside its budgets.

    python tools/house.py            # print the table
    python tools/house.py --check    # also list what is above its limit, and exit with 1 if anything is
    python tools/house.py --lower    # lower the limits in this file to the figures of the moment

A limit is the figure at which a measure stood when somebody last lowered it: it only falls, down to the budget. A
function's lines run from `def` to its end; in `unlearnable/cli` they begin after the docstring, because the signature
there is the table of the command's options. Imports inside functions and for type checkers count too.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "unlearnable"
FUNCTION_LINES = 80
FILE_LINES = 500
BUDGETS = {
    "lines of the package": 22_000,
    "files of the package": 150,
    "lines of tests": 20_000,
    "options of protect": 26,
    "options of all commands": 130,
    "settings": 75,
    "words of docs by hand": 30_000,
    "words of README": 450,
    "decisions": 15,
    "imports, per mille of lines": 70,
    "import circles": 0,
    "class names defined twice": 0,
    "functions over 80 lines": 0,
    "files over 500 lines": 0,
    "files with forbidden phrases": 0,
}
FORBIDDEN = (  # nobody would say it, or the glossary of CONTRIBUTING.md has another word
    "of which",
    "what is said of",
    "had a say",
    "goes on with",
    "is there twice",
    "are there twice",
    "fits none of",
    "is no path",
    "may notice of",
    "nothing reads",
    "towers?",
    "adversar(?:y|ies)",
    "misle(?:ad|ads|d|ading)",
    "binds?",
    "binding",
    "a relative of",
)
LIMITS = {
    "lines of the package": 22_000,
    "files of the package": 150,
    "lines of tests": 20_000,
    "options of protect": 26,
    "options of all commands": 130,
    "settings": 75,
    "words of docs by hand": 30_000,
    "words of README": 450,
    "decisions": 15,
    "imports, per mille of lines": 70,
    "import circles": 0,
    "class names defined twice": 0,
    "functions over 80 lines": 0,
    "files over 500 lines": 0,
    "files with forbidden phrases": 0,
}


@dataclass(frozen=True)
class Module:
    """A source file of the package: its dotted name (of the folder for an `__init__.py`), path, text and tree."""

    name: str
    path: str
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Measure:
    """One row of the table: a count, and what is counted where the budget is 0."""

    name: str
    value: int
    found: tuple[str, ...] = ()


def read(root: Path) -> list[Module]:
    """Return the modules of the package below `root`, in the order of their paths."""
    modules = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        modules.append(Module(name, path.relative_to(root).as_posix(), text, ast.parse(text)))
    return modules


def measure(root: Path) -> list[Measure]:
    """Return every measure of the project at `root`, in the order of `BUDGETS`."""
    modules = read(root)
    lines = sum(_lines(module.text) for module in modules)
    reference = _text(root / "docs" / "reference" / "cli.md")
    by_hand = [*sorted((root / "docs").rglob("*.md")), root / "README.md", root / "CONTRIBUTING.md"]
    return [
        Measure("lines of the package", lines),
        Measure("files of the package", len(modules)),
        Measure("lines of tests", sum(_lines(_text(path)) for path in (root / "tests").rglob("*.py"))),
        Measure("options of protect", _options(reference.partition("\n## protect\n")[2].partition("\n## ")[0])),
        Measure("options of all commands", _options(reference)),
        Measure("settings", _settings(modules)),
        Measure("words of docs by hand", sum(_words(path) for path in by_hand if path.name != "cli.md")),
        Measure("words of README", _words(root / "README.md")),
        Measure("decisions", len(list((root / "docs" / "design" / "decisions").glob("0*.md")))),
        Measure("imports, per mille of lines", round(1000 * _import_lines(modules) / max(lines, 1))),
        _found("import circles", import_circles(modules)),
        _found("class names defined twice", repeated_classes(modules)),
        _found("functions over 80 lines", long_functions(modules)),
        _found("files over 500 lines", long_files(modules)),
        _found("files with forbidden phrases", stilted_files(modules)),
    ]


def _found(name: str, found: Iterable[str]) -> Measure:
    listed = tuple(found)
    return Measure(name, len(listed), listed)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _lines(text: str) -> int:
    return len(text.splitlines())


def _words(path: Path) -> int:
    return len(_text(path).split())


def _options(page: str) -> int:
    """Count the rows of options on the generated page of the command line."""
    return len(re.findall(r"^\| `--", page, re.MULTILINE))


def _settings(modules: list[Module]) -> int:
    """Count the fields that the settings models declare, without those that they inherit."""
    models = (
        node
        for module in modules
        if module.name.split(".")[1:2] in (["config"], ["settings"])
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Settings", "Schedule"))
    )
    fields = (node for model in models for node in model.body if isinstance(node, ast.AnnAssign))
    return sum("ClassVar" not in ast.unparse(field.annotation) for field in fields)


def _import_lines(modules: list[Module]) -> int:
    statements = (
        node for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.Import | ast.ImportFrom)
    )
    return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in statements)


def imports(modules: list[Module]) -> Iterator[tuple[str, str]]:
    """Yield (importer, imported) for every import of one module of the package by another, anywhere in the file."""
    names = {module.name for module in modules}
    for module in modules:
        for node in ast.walk(module.tree):
            for target in _targets(node, module, names):
                yield module.name, target


def _targets(node: ast.AST, module: Module, modules: set[str]) -> list[str]:
    """Return the modules that one statement imports; re-exports of an `__init__` are imports like any others."""
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


def import_circles(modules: list[Module]) -> Iterator[str]:
    """Yield a shortest circle of imports of each group of modules that reach each other."""
    graph: dict[str, set[str]] = {module.name: set() for module in modules}
    for importer, imported in imports(modules):
        graph[importer].add(imported)
    seen: set[str] = set()
    for start in sorted(graph):
        circle = _way_back(graph, start) if start not in seen else []
        if circle:
            seen |= set(circle)
            yield " -> ".join(circle)


def _way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    """Return a shortest path from `start` to itself; empty if there is none."""
    paths = {name: [start, name] for name in sorted(graph[start])}
    waiting = list(paths)
    while waiting and start not in paths:
        name = waiting.pop(0)
        for following in sorted(graph[name] - set(paths)):
            paths[following] = [*paths[name], following]
            waiting.append(following)
    return paths.get(start, [])


def repeated_classes(modules: list[Module]) -> Iterator[str]:
    """Yield the places of each class name that the package defines more than once."""
    places = defaultdict(list)
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{module.path}:{node.lineno}")
    return (
        f"{lines[0]}: class {name} is also at {', '.join(lines[1:])}" for name, lines in places.items() if lines[1:]
    )


def long_functions(modules: list[Module]) -> Iterator[str]:
    """Yield the functions over `FUNCTION_LINES` lines."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = _function_lines(node, body_alone=module.path.startswith(f"{PACKAGE}/cli/"))
                if lines > FUNCTION_LINES:
                    yield f"{module.path}:{node.lineno}: {node.name} has {lines} lines"


def _function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, *, body_alone: bool) -> int:
    end = node.end_lineno or node.lineno
    if not body_alone:
        return end - node.lineno + 1
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return end - body[0].lineno + 1 if body else 0


def long_files(modules: list[Module]) -> Iterator[str]:
    """Yield the files over `FILE_LINES` lines."""
    return (f"{one.path}: {_lines(one.text)} lines" for one in modules if _lines(one.text) > FILE_LINES)


def forbidden(text: str) -> list[str]:
    """Return each forbidden phrase in a text, as often as it stands there."""
    joined = " ".join(text.split())
    return [match[0] for phrase in FORBIDDEN for match in re.finditer(rf"\b{phrase}\b", joined, re.IGNORECASE)]


def stilted_files(modules: list[Module]) -> Iterator[str]:
    """Yield the files with forbidden phrases, and the phrases."""
    return (f"{one.path}: {', '.join(sorted(set(found)))}" for one in modules if (found := forbidden(one.text)))


def table(measures: list[Measure]) -> str:
    """Return one row a measure: its value, its limit and its budget."""
    rows = [("measure", "value", "limit", "budget")]
    rows += [(one.name, f"{one.value:,}", f"{LIMITS[one.name]:,}", f"{BUDGETS[one.name]:,}") for one in measures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}" for a, b, c, d in rows)


def lowered(source: str, measures: list[Measure]) -> str:
    """Return the text of this file with limits at the measured values, where these are lower and above the budget."""
    limits = {one.name: max(min(one.value, LIMITS[one.name]), BUDGETS[one.name]) for one in measures}
    lines = [f'    "{name}": {limit:_},\n' for name, limit in limits.items()]
    return re.sub(r"^LIMITS = \{.*?^\}\n", f"LIMITS = {{\n{''.join(lines)}}}\n", source, flags=re.DOTALL | re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Print the table and, with `--check`, what is above its limit; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="list what is above its limit and exit with 1")
    parser.add_argument("--lower", action="store_true", help="lower the limits to the figures of the moment")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], help="root of the project")
    options = parser.parse_args(arguments)
    measures = measure(options.root)
    print(table(measures))
    if options.lower:
        tool = Path(__file__)
        tool.write_text(lowered(tool.read_text(encoding="utf-8"), measures), encoding="utf-8", newline="\n")
    above = [one for one in measures if one.value > LIMITS[one.name]]
    if not options.check or not above:
        return 0
    for one in above:
        print(f"{one.name}: {one.value}, at most {LIMITS[one.name]}", *one.found, sep="\n  ")
    return 1


if __name__ == "__main__":
    sys.exit(main())
