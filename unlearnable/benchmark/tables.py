"""The tables of the paper from the cells of a benchmark, each figure ours / the paper's, and figures as PNG."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from unlearnable.report import BenchmarkCell, BenchmarkReport, BothWays, PaperRow, TableRecord
from unlearnable.report.curves import mean_curve
from unlearnable.settings import AS_PUBLISHED, mem_name
from unlearnable.verify.summary import rank
from unlearnable.wording import grouped

WAYS = ("image→text", "text→image")
NAMES = {"clean": "Clean", "random": "Random noise and words", "em": "EM", "uap": "UAP", "mem": "MEM"}
HEADS = [f"{way} {figure}" for way in WAYS for figure in ("Hit@10", "Medr")]
OURS = "Each figure is ours / the paper's; - where the paper has none."
STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))  # without colour
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--")
MARKS = "os^Dvx*P"
LONGEST = 32  # letters of a victim's name in a figure


class TableCells:
    """The cells that the paper's tables show: posts as published where there are such cells, else the first attack."""

    def __init__(self, report: BenchmarkReport) -> None:
        attacks = [cell.through for cell in report.cells]
        self.report = report
        self.through = AS_PUBLISHED if AS_PUBLISHED in attacks or not attacks else attacks[0]
        self.cells = [cell for cell in report.cells if cell.through == self.through]
        self.whole = [cell for cell in self.cells if cell.fraction == 1]  # all posts are protected
        self.first = report.cells[0].victim if report.cells else ""
        self.after = "" if self.through == AS_PUBLISHED else f", posts through {self.through}"

    def of_first(self, cells: Sequence[BenchmarkCell]) -> list[BenchmarkCell]:
        """Return the cells of the first victim."""
        return [cell for cell in cells if cell.victim == self.first]

    @property
    def set_up(self) -> list[str]:
        """How the set-up differs from the paper's, or which table of this run says so."""
        fine_tuned = bool(self.report.pretrained)
        if (self.whole if fine_tuned else self.of_first(self.whole)) and self.report.differs:
            return [f"The set-up differs from the paper's as Table {5 if fine_tuned else 1} says."]
        return self.report.differs

    @property
    def made_on(self) -> list[str]:
        """What the noise was made on, if there is any."""
        surrogate = next((cell.surrogate for cell in self.report.cells if cell.surrogate), None)
        return [f"Protected on {surrogate}."] if surrogate else []


def lay_out(report: BenchmarkReport) -> list[TableRecord]:
    """Return the tables that the cells of a run fill; a table of one row is left out."""
    makers: list[Callable[[TableCells], TableRecord]]
    makers = [_tuned, _fractions] if report.pretrained else [_methods, _transfer, _fractions]
    positions = {name.position for cell in report.cells if (name := mem_name(cell.method))}
    if not report.pretrained or len(positions) > 1:
        makers.append(_triggers)
    tables = [table for make in (*makers, _attacks) if len((table := make(TableCells(report))).rows) > 1]
    seeds = dict.fromkeys(str(cell.seed) for cell in report.cells)
    if len(seeds) > 1:
        spread = f"±: population standard deviation over the seeds {', '.join(seeds)}."
        tables = [table.model_copy(update={"notes": [*table.notes, spread]}) for table in tables]
    return tables


def _methods(shown: TableCells) -> TableRecord:
    report = shown.report
    rows = [["Random ranking", *_figures([report.random], report.random_paper)]]
    rows += [[_name(method), *_over(own)] for method, own in _by(shown.of_first(shown.whole), lambda c: c.method)]
    title = f"Table 1: methods on {report.title}, victim {shown.first}{shown.after}"
    return TableRecord(title=title, heads=["", *HEADS], rows=rows, notes=[OURS, *report.differs])


def _transfer(shown: TableCells) -> TableRecord:
    report = shown.report
    cells = [cell for cell in shown.whole if cell.method == "clean" or mem_name(cell.method)]

    def paper(cell: BenchmarkCell) -> PaperRow | None:
        other = cell.method == "mem-3" and report.roles.get(cell.victim) == "RN50" and cell.through == AS_PUBLISHED
        return report.transfer_paper if other else cell.paper

    rows = [
        [victim, _name(method), *_figures(own, paper(own[0]))[1::2]]  # Medr alone
        for victim, of_victim in _by(cells, lambda c: c.victim)
        for method, own in _by(of_victim, lambda c: c.method)
    ]
    several = len({cell.victim for cell in cells}) > 1
    note = "For RN50 the paper has other figures here than for MEM-3 in its Table 1."
    return TableRecord(
        title=f"Table 2: transfer{shown.after}",
        heads=["victim", "trained on", *(f"{way} Medr" for way in WAYS)],
        rows=rows if several else [],
        notes=[*shown.made_on, OURS, note, *shown.set_up],
    )


def _fractions(shown: TableCells) -> TableRecord:
    cells = [cell for cell in shown.of_first(shown.cells) if mem_name(cell.method)]
    shares = sorted({cell.fraction for cell in cells}, reverse=True)
    rows = []
    for method, own in _by(cells, lambda c: c.method):
        figures = [_over([cell for cell in own if cell.fraction == share]) for share in shares]
        for index, way in enumerate(WAYS):
            rows.append([_name(method), way, *(one[2 * index + k] for one in figures for k in (0, 1))])
    note = "The photos that are protected are drawn by the seed; all others are clean."
    return TableRecord(
        title=f"Table 3: fraction of the posts that is protected{shown.after}",
        heads=["", "", *(f"{100 * share:g} % {figure}" for share in shares for figure in ("Hit@10", "Medr"))],
        rows=rows if shares != [1.0] else [],
        notes=[OURS, note, *shown.set_up],
    )


def _triggers(shown: TableCells) -> TableRecord:
    cells = [cell for cell in shown.of_first(shown.whole) if mem_name(cell.method)]
    own = _by(cells, lambda c: c.method)
    texts = [f"{_name(method)}, first posts: {'; '.join(found[0].triggers)}." for method, found in own]
    return TableRecord(
        title=f"Table 4: trigger texts, victim {shown.first}{shown.after}",
        heads=["", *HEADS],
        rows=[[_name(method), *_over(found)] for method, found in own],
        notes=[*texts, OURS, *shown.set_up],
    )


def _tuned(shown: TableCells) -> TableRecord:
    report = shown.report
    rows = [["", "Random ranking", *_figures([report.random], None)]]
    for victim, of_victim in _by(shown.whole, lambda c: c.victim):
        before = _figures([report.pretrained[victim]], report.pretrained_paper.get(victim))
        rows.append([victim, "Pre-trained", *before])
        for method, own in _by(of_victim, lambda c: c.method):
            rows.append([victim, "Fine-tuned" if method == "clean" else _name(method), *_over(own)])
    notes = [
        *shown.made_on,
        *(f"{name} stands where the paper has {role}." for name, role in report.roles.items() if role != name),
        OURS,
        *report.differs,
        "The paper's text→image columns equal its image→text columns: its code computes the latter twice.",
    ]
    title = f"Table 5: fine-tuning{shown.after}"
    return TableRecord(title=title, heads=["victim", "trained on", *HEADS], rows=rows, notes=notes)


def _attacks(shown: TableCells) -> TableRecord:
    rows = [
        [victim, trained, through, *_over(own)]
        for victim, of_victim in _by(shown.report.cells, lambda c: c.victim)
        for trained, of_posts in _by(of_victim, lambda c: _name(c.method) + _share(c).replace(" ", ", ", 1))
        for through, own in _by(of_posts, lambda c: c.through)
    ]
    several = len({cell.through for cell in shown.report.cells}) > 1
    return TableRecord(
        title="What a scraper does first (not in the paper)",
        heads=["victim", "trained on", "through", *HEADS],
        rows=rows if several else [],
        notes=["Clean posts go through the same.", OURS, *shown.set_up],
    )


def _by(cells: Sequence[BenchmarkCell], key: Callable[[BenchmarkCell], str]) -> ItemsView[str, list[BenchmarkCell]]:
    """Return each key with its cells, in the order in which keys occur."""
    return grouped((key(cell), cell) for cell in cells).items()


def _over(cells: Sequence[BenchmarkCell]) -> list[str]:
    """Return the figures of cells that differ in their seeds alone."""
    return _figures(cells, cells[0].paper if cells else None)


def _figures(scores: Sequence[BenchmarkCell | BothWays], paper: PaperRow | None) -> list[str]:
    """Return Hit@10 and Medr image→text, then both text→image, of scores one a seed, each beside the paper's."""
    found = []
    for way in ("image_to_text", "text_to_image"):
        own, row = [getattr(one, way) for one in scores], getattr(paper, way, None)
        found.append(_pair([one.hit10 for one in own], row.hit10 if row else None, "{:.1f}".format))
        found.append(_pair([one.medr for one in own], row.medr if row else None, rank))
    return found


def _pair(values: Sequence[float], paper: float | None, form: Callable[[float], str]) -> str:
    if not values:
        return "-"
    ours = form(fmean(values)) + (f" ±{form(pstdev(values))}" if len(values) > 1 else "")
    return f"{ours} / {'-' if paper is None else form(paper)}"


def _name(method: str) -> str:
    base, *variant = method.split("-", 1)
    return "-".join([NAMES.get(base, base), *variant])


def _share(cell: BenchmarkCell) -> str:
    """Return the share of the posts that is protected, where that is not all."""
    return f" {100 * cell.fraction:g} %" if cell.fraction < 1 else ""


def to_markdown(report: BenchmarkReport) -> str:
    """Return all tables with their notes, and below them what the run trained and ranked."""
    parts = [f"# {report.title}, scale {report.scale}"]
    for table in report.tables:
        lines = [table.heads, ["---", *["---:"] * (len(table.heads) - 1)], *table.rows]
        rows = ("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        notes = (f"- {note}" for note in table.notes)
        parts.append("\n".join([f"## {table.title}", "", *rows, "", *notes]).rstrip())
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


def _latex(text: str) -> str:
    """Return a text as LaTeX prints it in any font, also the letters that are commands or others in its old ones."""
    named = {"\\": "backslash", "^": "asciicircum", "~": "asciitilde", "<": "less", ">": "greater", "|": "bar"}
    special = {c: f"\\{c}" for c in "&%_#${}"} | {c: rf"\text{name}{{}}" for c, name in named.items()}
    special |= {"→": r"$\to$", "±": r"$\pm$"}
    return "".join(special.get(c, c) for c in text)


def draw(report: BenchmarkReport, folder: Path) -> list[Path]:
    """Draw loss and held-out Medr of each epoch (the paper's Fig. 4) and bars of Hit@10; return the PNG files."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    shown, most = TableCells(report), dict[str, float]()
    for cell in report.cells:
        most[cell.method] = max(cell.fraction, most.get(cell.method, 0.0))
    cells = [cell for cell in shown.cells if cell.fraction == most[cell.method]]
    written = []
    for name, plot in (("curves", _curves), ("hit10", _bars)):
        sheet = Figure(figsize=(9, 3.6), layout="constrained")
        plot(sheet, shown, cells)
        written.append(folder / f"{report.dataset}-{name}.png")
        sheet.savefig(written[-1], dpi=150)
    return written


def _curves(sheet: Any, shown: TableCells, cells: Sequence[BenchmarkCell]) -> None:
    report, victim = shown.report, cells[0].victim
    loss, ranks = axes = sheet.subplots(1, 2)
    of_victim = [cell for cell in cells if cell.victim == victim]
    for number, (method, own) in enumerate(_by(of_victim, lambda c: c.method + _share(c))):
        how = {"linestyle": STYLES[number % 8], "marker": MARKS[number % 8], "markersize": 4, "label": method}
        for plot, means in (
            (loss, mean_curve([cell.loss_curve for cell in own])),
            (ranks, mean_curve([cell.medr_curve for cell in own])),
        ):
            plot.plot(range(1, len(means) + 1), means, **how)
    ranks.margins(y=0.1)  # room for the name of the line
    ranks.axhline(report.random.text_to_image.medr, color="0.5", linewidth=0.8)
    ranks.annotate("random ranking", (1, report.random.text_to_image.medr), fontsize=8, va="bottom")
    for plot, label in zip(axes, ("training loss (nats)", "Medr, text to image (rank)"), strict=True):
        plot.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        plot.xaxis.get_major_locator().set_params(integer=True)
    loss.legend(fontsize=8)
    sheet.suptitle(f"{report.title}, scale {report.scale}, victim {_short(victim)}", fontsize=10)


def _bars(sheet: Any, shown: TableCells, cells: Sequence[BenchmarkCell]) -> None:
    report, victims = shown.report, list(dict.fromkeys(cell.victim for cell in cells))
    groups = _by(cells, lambda c: c.method + _share(c))
    width = 0.8 / len(groups)
    for axes, way in zip(sheet.subplots(1, 2, sharey=True), ("image_to_text", "text_to_image"), strict=True):
        for number, (method, own) in enumerate(groups):
            hits = {v: [getattr(c, way).hit10 for c in own if c.victim == v] for v in victims}
            places = [n + (number + 0.5) * width - 0.4 for n, v in enumerate(victims) if hits[v]]
            heights = [fmean(hits[v]) for v in victims if hits[v]]
            bars = axes.bar(
                places, heights, width, label=method, hatch=HATCHES[number % 8], edgecolor="black", linewidth=0.6
            )
            axes.bar_label(bars, fmt="%.1f", fontsize=7)
        axes.axhline(getattr(report.random, way).hit10, color="0.5", linewidth=0.8, label="random ranking")
        axes.set_xticks(range(len(victims)), list(map(_short, victims)))
        axes.set(ylabel="Hit@10 (%)", title=way.replace("_", " "))
    sheet.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
    sheet.suptitle(f"{report.title}, scale {report.scale}: clean test photos", fontsize=10)


def _short(victim: str) -> str:
    """Return the end of the name of a victim that is a long path, which would leave no room for the curves."""
    short = victim if len(victim) <= LONGEST else f"...{victim[3 - LONGEST :]}"
    return short.replace("$", r"\$")  # two of them would begin and end a formula
