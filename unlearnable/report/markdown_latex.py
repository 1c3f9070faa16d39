"""Tables of a benchmark as text: Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from unlearnable.results import BenchmarkReport, TableRecord


def to_markdown(report: BenchmarkReport) -> str:
    """Return all tables with their notes, and below them what the run trained and ranked."""
    parts = [f"# {report.title}, scale {report.scale}"]
    for table in report.tables:
        lines = [f"## {table.title}", "", *_rows(table), "", *(f"- {note}" for note in table.notes)]
        parts.append("\n".join(lines).rstrip())
    seeds = ", ".join(
        map(str, dict.fromkeys([*(cell.seed for cell in report.cells), *(cell.seed for cell in report.crowd_cells)]))
    )
    parts.append(
        f"{report.train_photos} photos with {report.train_pairs} captions to train on; gallery of {report.test_photos} "
        f"photos and {report.test_captions} captions; seeds {seeds}; device {report.device}."
    )
    parts += ["\n".join(f"- {note}" for note in report.notes)] if report.notes else []
    return "\n\n".join(parts) + "\n"


def to_latex(tables: Sequence[TableRecord]) -> str:
    """Return the tables as LaTeX tabulars with their notes."""
    parts = []
    for table in tables:
        body = [" & ".join(map(_latex, row)) + r" \\" for row in [table.heads, *table.rows]]
        body.insert(1, r"\midrule")
        columns = "l" + "r" * (len(table.heads) - 1)
        inside = "\n".join([rf"\begin{{tabular}}{{{columns}}}", r"\toprule", *body, r"\bottomrule", r"\end{tabular}"])
        notes = _latex(" ".join(table.notes))
        below = f"\n\\par\\footnotesize {notes}" if notes else ""
        parts.append(f"\\begin{{table}}\n\\caption{{{_latex(table.title)}}}\n{inside}{below}\n\\end{{table}}\n")
    return "% needs \\usepackage{booktabs}\n" + "\n".join(parts)


def _rows(table: TableRecord) -> list[str]:
    lines = [table.heads, ["---", *["---:"] * (len(table.heads) - 1)], *table.rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _latex(text: str) -> str:
    """Return a text as LaTeX prints it in any font, also the letters that are commands or others in its old ones."""
    named = {"\\": "backslash", "^": "asciicircum", "~": "asciitilde", "<": "less", ">": "greater", "|": "bar"}
    special = {c: f"\\{c}" for c in "&%_#${}"} | {c: rf"\text{name}{{}}" for c, name in named.items()}
    special |= {"→": r"$\to$", "±": r"$\pm$"}
    return "".join(special.get(c, c) for c in text)
