"""Figures of a benchmark as PNG: loss and held-out Medr of each epoch (the paper's Fig. 4), and bars of Hit@10."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from unlearnable.benchmark.tables import shown_through
from unlearnable.report import BenchmarkCell, BenchmarkReport
from unlearnable.report.curves import mean_curve
from unlearnable.wording import grouped

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
