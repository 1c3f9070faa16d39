"""The page: photos and captions, a look before anything is written, posts that are ready; and how far the work is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from unlearnable.app.desk import Desk, Stage
from unlearnable.errors import UnlearnableError, worded
from unlearnable.posts import Dataset
from unlearnable.protect.posts import captions_note
from unlearnable.report.html import split
from unlearnable.settings import PlatformName
from unlearnable.storage.folders import at_home
from unlearnable.wording import counted

TITLE = "unlearnable"
STYLE = Path(__file__).with_name("style.css")
TICK = 0.4  # seconds
ON_A_PAGE = 24  # photos
LONGEST_CAPTION = 100_000  # characters; Facebook takes 63,206, and the web socket a megabyte
WORK = {
    "fast": "fast: least work, little noise; a filter changes the colours",
    "balanced": "balanced: what unlearnable does by itself",
    "strong": "strong: takes longer, is seen more",
    "paper": "paper: the published method, which hardly holds on models unlike the bundled one",
}
NOISE = {8: "faint", 16: "twice that: seen more, protects more"}  # by the bound, in 1/255
PLACES = {None: "anywhere, in full size", **{name: name for name in get_args(PlatformName)}}
NOT_ARRIVED = "it did not arrive. Is there room on the disk? Drop it again"
NOT_COPIED = "The browser did not allow it: mark the caption and copy it yourself"
LATE = (
    "Some files came after the work began and are not in it. Go back to the captions to take them in; once the copies "
    "are written, drop them again."
)
PRIVATE = (
    "They are copied into a folder that only you can read and that is removed at the end. Nothing leaves this "
    "computer, and no copy is written before you say so."
)
REVIEW = (
    "The marked words, the trigger, will stand in your captions. Press a photo to see it before and after, at 100 %. "
    "Words you do not like can be changed; the noise is then made for the others."
)
NAMES = "(info) => emit(info.files.map((file) => file.name))"
AT_FULL_SIZE = "e => { const i = e.target; i.style.width = i.naturalWidth / devicePixelRatio + 'px' }"
FLIP = "e => e.currentTarget.classList.toggle('flipped')"
COPY = "() => navigator.clipboard.writeText({text}).then(() => emit(true), () => emit(false))"
SCRIPT = """<script>
new MutationObserver(() => document.querySelectorAll(".q-btn:has(input[type=file]):not([aria-label])")
  .forEach(button => button.ariaLabel = "Choose photos")  // a screen reader would say that no file is chosen
).observe(document, {childList: true, subtree: true});
let last = "";  // what had the focus, if it is a field or a button of a card
addEventListener("focusin", ({target}) => {
  if (target.matches("h2")) return;
  const [name, value] = Object.entries(target.dataset)[0] || [];
  last = name ? `[data-${name}="${value}"]` : "";
});
window.refocus = () => setTimeout(() => {
  if (!document.activeElement.matches("body, h2")) return;
  const heading = [...document.querySelectorAll(".page h2")].find(each => each.offsetParent);
  heading.tabIndex = -1;  // so that a view that follows another is read aloud
  ((last && document.querySelector(last)) || heading).focus({preventScroll: true});
}, 50);  // milliseconds, after which the new elements are there
</script>"""


def draw(ui: Any, desk: Desk) -> None:
    """Draw the page, and keep it as the desk is."""
    ui.add_css(STYLE.read_text(encoding="utf-8"))
    ui.add_body_html(SCRIPT)
    ui.colors(primary="#1f5f8b", positive="#1a7f37")
    views = {Stage.RECEIVED: _draw_received, Stage.REVIEWED: _draw_review, Stage.PUBLISHED: _draw_published}
    seen, pages = desk.state, dict.fromkeys(Stage, 1)

    def draw_content() -> None:
        if desk.lost:  # the list of what was dropped takes none again that is in it
            upload.run_method("removeUploadedFiles")
            upload.run_method("removeQueuedFiles")
        for text in filter(None, (*desk.lost.values(), desk.error)):
            _text(ui, "p", text).classes("error").props('role="alert"')
        if desk.away:
            _draw_work(ui, desk)
        else:
            views[desk.stage](ui, desk, pages)

    content = ui.refreshable(draw_content)

    def tick() -> None:
        nonlocal seen
        if seen != desk.state:
            seen = desk.state
            drop.set_visibility(desk.stage is Stage.RECEIVED and not desk.away)
            content.refresh()
            ui.run_javascript("refocus()")

    with ui.element("div").classes("page"):
        _text(ui, "h1", TITLE)
        drop, upload = _draw_drop(ui, desk)
        drop.set_visibility(desk.stage is Stage.RECEIVED and not desk.away)
        looking = _text(ui, "p", "Looking at what came ...").props('role="status"')
        looking.bind_visibility_from(desk, "looking")
        _text(ui, "p", LATE).props('role="status" id="late"').bind_visibility_from(desk, "late")
        content()
    ui.timer(TICK, tick)


def _draw_work(ui: Any, desk: Desk) -> None:
    """Draw how far the work is."""
    with ui.element("section").props('role="status"'):
        doing = ui.element("h2")
        bar = ui.linear_progress(0, show_value=False, size="12px").props("rounded instant-feedback aria-label=Progress")
        notes = ui.element("p")
        ui.button("Stop", on_click=desk.stop).props('flat no-caps id="stop"')

    def tick() -> None:
        watch = desk.watch
        if watch is not None:
            doing.props["innerText"] = f"{watch.doing[:1].upper()}{watch.doing[1:]} ..."
            bar.value = watch.share
            notes.props["innerText"] = "\n".join(watch.notes)

    tick()
    ui.timer(TICK, tick)


def _draw_drop(ui: Any, desk: Desk) -> tuple[Any, Any]:
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
        _text(ui, "p", PRIVATE)
        remove = ui.button("Remove them all", on_click=restart).props('flat no-caps id="restart"')
        remove.bind_visibility_from(desk, "holds")
    return section, drop


def _draw_received(ui: Any, desk: Desk, pages: dict[Stage, int]) -> None:
    """Draw captions and settings, once there are photos."""
    if desk.dataset is not None:
        _draw_captions(ui, desk, desk.dataset, pages)
        _draw_settings(ui, desk.chosen, desk.start)


def _draw_captions(ui: Any, desk: Desk, dataset: Dataset, pages: dict[Stage, int]) -> None:
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
            if not typed or note != captions_note(dataset):  # the fields show what it says
                _text(ui, "p", note)
        _draw_cards(ui, len(dataset.photos), card, pages, Stage.RECEIVED)


def _draw_settings(ui: Any, chosen: dict[str, Any], start: Callable[[], None]) -> None:
    def keep(field: Any, read: Callable[[str], dict[str, Any]]) -> None:
        field.classes("wide").props("outlined dense").on_value_change(
            lambda event: chosen.update(read(event.value or ""))
        )

    with ui.element("section"):
        _text(ui, "h2", "3. Protect them")
        with ui.element("div").classes("fields"):
            bounds = {chosen["epsilon"]: f"up to {chosen['epsilon']}/255", **NOISE}
            for name, label, choices in (
                ("preset", "Amount of work", WORK),
                ("epsilon", "Noise", bounds),
                ("platform", "Where they will be posted", PLACES),
            ):
                ui.select(choices, label=label).bind_value(chosen, name).props("outlined dense")
        names = ui.input("Names to write as initials", value=", ".join(chosen["name"]), placeholder="Ada Cox, Mia")
        keep(names.props("data-initials"), initials_of)
        folder = ui.input("Folder for the copies", value=str(chosen["output"]))
        keep(folder, lambda text: {"output": folder_of(text)})
        ui.button("Make noise and words", on_click=start).props('unelevated no-caps id="start"')


def initials_of(text: str) -> dict[str, Any]:
    """Return the settings that write the names of a list with commas as initials; with none they stay."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return {"names": "initials" if names else "keep", "name": names}


def folder_of(text: str) -> Path:
    """Return the folder that a user typed, without spaces around it and with `~` for their home."""
    return at_home(Path(text.strip() or "."))


def _draw_review(ui: Any, desk: Desk, pages: dict[Stage, int]) -> None:
    """Draw photos before and after, and their words, which may be changed, while nothing is written yet."""
    compare = _draw_comparison(ui, desk)

    def card(number: int) -> None:
        post = desk.posts[number]
        with ui.element("button").classes("look").on("click", lambda: compare(number)) as button:
            button.props["aria-label"], button.props["type"] = f"Compare {Path(post.photo).name}", "button"
            _photo(ui, address_of(number, "original", post.original), post.photo)
        for text in post.captions:
            _caption(ui, text, post.trigger)
        if post.trigger:
            words(number)

    def words(number: int) -> None:
        name = Path(desk.posts[number].photo).name
        field = ui.input("Words", value=desk.words.get(number, desk.posts[number].trigger))
        field.props(f"outlined dense stack-label data-words={number}").props["aria-label"] = f"Words of {name}"
        field.on_value_change(lambda event: desk.words.update({number: event.value or ""}))
        if number in desk.changed:
            field.classes("changed")
        other = ui.button("Other words", on_click=lambda: desk.redraw(number))
        other.props(f"flat dense no-caps data-redraw={number}").props["aria-label"] = f"Other words for {name}"

    def confirm() -> None:
        try:
            desk.confirm()
        except UnlearnableError as error:
            ui.notify(worded(error.message, lambda name, _: name), type="negative")

    def next_step(changed: dict[int, str]) -> str:
        return (
            f"Make the noise for {counted(len(changed), 'other trigger')}" if changed else "Write the protected copies"
        )

    with ui.element("section"):
        _text(ui, "h2", "Look before anything is written")
        _text(ui, "p", REVIEW)
        _draw_cards(ui, len(desk.posts), card, pages, Stage.REVIEWED)
    with ui.element("section"):
        _text(ui, "p", f"They will be written to {desk.chosen['output']}.")
        button = ui.button(next_step(desk.changed), on_click=confirm).props('unelevated no-caps id="confirm"')
        button.bind_text_from(desk, "changed", next_step)
        ui.button("Back to the captions", on_click=desk.back).props('flat no-caps id="back"')


def _draw_comparison(ui: Any, desk: Desk) -> Callable[[int], None]:
    """Draw a dialog with one photo at 100 %, whose other version a press on it shows; return what opens it."""
    with ui.dialog().props("maximized") as dialog, ui.element("div").classes("compare"):
        with ui.element("header"):
            title = ui.element("strong")
            ui.button("Close", color="white", on_click=dialog.close).props("outline no-caps")
        pane = ui.element("div").classes("pane")

    def show(number: int) -> None:
        name = Path(desk.posts[number].photo).name
        title.props["innerText"] = f"{name} at 100 %. Press the photo."
        dialog.props["aria-label"] = f"{name} at 100 %"
        pane.clear()
        with pane, ui.element("button").classes("both").on("click", js_handler=FLIP) as both:
            both.props["type"] = "button"  # its name is the title of what it shows, read aloud when that changes
            for side, text in (("after", "after: as it will be written"), ("before", "before: without noise")):
                with ui.element("span").classes(side):
                    _text(ui, "b", text)
                    _photo(ui, f"photos/{number}/{side}?{desk.version}", "", "full").on("load", js_handler=AT_FULL_SIZE)
        dialog.open()

    return show


def _draw_published(ui: Any, desk: Desk, pages: dict[Stage, int]) -> None:
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
            button.on("click", tell, js_handler=COPY.format(text=json.dumps(text)))

    def tell(event: Any) -> None:
        ui.notify("Copied" if event.args else NOT_COPIED, type="positive" if event.args else "warning")

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
        _draw_cards(ui, len(desk.copies), card, pages, Stage.PUBLISHED)
        ui.button("Protect other photos", on_click=desk.restart).props('flat no-caps id="again"')


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


def _caption(ui: Any, text: str, trigger: str) -> None:
    """Write a caption with its trigger marked."""
    with ui.element("p").classes("caption"):
        for tag, part in zip(("span", "mark", "span"), split(text, trigger), strict=True):
            if part:
                _text(ui, tag, part)


def _draw_cards(ui: Any, count: int, draw: Callable[[int], None], pages: dict[Stage, int], stage: Stage) -> None:
    """Draw cards by number, a page of them at a time; a stage that is drawn again stays at its page."""
    last = max(1, -(-count // ON_A_PAGE))
    pages[stage] = min(pages[stage], last)

    def draw_page() -> None:
        with ui.element("div").classes("cards"):
            for number in range((pages[stage] - 1) * ON_A_PAGE, min(pages[stage] * ON_A_PAGE, count)):
                with ui.element("article").classes("card"):
                    draw(number)

    cards = ui.refreshable(draw_page)
    cards()

    def turn(event: Any) -> None:
        pages[stage] = event.value
        cards.refresh()

    if last > 1:
        ui.pagination(1, last, direction_links=True, value=pages[stage], on_change=turn)
