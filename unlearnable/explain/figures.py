"""Figures of explanations, drawn with matplotlib, each written as PNG and SVG."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlearnable.storage import files

SETTINGS = {"svg.hashsalt": "unlearnable", "text.parse_math": False, "font.size": 9}  # captions are no formulas
MAIN_FONT = "DejaVu Sans"  # comes with matplotlib
FURTHER_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic", "NanumGothic", "Unifont"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic"),
    *("PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Apple SD Gothic Neo", "Arial Unicode MS"),
)
KINDS = ("png", "svg")
PLAIN, CHOSEN = "#5b7db1", "#d1662b"
COLUMN, WORD = 2.6, 0.21  # inches


@dataclass(frozen=True)
class Panel:
    """What one model looks at: the heat on the photo, and the share of each word.

    Attributes:
        title: the name of the model.
        heat: (s, s), 0 to 1.
        words: the words of the caption.
        shares: signed share of each word in the attribution; the absolute values sum to 1.
        chosen: whether each word belongs to the trigger.
    """

    title: str
    heat: NDArray[np.float32]
    words: Sequence[str]
    shares: Sequence[float]
    chosen: Sequence[bool]


@dataclass(frozen=True)
class MapPanel:
    """The map of one model.

    Attributes:
        title: the name of the model.
        points: (n, 2) coordinates.
        posts: (n,) number of the post of each point.
        captions: (n,) whether each point is a caption, not a photo.
    """

    title: str
    points: NDArray[np.float32]
    posts: NDArray[np.int64]
    captions: NDArray[np.bool_]


def draw_attention(photo: NDArray[np.uint8], panels: Sequence[Panel], stem: Path) -> list[Path]:
    """Draw Grad-CAM above and words below, one column per model, and the photo (s, s, 3) by itself on the left.

    Returns:
        The files written: `stem` with .png and .svg.
    """
    most = max(len(panel.words) for panel in panels)
    heights = [COLUMN, max(1.2, WORD * most)]
    with _figure((COLUMN * (len(panels) + 1), sum(heights) + 0.9)) as figure:
        grid = figure.subplots(2, len(panels) + 1, height_ratios=heights, squeeze=False)
        widest = 1.05 * (max(abs(share) for panel in panels for share in panel.shares) or 1.0)
        _picture(grid[0, 0], photo, "the photo")
        grid[1, 0].axis("off")
        for panel, (above, below) in zip(panels, grid[:, 1:].T, strict=True):
            _picture(above, photo, panel.title)
            size = photo.shape[0]
            above.imshow(
                panel.heat, cmap="viridis", alpha=0.55, vmin=0, vmax=1, extent=(-0.5, size - 0.5, size - 0.5, -0.5)
            )
            _words(below, panel, widest)
        return _save(figure, stem)


def draw_map(panels: Sequence[MapPanel], stem: Path) -> list[Path]:
    """Draw photos as triangles and captions as circles, one colour per post and one column per model.

    Returns:
        The files written: `stem` with .png and .svg.
    """
    with _figure((3.4 * len(panels), 3.9)) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)
        for panel, axes in zip(panels, grid[0], strict=True):
            for captions, marker in ((False, "^"), (True, "o")):
                chosen = panel.captions == captions
                axes.scatter(
                    *panel.points[chosen].T, c=panel.posts[chosen], cmap="tab20", vmin=0, vmax=19,
                    marker=marker, s=34, edgecolors="black", linewidths=0.4,
                    label="caption" if captions else "photo",
                )  # fmt: skip
            axes.set_title(panel.title)
            axes.set_xticks([])
            axes.set_yticks([])
        grid[0, 0].legend(loc="best", fontsize=8)
        return _save(figure, stem)


def _picture(axes: Any, photo: NDArray[np.uint8], title: str) -> None:
    axes.imshow(photo)
    axes.set_title(title)
    axes.axis("off")


def _words(axes: Any, panel: Panel, widest: float) -> None:
    """Draw one bar per word, from top to bottom as they are read."""
    places = list(range(len(panel.words)))
    colours = [CHOSEN if chosen else PLAIN for chosen in panel.chosen]
    bars = axes.barh(places, panel.shares, color=colours, height=0.7)
    for bar, chosen in zip(bars, panel.chosen, strict=True):
        bar.set_hatch("///" if chosen else "")  # distinct without colour
    axes.set_yticks(places, panel.words)
    for label, chosen in zip(axes.get_yticklabels(), panel.chosen, strict=True):
        label.set_weight("bold" if chosen else "normal")
    axes.set_xlim(-widest, widest)
    axes.set_ylim(len(panel.words) - 0.4, -0.6)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel("share of the attribution")


def _fonts() -> list[str]:
    """Return the families to draw with: the main one, then those of the machine for letters that it lacks."""
    from matplotlib.font_manager import fontManager

    known = fontManager.get_font_names()
    return [MAIN_FONT, *(name for name in FURTHER_FONTS if name in known)]


@contextmanager
def _figure(size: tuple[float, float]) -> Iterator[Any]:
    """Give a figure of `size` inches, without a window or the global state of pyplot."""
    import matplotlib
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # many of these fonts have no bold
    with matplotlib.rc_context({**SETTINGS, "font.family": _fonts()}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)  # drawn as boxes
        yield Figure(figsize=size, layout="constrained")


def _save(figure: Any, stem: Path) -> list[Path]:
    written = []
    for kind in KINDS:
        path = stem.with_name(f"{stem.name}.{kind}")
        with files.atomic(path) as temporary:
            figure.savefig(temporary, dpi=110, metadata={"Date": None} if kind == "svg" else {})
        written.append(path)
    return written
