"""The page: one view for each stage, and how far the work is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unlearnable.app.desk import Desk, Stage
from unlearnable.app.views import Shown, draw_drop, draw_published, draw_received, draw_review

TITLE = "unlearnable"
STYLE = Path(__file__).with_name("style.css")
VIEWS = {Stage.RECEIVED: draw_received, Stage.REVIEWED: draw_review, Stage.PUBLISHED: draw_published}
TICK = 0.4  # seconds
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
LATE = (
    "Some files came after the work began and are not in it. Go back to the captions to take them in; once the copies "
    "are written, drop them again."
)


def draw(ui: Any, desk: Desk) -> None:
    """Draw the page, and keep it as the desk is."""
    ui.add_css(STYLE.read_text(encoding="utf-8"))
    ui.add_body_html(SCRIPT)
    ui.colors(primary="#1f5f8b", positive="#1a7f37")
    seen, shown = desk.state, {stage: Shown() for stage in Stage}

    def draw_content() -> None:
        if desk.lost:  # the list of what was dropped takes none again that is in it
            upload.run_method("removeUploadedFiles")
            upload.run_method("removeQueuedFiles")
        for text in filter(None, (*desk.lost.values(), desk.error)):
            ui.element("p").classes("error").props('role="alert"').props["innerText"] = text
        if desk.away:
            _work(ui, desk)
        else:
            VIEWS[desk.stage](ui, desk, shown[desk.stage])

    content = ui.refreshable(draw_content)

    def tick() -> None:
        nonlocal seen
        if seen != desk.state:
            seen = desk.state
            drop.set_visibility(desk.stage is Stage.RECEIVED and not desk.away)
            content.refresh()
            ui.run_javascript("refocus()")

    with ui.element("div").classes("page"):
        ui.element("h1").props["innerText"] = TITLE
        drop, upload = draw_drop(ui, desk)
        drop.set_visibility(desk.stage is Stage.RECEIVED and not desk.away)
        looking = ui.element("p").props('role="status"')
        looking.props["innerText"] = "Looking at what came ..."
        looking.bind_visibility_from(desk, "looking")
        late = ui.element("p").props('role="status" id="late"')
        late.props["innerText"] = LATE
        late.bind_visibility_from(desk, "late")
        content()
    ui.timer(TICK, tick)


def _work(ui: Any, desk: Desk) -> None:
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
