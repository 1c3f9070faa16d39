"""The first view: photos or an export are dropped here, and get their captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnable.app.desk import PLATFORMS, PRESETS, Desk
from unlearnable.app.views.parts import Shown, address_of, paged, photo
from unlearnable.datasets import Dataset
from unlearnable.protect.posts import said_of_captions
from unlearnable.wording.counts import counted

WORK = {
    "fast": "fast: least work, hardly holds on models unlike the bundled one",
    "balanced": "balanced: what unlearnable does by itself",
    "strong": "strong: takes longer, is seen more",
}
NOISE = {8: "faint", 16: "twice that: seen more, protects more"}  # by the bound, in 1/255
NOT_ARRIVED = "it did not arrive. Is there room on the disk? Drop it again"
NAMES = "(info) => emit(info.files.map((file) => file.name))"
LONGEST_CAPTION = 100_000  # characters; Facebook takes 63,206, and the web socket a megabyte
ANYWHERE = "anywhere, in full size"


def draw_drop(ui: Any, desk: Desk) -> tuple[Any, Any]:
    """Draw the place to drop photos, which stays while they arrive; return it and what takes them there."""
    with ui.element("section") as section:
        ui.element("h2").props["innerText"] = "1. Your photos"
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
        ui.element("p").props["innerText"] = f"{note}this computer, and nothing is written before you say so."
        remove = ui.button("Remove them all", on_click=restart).props('flat no-caps id="restart"')
        remove.bind_visibility_from(desk, "holds")
    return section, drop


def draw(ui: Any, desk: Desk, shown: Shown) -> None:
    """Draw captions and settings, once there are photos."""
    if desk.dataset is not None:
        _captions(ui, desk, desk.dataset, shown)
        _how(ui, desk)


def _captions(ui: Any, desk: Desk, dataset: Dataset, shown: Shown) -> None:
    with ui.element("section"):
        ui.element("h2").props["innerText"] = f"2. Their captions ({counted(len(dataset.photos), 'photo')})"
        typed = desk.inbox.takes_captions(dataset)
        for note in desk.notes:
            if not typed or note != said_of_captions(dataset):  # the fields show what it says
                ui.element("p").props["innerText"] = note
        captions = dataset.captions_by_photo()
        invented = dataset.uncaptioned

        def card(number: int) -> None:
            one = dataset.photos[number]
            photo(ui, address_of(number, "received", one.path), one.id)
            made = captions[one.id][0] if one.id in invented else ""
            if not typed:
                for text in captions[one.id]:
                    ui.element("p").classes("caption").props["innerText"] = text
                return
            name = Path(one.id).name
            ui.element("p").classes("name").props["innerText"] = name
            field = ui.textarea(value=desk.captions.get(one.id, ""))
            field.props(f"autogrow outlined dense maxlength={LONGEST_CAPTION} data-photo={number}")
            field.props["aria-label"] = f"Caption of {name}"
            field.props["placeholder"] = made or captions[one.id][0]

            def keep(event: Any) -> None:
                desk.captions[one.id] = event.value or ""

            field.on_value_change(keep)

        paged(ui, len(dataset.photos), card, shown)


def _how(ui: Any, desk: Desk) -> None:
    with ui.element("section"):
        ui.element("h2").props["innerText"] = "3. Protect them"
        with ui.element("div").classes("fields"):
            work = ui.select({name: WORK[name] for name in PRESETS}, value=desk.preset, label="Amount of work")
            work.props("outlined dense").on_value_change(lambda event: setattr(desk, "preset", event.value))
            bounds = {desk.epsilon: f"up to {desk.epsilon}/255", **NOISE}
            noise = ui.select(bounds, value=desk.epsilon, label="Noise")
            noise.props("outlined dense").on_value_change(lambda event: setattr(desk, "epsilon", event.value))
            places: dict[str | None, str] = {None: ANYWHERE, **{name: name for name in PLATFORMS}}
            where = ui.select(places, value=desk.platform, label="Where they will be posted")
            where.props("outlined dense").on_value_change(lambda event: setattr(desk, "platform", event.value))
        names = ui.input("Names to write as initials", value=", ".join(desk.name), placeholder="Ada Cox, Mia")
        names.classes("wide").props("outlined dense data-initials")
        names.on_value_change(lambda event: desk.write_as_initials(_listed(event.value or "")))
        ui.button("Make noise and words", on_click=desk.start).props('unelevated no-caps id="start"')


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
