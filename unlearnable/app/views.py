"""The three views of the page: photos and captions, a look before anything is written, and posts that are ready."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlearnable.app.desk import PLATFORMS, PRESETS, Desk
from unlearnable.errors import UnlearnableError, worded
from unlearnable.posts import Dataset
from unlearnable.protect.posts import said_of_captions
from unlearnable.report.html import split
from unlearnable.storage.folders import at_home
from unlearnable.wording import counted

ON_A_PAGE = 24  # photos
WORK = {
    "fast": "fast: least work, hardly holds on models unlike the bundled one",
    "balanced": "balanced: what unlearnable does by itself",
    "strong": "strong: takes longer, is seen more",
}
NOISE = {8: "faint", 16: "twice that: seen more, protects more"}  # by the bound, in 1/255
NOT_ARRIVED = "it did not arrive. Is there room on the disk? Drop it again"
NOT_COPIED = "The browser did not allow it: mark the caption and copy it yourself"
NAMES = "(info) => emit(info.files.map((file) => file.name))"
LONGEST_CAPTION = 100_000  # characters; Facebook takes 63,206, and the web socket a megabyte
AT_FULL_SIZE = "e => { const i = e.target; i.style.width = i.naturalWidth / devicePixelRatio + 'px' }"
FLIP = "e => e.currentTarget.classList.toggle('flipped')"


@dataclass
class Shown:
    """What a tab shows of a view, which stays when the view is drawn again: the number of the page of cards."""

    page: int = 1


def draw_drop(ui: Any, desk: Desk) -> tuple[Any, Any]:
    """Draw the place to drop photos, which stays while they arrive; return it and what takes them there."""
    with ui.element("section") as section:
        _text(ui, "h2", "1. Your photos")
        drop = ui.upload(multiple=True, auto_upload=True, label="Drop photos or a zipped export here, or press +")
        drop.classes("drop").props("no-thumbnails")

        async def receive(event: Any) -> None:
            path = desk.inbox.place(event.file.name)
            try:
                path.touch()  # the name is taken, while others arrive
                await event.file.save(path)
            except OSError as error:
                path.unlink(missing_ok=True)
                desk.failed(path.name, error.strerror or str(error))
            else:
                desk.arrived(path)

        def not_arrived(event: Any) -> None:
            for name in event.args:
                desk.failed(name, NOT_ARRIVED)

        def restart() -> None:
            drop.reset()
            desk.restart()

        drop.on_upload(receive)
        drop.on("failed", not_arrived, js_handler=NAMES)
        note = "They are copied into a folder that only you can read and that is removed at the end. Nothing leaves "
        _text(ui, "p", f"{note}this computer, and no copy is written before you say so.")
        remove = ui.button("Remove them all", on_click=restart).props('flat no-caps id="restart"')
        remove.bind_visibility_from(desk, "holds")
    return section, drop


def draw_received(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw captions and settings, once there are photos."""
    if desk.dataset is not None:
        _captions(ui, desk, desk.dataset, shown)
        _how(ui, desk)


def _captions(ui: Any, desk: Desk, dataset: Dataset, shown: Shown) -> None:
    captions, typed = dataset.captions_by_photo(), desk.inbox.takes_captions(dataset)

    def card(number: int) -> None:
        one = dataset.photos[number]
        _photo(ui, address_of(number, "received", one.path), one.id)
        if not typed:
            for text in captions[one.id]:
                _text(ui, "p", text).classes("caption")
            return
        name = Path(one.id).name
        _text(ui, "p", name).classes("name")
        field = ui.textarea(value=desk.captions.get(one.id, ""))
        field.props(f"autogrow outlined dense maxlength={LONGEST_CAPTION} data-photo={number}")
        field.props["aria-label"] = f"Caption of {name}"
        field.props["placeholder"] = captions[one.id][0]
        field.on_value_change(lambda event: desk.captions.update({one.id: event.value or ""}))

    with ui.element("section"):
        _text(ui, "h2", f"2. Their captions ({counted(len(dataset.photos), 'photo')})")
        for note in desk.notes:
            if not typed or note != said_of_captions(dataset):  # the fields show what it says
                _text(ui, "p", note)
        _paged(ui, len(dataset.photos), card, shown)


def _how(ui: Any, desk: Desk) -> None:
    def keep(field: Any, name: str, of: Callable[[Any], Any] = lambda value: value) -> Any:
        field.props("outlined dense").on_value_change(lambda event: setattr(desk, name, of(event.value)))
        return field

    with ui.element("section"):
        _text(ui, "h2", "3. Protect them")
        with ui.element("div").classes("fields"):
            work = {name: WORK[name] for name in PRESETS}
            keep(ui.select(work, value=desk.preset, label="Amount of work"), "preset")
            bounds = {desk.epsilon: f"up to {desk.epsilon}/255", **NOISE}
            keep(ui.select(bounds, value=desk.epsilon, label="Noise"), "epsilon")
            places: dict[str | None, str] = {None: "anywhere, in full size", **{name: name for name in PLATFORMS}}
            keep(ui.select(places, value=desk.platform, label="Where they will be posted"), "platform")
        names = ui.input("Names to write as initials", value=", ".join(desk.name), placeholder="Ada Cox, Mia")
        names.classes("wide").props("outlined dense data-initials")
        names.on_value_change(lambda event: desk.write_as_initials(_listed(event.value or "")))
        keep(ui.input("Folder for the copies", value=str(desk.output)).classes("wide"), "output", folder_of)
        ui.button("Make noise and words", on_click=desk.start).props('unelevated no-caps id="start"')


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def folder_of(text: str | None) -> Path:
    """Return the folder that a user typed, without spaces around it and with `~` for their home."""
    return at_home(Path((text or "").strip() or "."))


def draw_review(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw photos before and after, and their words, which may be changed, while nothing is written yet."""
    dialog = _Comparison(ui)

    def card(number: int) -> None:
        post = desk.posts[number]
        with ui.element("button").classes("look").on("click", lambda: dialog.show(desk, number)) as button:
            button.props["aria-label"], button.props["type"] = f"Compare {Path(post.photo).name}", "button"
            _photo(ui, address_of(number, "original", post.original), post.photo)
        for text in post.captions:
            _caption(ui, text, post.trigger, replaced=number in desk.wanted)
        if post.trigger:
            _words(ui, desk, number)

    with ui.element("section"):
        _text(ui, "h2", "Look before anything is written")
        _text(
            ui,
            "p",
            "The marked words, the trigger, will stand in your captions. Press a photo to see it before and after, at "
            "100 %. Words you do not like can be changed.",
        )
        _paged(ui, len(desk.posts), card, shown)
    with ui.element("section"):
        if desk.wanted:
            _text(ui, "p", f"Posts with other words: {len(desk.wanted)}. The noise has to be made for them, too.")
            name, title = "change", "Make the noise for these words"
        else:
            _text(ui, "p", f"They will be written to {desk.output}.")
            name, title = "publish", "Write the protected copies"
        ui.button(title, on_click=lambda: _go_on(ui, desk)).props(f'unelevated no-caps id="{name}"')
        ui.button("Back to the captions", on_click=desk.back).props('flat no-caps id="back"')


def _words(ui: Any, desk: Desk, number: int) -> None:
    words, name = desk.wanted.get(number, desk.posts[number].trigger), Path(desk.posts[number].photo).name
    field = ui.input("Words", value=desk.typed.get(number, words))
    field.props(f"outlined dense stack-label data-words={number}").props["aria-label"] = f"Words of {name}"
    field.on_value_change(lambda event: desk.typed.update({number: event.value or ""}))
    if number in desk.wanted:
        field.classes("wanted")
    field.on("keydown.enter", lambda: _take_typed(ui, desk))
    other = ui.button("Other words", on_click=lambda: desk.redraw(number))
    other.props(f"flat dense no-caps data-redraw={number}").props["aria-label"] = f"Other words for {name}"


def _take_typed(ui: Any, desk: Desk) -> bool:
    """Choose the words that were typed; return whether all of them are triggers."""
    try:
        desk.take_typed()
    except UnlearnableError as error:
        ui.notify(worded(error.message, lambda name, _: name), type="negative")
        return False
    return True


def _go_on(ui: Any, desk: Desk) -> None:
    """Make the noise for the words that were chosen, or write the copies; what was typed counts as chosen."""
    asked = bool(desk.wanted)
    if not _take_typed(ui, desk):
        return
    if bool(desk.wanted) == asked:
        (desk.change if asked else desk.publish)()
    elif desk.wanted:
        ui.notify("The words that you typed are taken. The noise has to be made for them first.")


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
                    _text(ui, "b", title)
                    _photo(ui, f"photos/{number}/{side}?{desk.version}", "", "full").on("load", js_handler=AT_FULL_SIZE)
        self._dialog.open()


def draw_published(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw photos that are ready to post, each with its caption to copy."""
    assert desk.report is not None
    report, output = desk.report, Path(desk.report.output)

    def card(number: int) -> None:
        line = desk.copies[number]
        path = output / str(line.output)
        with ui.element("a") as link:
            link.props["href"], link.props["target"] = address_of(number, "copy", path), "_blank"
            _photo(ui, address_of(number, "published", path), path.name)
        _text(ui, "p", path.name).classes("name")
        for text in line.captions:
            _caption(ui, text, line.trigger)
            button = ui.button("Copy caption").props(f"outline dense no-caps data-copy={number}")
            button.props["aria-label"] = f"Copy caption of {path.name}"
            button.on("click", lambda event: _tell(ui, event.args), js_handler=_copying(text))

    with ui.element("section"):
        _text(ui, "h2", f"{counted(report.protected, 'photo')} ready to post")
        with ui.element("ul"):
            _text(ui, "li", f"Post the files in {report.output}, each with its caption from here.")
            private = f"Keep {report.private} to yourself: it links copies and originals. report.html is in it."
            _text(ui, "li", private)
            for skipped in report.skipped:
                _text(ui, "li", f"{skipped.where} is not protected: {skipped.detail or skipped.reason}")
        if report.notes:
            with ui.element("details"):
                _text(ui, "summary", f"Remarks ({len(report.notes)})")
                with ui.element("ul"):
                    for note in report.notes:
                        _text(ui, "li", note)
        _paged(ui, len(desk.copies), card, shown)
        ui.button("Protect other photos", on_click=desk.restart).props('flat no-caps id="again"')


def _copying(text: str) -> str:
    """Return a handler in JavaScript that copies a text, and tells the server whether it could."""
    return f"() => navigator.clipboard.writeText({json.dumps(text)}).then(() => emit(true), () => emit(false))"


def _tell(ui: Any, copied: bool) -> None:
    ui.notify("Copied" if copied else NOT_COPIED, type="positive" if copied else "warning")


def address_of(number: int, kind: str, file: Path) -> str:
    """Return the address of a photo; another file of that number has another, as browsers keep what they have shown."""
    try:
        found = file.stat()
    except OSError:  # it has just been removed
        return f"photos/{number}/{kind}"
    return f"photos/{number}/{kind}?{found.st_ino}-{found.st_mtime_ns}"


def _text(ui: Any, tag: str, text: str) -> Any:
    """Draw an element that holds a text and nothing else."""
    element = ui.element(tag)
    element.props["innerText"] = text
    return element


def _photo(ui: Any, address: str, alt: str, kind: str = "small") -> Any:
    """Draw a photo, which is loaded once it comes into view."""
    shown = ui.element("img").classes(kind)
    shown.props["src"], shown.props["alt"], shown.props["loading"] = address, alt, "lazy"
    return shown


def _caption(ui: Any, text: str, trigger: str, *, replaced: bool = False) -> None:
    """Write a caption with its trigger marked, and struck through where it is to be replaced."""
    with ui.element("p").classes("caption"):
        before, marked, after = split(text, trigger)
        for tag, part in (("span", before), ("del" if replaced else "mark", marked), ("span", after)):
            if part:
                _text(ui, tag, part)


def _paged(ui: Any, count: int, draw: Callable[[int], None], shown: Shown) -> None:
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
