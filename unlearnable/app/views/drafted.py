"""The second view: photos before and after and their triggers, which may be changed, while nothing is written yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnable.app.desk import Desk
from unlearnable.app.views.parts import AT_FULL_SIZE, Shown, address_of, caption, paged, photo
from unlearnable.disk.folders import at_home
from unlearnable.errors import UnlearnableError

FLIP = "e => e.currentTarget.classList.toggle('flipped')"


def draw(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw the view."""
    dialog = _Comparison(ui)
    with ui.element("section"):
        ui.element("h2").props["innerText"] = "Look before anything is written"
        ui.element("p").props["innerText"] = (
            "The marked words, the trigger, will stand in your captions. Press a photo to see it before and after, at "
            "100 %. Words you do not like can be changed."
        )

        def card(number: int) -> None:
            post = desk.posts[number]
            with ui.element("button").classes("look").on("click", lambda: dialog.show(desk, number)) as button:
                button.props["aria-label"], button.props["type"] = f"Compare {Path(post.photo).name}", "button"
                photo(ui, address_of(number, "drafted", post.original), post.photo)
            for text in post.captions:
                caption(ui, text, post.trigger, replaced=number in desk.wanted)
            if post.trigger:
                _words(ui, desk, number)

        paged(ui, len(desk.posts), card, shown)
    with ui.element("section"):
        if desk.wanted:
            ui.element("p").props["innerText"] = (
                f"Posts with other words: {len(desk.wanted)}. The noise has to be made for these words, too."
            )
            ui.button("Make the noise for these words", on_click=lambda: _go_on(ui, desk)).props(
                'unelevated no-caps id="change"'
            )
        else:
            _output(ui, desk)
        ui.button("Back to the captions", on_click=desk.back).props('flat no-caps id="back"')


def _words(ui: Any, desk: Desk, number: int) -> None:
    words, name = desk.wanted.get(number, desk.posts[number].trigger), Path(desk.posts[number].photo).name
    field = ui.input("Words", value=desk.typed.get(number, words))
    field.props(f"outlined dense stack-label data-words={number}").props["aria-label"] = f"Words of {name}"
    field.on_value_change(lambda event: desk.typed.update({number: event.value or ""}))
    if number in desk.wanted:
        field.classes("wanted")

    def write() -> None:
        try:
            desk.write_trigger(number, field.value or "")
        except UnlearnableError as error:
            ui.notify(error.message, type="negative")

    field.on("keydown.enter", write)
    with ui.element("div").classes("row-of"):
        other = ui.button("Other words", on_click=lambda: desk.redraw(number))
        other.props(f"flat dense no-caps data-redraw={number}").props["aria-label"] = f"Other words for {name}"
        mine = ui.button("Take mine", on_click=write)
        mine.props(f"flat dense no-caps data-take={number}").props["aria-label"] = f"Take mine for {name}"


def _output(ui: Any, desk: Desk) -> None:
    ui.element("h2").props["innerText"] = "Write them"
    field = (
        ui.input("Folder for the copies", value=str(desk.output)).props("outlined dense stack-label").classes("wide")
    )
    field.on_value_change(lambda event: setattr(desk, "output", folder_of(event.value or "")))
    ui.button("Write the protected copies", on_click=lambda: _go_on(ui, desk)).props('unelevated no-caps id="publish"')


def _go_on(ui: Any, desk: Desk) -> None:
    """Make the noise for the words that were chosen, or write the copies; what was typed counts as chosen."""
    asked = bool(desk.wanted)
    try:
        others = desk.take_typed()
    except UnlearnableError as error:
        ui.notify(error.message, type="negative")
        return
    if others == asked:
        (desk.change if asked else desk.publish)()
    elif others:
        ui.notify("The words that you typed are taken. The noise has to be made for them first.")


def folder_of(text: str) -> Path:
    """Return the folder that a user typed, without spaces around it and with `~` for their home."""
    return at_home(Path(text.strip() or "."))


class _Comparison:
    """A dialog with one photo at 100 %; a press on it shows the other version."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        with ui.dialog().props("maximized") as self._dialog, ui.element("div").classes("compare"):
            with ui.element("header"):
                self._title = ui.element("strong")
                ui.button("Close", color="white", on_click=self._dialog.close).props("outline no-caps")
            self._pane = ui.element("div").classes("pane")

    def show(self, desk: Desk, number: int) -> None:
        """Open the dialog for a post."""
        ui, name = self._ui, Path(desk.posts[number].photo).name
        self._title.props["innerText"] = f"{name} at 100 %. Press the photo."
        self._dialog.props["aria-label"] = f"{name} at 100 %"
        self._pane.clear()
        with self._pane, ui.element("button").classes("both").on("click", js_handler=FLIP) as both:
            both.props["type"] = "button"  # its name is the title of what it shows, read aloud when that changes
            for side, title in (("after", "after: as it will be written"), ("before", "before: without noise")):
                with ui.element("span").classes(side):
                    ui.element("b").props["innerText"] = title
                    address = f"photos/{number}/{side}?{desk.version}"
                    photo(ui, address, "", "full").on("load", js_handler=AT_FULL_SIZE)
        self._dialog.open()
