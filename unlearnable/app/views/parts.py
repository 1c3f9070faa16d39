"""Parts that several views have: photos, pages of them, captions with their trigger marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlearnable.report.html import split

ON_A_PAGE = 24  # photos

AT_FULL_SIZE = "e => { const i = e.target; i.style.width = i.naturalWidth / devicePixelRatio + 'px' }"


@dataclass
class Shown:
    """What a tab shows of a view, which stays when the view is drawn again: the number of the page of cards."""

    page: int = 1


def photo(ui: Any, address: str, alt: str, kind: str = "small") -> Any:
    """Draw a photo, which is loaded once it comes into view."""
    shown = ui.element("img").classes(kind)
    shown.props["src"], shown.props["alt"], shown.props["loading"] = address, alt, "lazy"
    return shown


def address_of(number: int, kind: str, file: Path) -> str:
    """Return the address of a photo; another file of that number has another, as browsers keep what they have shown."""
    try:
        found = file.stat()
    except OSError:  # it has just been removed
        return f"photos/{number}/{kind}"
    return f"photos/{number}/{kind}?{found.st_ino}-{found.st_mtime_ns}"


def caption(ui: Any, text: str, trigger: str, *, replaced: bool = False) -> None:
    """Write a caption with its trigger marked, and struck through where it is to be replaced."""
    with ui.element("p").classes("caption"):
        before, marked, after = split(text, trigger)
        _span(ui, "span", before)
        if marked:
            _span(ui, "del" if replaced else "mark", marked)
        _span(ui, "span", after)


def paged(ui: Any, count: int, draw: Callable[[int], None], shown: Shown) -> None:
    """Draw cards by number, a page of them at a time."""
    pages = max(1, -(-count // ON_A_PAGE))
    shown.page = min(shown.page, pages)

    def draw_page() -> None:
        with ui.element("div").classes("cards"):
            for number in range((shown.page - 1) * ON_A_PAGE, min(shown.page * ON_A_PAGE, count)):
                with ui.element("article").classes("card"):
                    draw(number)

    cards = ui.refreshable(draw_page)
    cards()

    def turn(event: Any) -> None:
        shown.page = event.value
        cards.refresh()

    if pages > 1:
        ui.pagination(1, pages, direction_links=True, value=shown.page, on_change=turn)


def copying(text: str) -> str:
    """Return a handler in JavaScript that copies a text, and tells the server whether it could."""
    return f"() => navigator.clipboard.writeText({json.dumps(text)}).then(() => emit(true), () => emit(false))"


def _span(ui: Any, tag: str, text: str) -> None:
    if text:
        ui.element(tag).props["innerText"] = text
