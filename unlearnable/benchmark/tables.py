"""The tables of the paper from the cells of a benchmark, each figure ours / the paper's, and Fig. 4 as PNG."""

from collections.abc import Callable, ItemsView, Sequence
from pathlib import Path
from statistics import fmean, pstdev

from unlearnable.report import BenchmarkCell, BenchmarkReport, BothWays, PaperRow, TableRecord
from unlearnable.settings import AS_PUBLISHED, mem_name
from unlearnable.verify.summary import rank
from unlearnable.wording import grouped

WAYS = ("image→text", "text→image")
NAMES = {"clean": "Clean", "random": "Random noise and words", "em": "EM", "uap": "UAP", "mem": "MEM"}
HEADS = [f"{way} {figure}" for way in WAYS for figure in ("Hit@10", "Medr")]
OURS = "Each figure is ours / the paper's; - where the paper has none."
MARKS = "os^Dvx*P"  # tell the lines of a figure apart without colour


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


def lay_out(report: BenchmarkReport) -> list[TableRecord]:
    """Return the tables that the cells of a run fill; a table of one row is left out.

    The first one says what is true of all.
    """
    shown = TableCells(report)
    makers = [_tuned] if report.pretrained else [_methods, _transfer]
    tables = [table for make in (*makers, _fractions, _triggers, _attacks) if len((table := make(shown)).rows) > 1]
    if not tables:
        return []
    surrogate = next((cell.surrogate for cell in report.cells if cell.surrogate), None)
    common = [OURS, *([f"Protected on {surrogate}."] if surrogate else []), *report.differs]
    seeds = dict.fromkeys(str(cell.seed) for cell in report.cells)
    if len(seeds) > 1:
        common.append(f"±: population standard deviation over the seeds {', '.join(seeds)}.")
    return [tables[0].model_copy(update={"notes": [*tables[0].notes, *common]}), *tables[1:]]


def _methods(shown: TableCells) -> TableRecord:
    report = shown.report
    rows = [["Random ranking", *_figures([report.random], report.random_paper)]]
    rows += [[_name(method), *_over(own)] for method, own in _by(shown.of_first(shown.whole), lambda c: c.method)]
    title = f"Table 1: methods on {report.title}, victim {shown.first}{shown.after}"
    return TableRecord(title=title, heads=["", *HEADS], rows=rows, notes=[])


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
    return TableRecord(
        title=f"Table 2: transfer{shown.after}",
        heads=["victim", "trained on", *(f"{way} Medr" for way in WAYS)],
        rows=rows if several else [],
        notes=["For RN50 the paper has other figures here than for MEM-3 in its Table 1."],
    )


def _fractions(shown: TableCells) -> TableRecord:
    cells = [cell for cell in shown.of_first(shown.cells) if mem_name(cell.method)]
    shares = sorted({cell.fraction for cell in cells}, reverse=True)
    rows = []
    for method, own in _by(cells, lambda c: c.method):
        figures = [_over([cell for cell in own if cell.fraction == share]) for share in shares]
        for index, way in enumerate(WAYS):
            rows.append([_name(method), way, *(one[2 * index + k] for one in figures for k in (0, 1))])
    return TableRecord(
        title=f"Table 3: fraction of the posts that is protected{shown.after}",
        heads=["", "", *(f"{100 * share:g} % {figure}" for share in shares for figure in ("Hit@10", "Medr"))],
        rows=rows if shares != [1.0] else [],
        notes=["The photos that are protected are drawn by the seed; all others are clean."],
    )


def _triggers(shown: TableCells) -> TableRecord:
    cells = [cell for cell in shown.of_first(shown.whole) if mem_name(cell.method)]
    own = _by(cells, lambda c: c.method)
    return TableRecord(
        title=f"Table 4: trigger texts, victim {shown.first}{shown.after}",
        heads=["", *HEADS],
        rows=[[_name(method), *_over(found)] for method, found in own],
        notes=[f"{_name(method)}, first posts: {'; '.join(found[0].triggers)}." for method, found in own],
    )


def _tuned(shown: TableCells) -> TableRecord:
    report = shown.report
    rows = [["", "Random ranking", *_figures([report.random], None)]]
    for victim, of_victim in _by(shown.whole, lambda c: c.victim):
        before = _figures([report.pretrained[victim]], report.pretrained_paper.get(victim))
        rows.append([victim, "Pre-trained", *before])
        for method, own in _by(of_victim, lambda c: c.method):
            rows.append([victim, "Fine-tuned" if method == "clean" else _name(method), *_over(own)])
    notes = [f"{name} stands where the paper has {role}." for name, role in report.roles.items() if role != name]
    notes.append("The paper's text→image columns equal its image→text columns: its code computes the latter twice.")
    title = f"Table 5: fine-tuning{shown.after}"
    return TableRecord(title=title, heads=["victim", "trained on", *HEADS], rows=rows, notes=notes)


def _attacks(shown: TableCells) -> TableRecord:
    rows = [
        [victim, trained, through, *_over(own)]
        for victim, of_victim in _by(shown.report.cells, lambda c: c.victim)
        for trained, of_posts in _by(of_victim, lambda c: _name(c.method) + _share(c, ","))
        for through, own in _by(of_posts, lambda c: c.through)
    ]
    several = len({cell.through for cell in shown.report.cells}) > 1
    return TableRecord(
        title="What a scraper does first (not in the paper)",
        heads=["victim", "trained on", "through", *HEADS],
        rows=rows if several else [],
        notes=["Clean posts go through the same."],
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


def _share(cell: BenchmarkCell, before: str = "") -> str:
    """Return the share of the posts that is protected, where that is not all."""
    return f"{before} {100 * cell.fraction:g} %" if cell.fraction < 1 else ""


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


def draw(report: BenchmarkReport, path: Path) -> None:
    """Draw training loss and held-out Medr of each epoch, a line a method, for the first victim: the paper's Fig. 4."""
    from matplotlib.figure import Figure

    path.parent.mkdir(parents=True, exist_ok=True)
    shown, most = TableCells(report), dict[str, float]()
    for cell in report.cells:
        most[cell.method] = max(cell.fraction, most.get(cell.method, 0.0))
    cells = [cell for cell in shown.of_first(shown.cells) if cell.fraction == most[cell.method]]
    sheet = Figure(figsize=(9, 3.6), layout="constrained")
    loss, ranks = axes = sheet.subplots(1, 2)
    for number, (method, own) in enumerate(_by(cells, lambda c: c.method + _share(c))):
        how = {"marker": MARKS[number % len(MARKS)], "markersize": 4, "label": method}
        for plot, curves in ((loss, [c.loss_curve for c in own]), (ranks, [c.medr_curve for c in own])):
            means = [fmean(values) for values in zip(*curves, strict=True) if None not in values]
            plot.plot(range(1, len(means) + 1), means, **how)
    ranks.margins(y=0.1)  # room for the name of the line
    ranks.axhline(report.random.text_to_image.medr, color="0.5", linewidth=0.8)
    ranks.annotate("random ranking", (1, report.random.text_to_image.medr), fontsize=8, va="bottom")
    for plot, label in zip(axes, ("training loss (nats)", "Medr, text to image (rank)"), strict=True):
        plot.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        plot.xaxis.get_major_locator().set_params(integer=True)
    loss.legend(fontsize=8)
    victim = Path(shown.first).name
    sheet.suptitle(f"{report.title}, scale {report.scale}, victim {victim}", fontsize=10, parse_math=False)
    sheet.savefig(path, dpi=150)
