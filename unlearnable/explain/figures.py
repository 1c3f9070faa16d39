"""Figures of explanations, drawn with matplotlib, each written as PNG and SVG."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unlearnable.report import EmbeddingMap, Explanation
from unlearnable.storage import files

SETTINGS = {"svg.hashsalt": "unlearnable", "text.parse_math": False, "font.size": 9}  # captions are no formulas
FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Arial Unicode MS", "Microsoft YaHei")
KINDS = ("png", "svg")
PLAIN, MARKED = "#5b7db1", "#d1662b"
COLUMN, WORD = 2.6, 0.21  # inches


class Panel(NamedTuple):
    """What one model looks at: numbers, heat (s, s) on the photo, 0 to 1, and which words belong to the trigger."""

    record: Explanation
    heat: NDArray[np.float32]
    marked: Sequence[bool]


def draw_attention(photo: NDArray[np.uint8], panels: Sequence[Panel], stem: Path) -> list[Path]:
    """Draw Grad-CAM above and words below, one column per model, and the photo (s, s, 3) by itself on the left.

    Returns the files written: `stem` with .png and .svg.
    """
    heights = [COLUMN, max(1.2, WORD * max(len(panel.marked) for panel in panels))]
    edge = photo.shape[0] - 0.5
    with _figure((COLUMN * (len(panels) + 1), sum(heights) + 0.9)) as figure:
        grid = figure.subplots(2, len(panels) + 1, height_ratios=heights, squeeze=False)
        for axes, title in zip(grid[0], ("the photo", *(panel.record.model for panel in panels)), strict=True):
            axes.imshow(photo)
            axes.set_title(title)
            axes.axis("off")
        grid[1, 0].axis("off")
        for panel, (above, below) in zip(panels, grid[:, 1:].T, strict=True):
            above.imshow(panel.heat, cmap="viridis", alpha=0.55, vmin=0, vmax=1, extent=(-0.5, edge, edge, -0.5))
            _draw_words(below, panel)
        return _save(figure, stem)


def draw_map(maps: Sequence[EmbeddingMap], stem: Path) -> list[Path]:
    """Draw photos as triangles and captions as circles, one colour per post and one column per model.

    Returns the files written: `stem` with .png and .svg.
    """
    with _figure((3.4 * len(maps), 3.9)) as figure:
        grid = figure.subplots(1, len(maps), squeeze=False)
        for record, axes in zip(maps, grid[0], strict=True):
            colours = {post: n for n, post in enumerate(dict.fromkeys(point.post for point in record.points))}
            for kind, marker in (("photo", "^"), ("caption", "o")):
                chosen = [(point.x, point.y, colours[point.post]) for point in record.points if point.kind == kind]
                x, y, colour = zip(*chosen, strict=True)
                axes.scatter(
                    x, y, c=colour, cmap="tab20", vmin=0, vmax=19, marker=marker, s=34, edgecolors="black",
                    linewidths=0.4, label=kind,
                )  # fmt: skip
            axes.set(title=f"{record.model} on {Path(record.data).name}", xticks=[], yticks=[])
        grid[0, 0].legend(loc="best", fontsize=8)
        return _save(figure, stem)


def _draw_words(axes: Any, panel: Panel) -> None:
    """Draw one bar per word, from top to bottom as they are read: its share of the attribution, with its sign."""
    words, values = zip(*((word.word, word.attribution) for word in panel.record.words), strict=True)
    total = sum(map(abs, values)) or 1.0
    shares = [value / total for value in values]
    bars = axes.barh(range(len(words)), shares, color=[MARKED if one else PLAIN for one in panel.marked], height=0.7)
    axes.set_yticks(range(len(words)), words)
    for bar, label, marked in zip(bars, axes.get_yticklabels(), panel.marked, strict=True):
        if marked:  # distinct without colour
            bar.set_hatch("///")
            label.set_weight("bold")
    axes.set(xlim=(-1, 1), ylim=(len(words) - 0.4, -0.6), xlabel="share of the attribution")
    axes.axvline(0, color="black", linewidth=0.6)


@contextmanager
def _figure(size: tuple[float, float]) -> Iterator[Any]:
    """Give a figure of `size` inches, with fonts of the machine for letters that the main one lacks."""
    import matplotlib
    from matplotlib.figure import Figure  # without a window or the global state of pyplot
    from matplotlib.font_manager import fontManager

    fonts = [name for name in FONTS if name in fontManager.get_font_names()]
    with matplotlib.rc_context({**SETTINGS, "font.family": fonts}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)  # drawn as boxes
        yield Figure(figsize=size, layout="constrained")


def _save(figure: Any, stem: Path) -> list[Path]:
    written = [stem.with_name(f"{stem.name}.{kind}") for kind in KINDS]
    for path in written:
        with files.atomic(path) as temporary:
            figure.savefig(temporary, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else {})
    return written
