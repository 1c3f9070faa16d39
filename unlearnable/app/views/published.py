"""The last view: photos that are ready to post, each with its caption to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlearnable.app.desk import Desk
from unlearnable.app.views.parts import Shown, address_of, caption, copying, paged, photo
from unlearnable.wording.counts import counted

NOT_COPIED = "The browser did not allow it: mark the caption and copy it yourself"


def draw(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw the view."""
    assert desk.report is not None
    report, copies = desk.report, desk.copies()
    with ui.element("section"):
        ui.element("h2").props["innerText"] = f"{counted(report.protected, 'photo')} ready to post"
        with ui.element("ul"):
            ui.element("li").props["innerText"] = f"Post the files in {report.output}, each with its caption from here."
            private = f"Keep {report.private} to yourself: it links copies and originals. report.html is in it."
            ui.element("li").props["innerText"] = private
            for skipped in report.skipped:
                text = f"{skipped.where} is not protected: {skipped.detail or skipped.reason}"
                ui.element("li").props["innerText"] = text
        _remarks(ui, report.notes)

        def card(number: int) -> None:
            path, post = copies[number]
            with ui.element("a") as link:
                link.props["href"], link.props["target"] = address_of(number, "copy", path), "_blank"
                photo(ui, address_of(number, "published", path), path.name)
            ui.element("p").classes("name").props["innerText"] = path.name
            for text in post.captions:
                caption(ui, text, post.trigger)
                button = ui.button("Copy caption").props(f"outline dense no-caps data-copy={number}")
                button.props["aria-label"] = f"Copy caption of {path.name}"
                button.on("click", lambda event: _tell(ui, event.args), js_handler=copying(text))

        paged(ui, len(copies), card, shown)
        ui.button("Protect other photos", on_click=desk.restart).props('flat no-caps id="again"')


def _remarks(ui: Any, notes: Sequence[str]) -> None:
    if not notes:
        return
    with ui.element("details"):
        ui.element("summary").props["innerText"] = f"Remarks ({len(notes)})"
        with ui.element("ul"):
            for note in notes:
                ui.element("li").props["innerText"] = note


def _tell(ui: Any, copied: bool) -> None:
    ui.notify("Copied" if copied else NOT_COPIED, type="positive" if copied else "warning")
