"""The tables of the paper from the cells of a benchmark, each figure ours / the paper's."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from unlearnable.report import BenchmarkCell, BenchmarkReport, BothWays, PaperRow, TableRecord
from unlearnable.report.curves import mean_curve
from unlearnable.settings import AS_PUBLISHED, named_settings
from unlearnable.verify.page import rank
from unlearnable.wording import grouped

WAYS = ("image→text", "text→image")
NAMES = {
    "clean": "Clean",
    "random": "Random noise and words",
    "em": "EM",
    "uap": "UAP",
    "mem": "MEM",
    "pretrained": "Pre-trained",
}
HEADS = [f"{way} {figure}" for way in WAYS for figure in ("Hit@10", "Medr")]
OURS = "Each figure is ours / the paper's; - where the paper has none."
SAME = "The set-up differs from the paper's as Table {} says."


def lay_out(report: BenchmarkReport) -> list[TableRecord]:
    """Return the tables that the cells of a run fill; a table of one row is left out."""
    makers: Sequence[Callable[[BenchmarkReport], TableRecord]]
    makers = [_tuned, _fractions] if report.pretrained else [_methods, _transfer, _fractions]
    if not report.pretrained or _kinds_of_triggers(report) > 1:
        makers = [*makers, _triggers]
    tables = [table for make in (*makers, _attacks) if len((table := make(report)).rows) > 1]
    return [table.model_copy(update={"notes": [*table.notes, *_about_seeds(report)]}) for table in tables]


def _methods(report: BenchmarkReport) -> TableRecord:
    cells = _plain(report, victim=_first(report))
    rows = [["Random ranking", *_figures([report.random], report.random_paper)]]
    rows += [[_name(method), *_over(found)] for method, found in _by(cells, lambda c: c.method)]
    title = f"Table 1: methods on {report.title}, victim {_first(report)}{_after(report)}"
    return TableRecord(title=title, heads=["", *HEADS], rows=rows, notes=[OURS, *report.differs])


def _transfer(report: BenchmarkReport) -> TableRecord:
    cells = [cell for cell in _plain(report) if cell.method == "clean" or named_settings(cell.method)]
    rows = [
        [victim, _name(method), *_figures(found, _transfer_paper(report, found[0]))[1::2]]  # Medr alone
        for victim, own in _by(cells, lambda c: c.victim)
        for method, found in _by(own, lambda c: c.method)
    ]
    several = len({cell.victim for cell in cells}) > 1
    heads = ["victim", "trained on", *(f"{way} Medr" for way in WAYS)]
    notes = [
        *_made_on(report),
        OURS,
        "For RN50 the paper has other figures here than for MEM-3 in its Table 1.",
        *_set_up(report),
    ]
    title = f"Table 2: transfer{_after(report)}"
    return TableRecord(title=title, heads=heads, rows=rows if several else [], notes=notes)


def _transfer_paper(report: BenchmarkReport, cell: BenchmarkCell) -> PaperRow | None:
    """Return the paper's figures in its Table 2, whose MEM-3 on RN50 differs from that in its Table 1."""
    own = cell.method == "mem-3" and report.roles.get(cell.victim) == "RN50" and cell.through == AS_PUBLISHED
    return report.transfer_paper if own else cell.paper


def _fractions(report: BenchmarkReport) -> TableRecord:
    cells = [c for c in _through(report) if c.victim == _first(report) and named_settings(c.method)]
    shares = sorted({cell.fraction for cell in cells}, reverse=True)
    rows = []
    for method, own in _by(cells, lambda c: c.method):
        found = [_over([c for c in own if c.fraction == share]) for share in shares]
        for index, way in enumerate(WAYS):
            rows.append([_name(method), way, *(one[2 * index + k] for one in found for k in (0, 1))])
    heads = ["", "", *(f"{100 * share:g} % {figure}" for share in shares for figure in ("Hit@10", "Medr"))]
    notes = [OURS, "The photos that are protected are drawn by the seed; all others are clean.", *_set_up(report)]
    return TableRecord(
        title=f"Table 3: fraction of the posts that is protected{_after(report)}",
        heads=heads,
        rows=rows if shares != [1.0] else [],
        notes=notes,
    )


def _triggers(report: BenchmarkReport) -> TableRecord:
    cells = [cell for cell in _plain(report, victim=_first(report)) if named_settings(cell.method)]
    own = _by(cells, lambda c: c.method)
    rows = [[_name(method), *_over(found)] for method, found in own]
    texts = [f"{_name(method)}, first posts: {'; '.join(found[0].triggers)}." for method, found in own]
    notes = [*texts, OURS, *_set_up(report)]
    title = f"Table 4: trigger texts, victim {_first(report)}{_after(report)}"
    return TableRecord(title=title, heads=["", *HEADS], rows=rows, notes=notes)


def _kinds_of_triggers(report: BenchmarkReport) -> int:
    """Return how many places in captions the triggers have, of whatever length."""
    found = (named_settings(cell.method) for cell in report.cells)
    return len({one["trigger_position"] for one in found if one})


def _tuned(report: BenchmarkReport) -> TableRecord:
    rows = [["", "Random ranking", *_figures([report.random], None)]]
    for victim, own in _by(_plain(report), lambda c: c.victim):
        before = _figures([report.pretrained[victim]], report.pretrained_paper.get(victim))
        rows.append([victim, NAMES["pretrained"], *before])
        for method, found in _by(own, lambda c: c.method):
            rows.append([victim, "Fine-tuned" if method == "clean" else _name(method), *_over(found)])
    notes = [
        *_made_on(report),
        *(f"{name} stands where the paper has {role}." for name, role in report.roles.items() if role != name),
        OURS,
        *report.differs,
        "The paper's text→image columns equal its image→text columns: its code computes the latter twice.",
    ]
    title = f"Table 5: fine-tuning{_after(report)}"
    return TableRecord(title=title, heads=["victim", "trained on", *HEADS], rows=rows, notes=notes)


def _attacks(report: BenchmarkReport) -> TableRecord:
    rows = [
        [victim, trained, through, *_over(found)]
        for victim, same in _by(report.cells, lambda c: c.victim)
        for trained, own in _by(same, _trained_on)
        for through, found in _by(own, lambda c: c.through)
    ]
    several = len({cell.through for cell in report.cells}) > 1
    return TableRecord(
        title="What a scraper does first (not in the paper)",
        heads=["victim", "trained on", "through", *HEADS],
        rows=rows if several else [],
        notes=["Clean posts go through the same.", OURS, *_set_up(report)],
    )


def _about_seeds(report: BenchmarkReport) -> list[str]:
    """Return what stands behind a mean, if there are means."""
    seeds = dict.fromkeys(cell.seed for cell in report.cells)
    return [f"±: population standard deviation over the seeds {', '.join(map(str, seeds))}."] if len(seeds) > 1 else []


def _set_up(report: BenchmarkReport) -> list[str]:
    """Return how the set-up differs from the paper's, or which table of this run says so."""
    number = 5 if report.pretrained else 1
    shown = _plain(report, victim=None if report.pretrained else _first(report))
    return [SAME.format(number)] if shown and report.differs else report.differs


def _first(report: BenchmarkReport) -> str:
    return report.cells[0].victim if report.cells else ""


def _made_on(report: BenchmarkReport) -> list[str]:
    """Return what the noise was made on, if there is any."""
    surrogate = next((cell.surrogate for cell in report.cells if cell.surrogate), None)
    return [f"Protected on {surrogate}."] if surrogate else []


def shown_through(report: BenchmarkReport) -> str:
    """Return the attack whose cells the tables show: posts as published where there are such cells, else the first."""
    found = [cell.through for cell in report.cells]
    return AS_PUBLISHED if AS_PUBLISHED in found or not found else found[0]


def _after(report: BenchmarkReport) -> str:
    """Return what a title says of the attack."""
    through = shown_through(report)
    return "" if through == AS_PUBLISHED else f", posts through {through}"


def _through(report: BenchmarkReport) -> list[BenchmarkCell]:
    return [cell for cell in report.cells if cell.through == shown_through(report)]


def _plain(report: BenchmarkReport, victim: str | None = None) -> list[BenchmarkCell]:
    """Return the cells in which all posts are protected."""
    return [c for c in _through(report) if c.fraction == 1 and victim in (None, c.victim)]


def _by(cells: Sequence[BenchmarkCell], key: Callable[[BenchmarkCell], str]) -> ItemsView[str, list[BenchmarkCell]]:
    """Return each key with its cells, in the order in which keys occur."""
    return grouped((key(cell), cell) for cell in cells).items()


def _over(cells: Sequence[BenchmarkCell]) -> list[str]:
    """Return the figures of cells that differ in their seeds alone."""
    return _figures(cells, cells[0].paper if cells else None)


def _figures(scores: Sequence[BenchmarkCell | BothWays], paper: PaperRow | None) -> list[str]:
    """Return Hit@10 and Medr image→text, then both text→image, of scores one a seed, each beside the paper's."""
    ours = [one.image_to_text for one in scores], [one.text_to_image for one in scores]
    theirs = (paper.image_to_text, paper.text_to_image) if paper else (None, None)
    found = []
    for own, row in zip(ours, theirs, strict=True):
        found.append(_pair([one.hit10 for one in own], row.hit10 if row else None, "{:.1f}".format))
        found.append(_pair([one.medr for one in own], row.medr if row else None, rank))
    return found


def _pair(values: Sequence[float], paper: float | None, form: Callable[[float], str]) -> str:
    if not values:
        return "-"
    ours = form(fmean(values)) + (f" ±{form(pstdev(values))}" if len(values) > 1 else "")
    return f"{ours} / {'-' if paper is None else form(paper)}"


def _trained_on(cell: BenchmarkCell) -> str:
    return _name(cell.method) + (f", {100 * cell.fraction:g} %" if cell.fraction < 1 else "")


def _name(method: str) -> str:
    base, *variant = method.split("-", 1)
    return "-".join([NAMES.get(base, base), *variant])


def to_markdown(report: BenchmarkReport) -> str:
    """Return all tables with their notes, and below them what the run trained and ranked."""
    parts = [f"# {report.title}, scale {report.scale}"]
    for table in report.tables:
        lines = [f"## {table.title}", "", *_rows(table), "", *(f"- {note}" for note in table.notes)]
        parts.append("\n".join(lines).rstrip())
    seeds = ", ".join(map(str, dict.fromkeys(cell.seed for cell in report.cells)))
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


STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))  # without colour
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--")
MARKS = "os^Dvx*P"
LONGEST = 32  # letters of a victim's name


def draw(report: BenchmarkReport, folder: Path) -> list[Path]:
    """Draw the figures of a run into `folder` and return their paths."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    most: dict[str, float] = {}
    for cell in report.cells:
        most[cell.method] = max(cell.fraction, most.get(cell.method, 0.0))
    through = shown_through(report)
    shown = [c for c in report.cells if c.through == through and c.fraction == most[c.method]]
    first = [c for c in shown if c.victim == shown[0].victim]
    return [
        _curves(Figure, report, first, folder / f"{report.dataset}-curves.png"),
        _bars(Figure, report, shown, folder / f"{report.dataset}-hit10.png"),
    ]


def _curves(figure: Any, report: BenchmarkReport, cells: Sequence[BenchmarkCell], path: Path) -> Path:
    sheet = figure(figsize=(9, 3.6), layout="constrained")
    loss, ranks = sheet.subplots(1, 2)
    for number, (method, own) in enumerate(_by_method(cells).items()):
        how = {"linestyle": STYLES[number % 8], "marker": MARKS[number % 8], "markersize": 4, "label": method}
        for axes, curves in ((loss, [c.loss_curve for c in own]), (ranks, [c.medr_curve for c in own])):
            means = mean_curve(curves)
            axes.plot(range(1, len(means) + 1), means, **how)
    ranks.margins(y=0.1)  # room for the name of the line
    ranks.axhline(report.random.text_to_image.medr, color="0.5", linewidth=0.8)
    ranks.annotate("random ranking", (1, report.random.text_to_image.medr), fontsize=8, va="bottom")
    for axes, label in ((loss, "training loss (nats)"), (ranks, "Medr, text to image (rank)")):
        axes.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        axes.xaxis.get_major_locator().set_params(integer=True)
    loss.legend(fontsize=8)
    sheet.suptitle(f"{report.title}, scale {report.scale}, victim {_short(cells[0].victim)}", fontsize=10)
    sheet.savefig(path, dpi=150)
    return path


def _bars(figure: Any, report: BenchmarkReport, cells: Sequence[BenchmarkCell], path: Path) -> Path:
    victims = list(dict.fromkeys(cell.victim for cell in cells))
    sheet = figure(figsize=(9, 3.6), layout="constrained")
    for axes, way in zip(sheet.subplots(1, 2, sharey=True), ("image_to_text", "text_to_image"), strict=True):
        groups = _by_method(cells)
        width = 0.8 / len(groups)
        for number, (method, own) in enumerate(groups.items()):
            found = {v: [getattr(c, way).hit10 for c in own if c.victim == v] for v in victims}
            places = [n + (number + 0.5) * width - 0.4 for n, v in enumerate(victims) if found[v]]
            heights = [fmean(found[v]) for v in victims if found[v]]
            bars = axes.bar(
                places, heights, width, label=method, hatch=HATCHES[number % 8], edgecolor="black", linewidth=0.6
            )
            axes.bar_label(bars, fmt="%.1f", fontsize=7)
        axes.axhline(getattr(report.random, way).hit10, color="0.5", linewidth=0.8, label="random ranking")
        axes.set_xticks(range(len(victims)), list(map(_short, victims)))
        axes.set(ylabel="Hit@10 (%)", title=way.replace("_", " "))
    sheet.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    sheet.suptitle(f"{report.title}, scale {report.scale}: clean test photos", fontsize=10)
    sheet.savefig(path, dpi=150)
    return path


def _short(victim: str) -> str:
    """Return the end of the name of a victim that is a long path, which would leave no room for the curves."""
    short = victim if len(victim) <= LONGEST else f"...{victim[3 - LONGEST :]}"
    return short.replace("$", r"\$")  # two of them would begin and end a formula


def _by_method(cells: Sequence[BenchmarkCell]) -> dict[str, list[BenchmarkCell]]:
    """Return cells by method, with the protected fraction in its name where that is not all."""
    shares = ("" if cell.fraction == 1 else f" {100 * cell.fraction:g} %" for cell in cells)
    return grouped((f"{cell.method}{share}", cell) for cell, share in zip(cells, shares, strict=True))
