"""The window in a real browser: from photos that are dropped to captions that are copied, on the tiny encoder."""

from __future__ import annotations

import json
import stat
import time

import numpy as np
import pytest
from PIL import Image

from tests.app.window import opened
from tests.browser import NEEDS_BROWSER, set_width
from tests.cli.program import POSIX
from tests.conftest import picture, tree

pytestmark = [*NEEDS_BROWSER, POSIX]
HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\"> `${1}`"
CAPTIONS = ["a dog runs on grass", HOSTILE, "", "sunset with Ada and Ben Cox"]
PATIENCE = 240  # seconds, on a machine that others use too


@pytest.fixture(scope="module")
def running(tmp_path_factory, tiny_path):
    with opened(tmp_path_factory.mktemp("window"), tiny_path) as window:
        yield window


@pytest.fixture
def window(running, browser):
    """A window that holds nothing: the test before has left what it dropped."""
    yield running
    browser.get(running.address)
    press(browser, "#restart")
    wait(browser, "!document.querySelector('textarea[data-photo], .card')")


@pytest.fixture
def dropped(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(4):
        Image.fromarray(picture(number, 480, 640)).save(folder / f"p{number}.png")
    return folder


def wait(browser, script):
    """Wait until a script returns something true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, PATIENCE, 0.2).until(lambda driver: driver.execute_script(f"return {script}"), script)


def press(browser, selector):
    wait(browser, f"document.querySelector({selector!r})")
    browser.execute_script(f"document.querySelector({selector!r}).click()")


def drop(browser, *paths):
    wait(browser, "document.querySelector('input[type=file]')")
    browser.find_element("css selector", "input[type=file]").send_keys("\n".join(map(str, paths)))


def received(browser, count):
    """Wait until all photos are there and the page, which is drawn again as they come, is as it stays."""
    wait(browser, f"document.querySelectorAll('textarea[data-photo]').length == {count}")
    time.sleep(2)  # a file's name is there before it has been looked at
    wait(browser, "[...document.querySelectorAll('[role=status]')].every(each => each.offsetParent === null)")
    time.sleep(1)
    assert browser.execute_script("return document.querySelectorAll('textarea[data-photo]').length") == count


def type_captions(browser, captions):
    from selenium.common.exceptions import ElementNotInteractableException
    from selenium.webdriver.support.ui import WebDriverWait

    for number, text in captions.items():
        field = browser.find_element("css selector", f"textarea[data-photo='{number}']")
        patient = WebDriverWait(browser, PATIENCE, 0.2, [ElementNotInteractableException])  # the page may still widen
        patient.until(lambda _, field=field, text=text: field.send_keys(text) is None)
    time.sleep(1)  # the last keys are on their way


def loaded(browser):
    wait(browser, "[...document.images].every(i => i.complete && i.naturalWidth > 0) && document.images.length > 0")


def narrow_enough(browser):
    for width in (360, 1440):
        set_width(browser, width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def requests_of(browser):
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith(("data:", "blob:"))]


def published(window):
    return {path.parent for path in window.folder.glob("*/metadata.jsonl")}


def test_long_names_and_captions_stay_whole(browser, window, tmp_path):
    photo = tmp_path / f"{'0123456789_' * 6}n.png"
    Image.fromarray(picture(0)).save(photo)
    set_width(browser, 360)
    browser.get(window.address)
    drop(browser, photo)
    received(browser, 1)
    text = ("all of it " * 6400).strip()
    browser.execute_script("document.querySelector('textarea[data-photo]').focus()")
    browser.execute_cdp_cmd("Input.insertText", {"text": text})
    time.sleep(2)  # it is on its way
    press(browser, "#start")
    wait(browser, f"document.querySelector('.caption')?.textContent.endsWith(' {text}')")
    press(browser, ".look")
    wait(browser, "document.querySelector('.after .full')?.naturalWidth")
    time.sleep(1)  # the dialog grows as it opens
    close = browser.find_element("css selector", ".compare header button")
    assert close.rect["x"] + close.rect["width"] <= 360
    set_width(browser, 1440)


def test_a_file_that_does_not_arrive_is_said(browser, window, dropped):
    browser.get(window.address)
    wait(browser, "document.querySelector('input[type=file]')")
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/upload/*"]})
    photo = min(dropped.iterdir())
    drop(browser, photo)
    try:
        wait(browser, "document.body.innerText.includes('p0.png was not taken: it did not arrive')")
    finally:
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    drop(browser, photo)
    received(browser, 1)
    assert "was not taken" not in browser.find_element("css selector", "body").text
    browser.get_log("browser")


def test_the_page_of_cards_stays_while_more_arrives_and_what_is_not_read_is_said(browser, window, tmp_path):
    photos = [tmp_path / f"p{number:02}.png" for number in range(26)]
    for number, path in enumerate(photos):
        Image.fromarray(picture(number)).save(path)
    browser.get(window.address)
    drop(browser, *photos[:25])
    received(browser, 24)
    press(browser, ".q-pagination [aria-label='2']")
    received(browser, 1)
    type_captions(browser, {24: "a dog"})
    (tmp_path / "film.mov").write_bytes(b"film")
    (tmp_path / "others.csv").write_text("image,caption\nq1.png,a dog\n")
    drop(browser, photos[25], tmp_path / "film.mov", tmp_path / "others.csv")
    received(browser, 2)
    text = browser.find_element("css selector", "body").text
    assert "2 files not read: 1 .csv, 1 .mov" in text
    assert "have a caption of yours" not in text
    wait(browser, "document.activeElement.matches(\"textarea[data-photo='24']\")")
    browser.switch_to.active_element.send_keys(" runs")
    assert browser.switch_to.active_element.get_attribute("value") == "a dog runs"


def names_of_controls(browser):
    """The names under which a screen reader tells what the Tab key reaches."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    seen = [node for node in nodes if not node["ignored"] and node["role"]["value"] in ("button", "textbox", "link")]
    return sorted(node["name"]["value"] for node in seen if node["name"]["value"] != "Choose Files")


def test_by_keyboard_and_screen_reader(browser, window, dropped):
    set_width(browser, 1440)
    browser.get(window.address)
    drop(browser, *sorted(dropped.iterdir())[:2])
    received(browser, 2)
    assert names_of_controls(browser) == sorted(
        [
            "Choose photos",
            "Remove them all",
            "Caption of p0.png",
            "Caption of p1.png",
            "Names to write as initials",
            "Folder for the copies",
            "Make noise and words",
        ]
    )
    assert browser.execute_script("return document.querySelectorAll('main, [role=main]').length") == 1
    browser.execute_script("document.querySelector('#start').focus()")
    browser.switch_to.active_element.send_keys("\ue007")
    wait(browser, "document.activeElement.matches('h2') && document.querySelector('#confirm')")
    wait(browser, "document.activeElement.innerText == 'Look before anything is written'")
    for name in ("p0.png", "p1.png"):
        own = {f"Compare {name}", f"Words of {name}", f"Other words for {name}"}
        assert own <= set(names_of_controls(browser))
    browser.switch_to.active_element.send_keys("\ue004\ue004\ue004")
    style = "getComputedStyle(document.activeElement)"
    assert browser.execute_script("return document.activeElement.dataset.redraw") == "0"
    assert browser.execute_script(f"return {style}.outlineStyle + {style}.outlineWidth") == "solid3px"
    press(browser, ".look")
    wait(browser, "document.querySelector('.both')?.innerText.trim() == 'after: as it will be written'")
    assert "after: as it will be written" in names_of_controls(browser)
    press(browser, ".both")
    assert "before: without noise" in names_of_controls(browser)
    press(browser, ".compare header .q-btn")
    wait(browser, "!document.querySelector('.both')?.offsetParent")
    browser.execute_script("document.querySelector('#confirm').focus()")
    browser.switch_to.active_element.send_keys(" ")
    wait(browser, "document.activeElement.innerText == '2 photos ready to post'")
    assert {"Copy caption of p0.png", "Copy caption of p1.png"} <= set(names_of_controls(browser))


def test_nothing_is_cut_off_at_400_percent_and_forced_colours_leave_buttons(browser, window, dropped):
    set_width(browser, 500)
    browser.get(window.address)
    drop(browser, min(dropped.iterdir()))
    received(browser, 1)
    type_captions(browser, {0: " ".join(CAPTIONS[:1] * 8)})
    set_width(browser, 320)  # a caption that was typed in a wider window grows with a narrower one
    field = browser.find_element("css selector", "textarea[data-photo]")
    assert browser.execute_script("return arguments[0].scrollHeight - arguments[0].clientHeight", field) <= 1
    cut = "[...document.querySelectorAll('.fields span')].filter(e => e.scrollWidth > e.clientWidth).length"
    assert browser.execute_script(f"return {cut}") == 0
    white_on = browser.execute_script("return getComputedStyle(document.body).getPropertyValue('--q-positive')")
    assert white_on == "#1a7f37", "“Copied” is white upon it, which Quasar's own green is too light for"
    border = "return getComputedStyle(document.querySelector('#start')).borderTopWidth"
    assert browser.execute_script(border) == "0px"
    media = [{"name": "forced-colors", "value": "active"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    assert browser.execute_script(border) == "1px"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    press(browser, "#start")
    press(browser, "#confirm")
    wait(browser, "document.querySelector('summary')")
    shown = "return getComputedStyle(document.querySelector('summary')).display"
    assert browser.execute_script(shown) == "list-item", "nothing would say that it opens"


def test_a_page_that_is_busy_for_long_is_not_given_up(browser, window, dropped):
    browser.get(window.address)
    drop(browser, min(dropped.iterdir()))
    received(browser, 1)
    browser.set_script_timeout(PATIENCE)
    browser.execute_script("window.same = true; const end = Date.now() + 9_000; while (Date.now() < end);")
    time.sleep(3)  # of those that it would take to load anew
    assert browser.execute_script("return window.same"), "it was loaded anew, and what was on its way is lost"
    type_captions(browser, {0: "a dog"})
    browser.refresh()
    wait(browser, "document.querySelector('textarea[data-photo]')?.value == 'a dog'")
    browser.get_log("browser")


def test_from_photos_to_copied_captions(browser, running, dropped):
    """The last test, which ends the window."""
    window, before, earlier = running, tree(dropped), published(running)
    set_width(browser, 1440)
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(window.address)
    photos = sorted(dropped.iterdir())
    wait(browser, "document.querySelector('#restart')")
    assert not browser.find_element("id", "restart").is_displayed(), "there is nothing to remove"
    drop(browser, *photos[:2])
    received(browser, 2)
    assert browser.find_element("id", "restart").is_displayed()
    type_captions(browser, {0: CAPTIONS[0], 1: CAPTIONS[1]})
    browser.execute_script("document.querySelector('.drop').known = true")
    drop(browser, *photos[2:])
    received(browser, 4)
    assert browser.execute_script("return document.querySelector('.drop').known"), "what still arrives would be lost"
    loaded(browser)
    narrow_enough(browser)
    [scratch] = window.temporary.glob("unlearnable-*")
    assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
    type_captions(browser, {3: CAPTIONS[3]})
    browser.find_element("css selector", "input[data-initials]").send_keys(" Ben Cox,")
    press(browser, "#start")

    wait(browser, "document.querySelector('#confirm')")
    assert published(window) == earlier, "something was written before the user said so"
    loaded(browser)
    narrow_enough(browser)
    trigger = browser.execute_script("return document.querySelector('mark').innerText")
    assert len(trigger.split()) == 3
    assert browser.title == "unlearnable"

    press(browser, ".look")
    wait(browser, "[...document.querySelectorAll('.full')].length == 2")
    wait(browser, "document.querySelector('.after .full').naturalWidth == 640")
    wait(browser, "document.querySelector('.after .full').getBoundingClientRect().width == 640")
    press(browser, ".both")
    wait(browser, "document.querySelector('.before .full').getBoundingClientRect().width == 640")
    press(browser, ".compare header .q-btn")

    browser.find_element("css selector", "input[data-words='1']").send_keys(" mine")
    time.sleep(1)  # the last keys are on their way
    browser.find_element("css selector", "[data-redraw='0']").send_keys(" ")
    wait(browser, "document.querySelector('#confirm')?.innerText.startsWith('Make the noise')")
    wait(browser, f"document.querySelector('input[data-words=\"0\"]')?.value != {trigger!r}")
    wait(browser, "document.activeElement.matches(\"[data-redraw='0']\")")
    assert browser.execute_script("return document.querySelector('input[data-words=\"1\"]').value").endswith(" mine")
    other = browser.execute_script("return document.querySelector('input[data-words=\"0\"]').value")
    assert not set(other.split()) & set(trigger.split())
    press(browser, "#confirm")
    wait(browser, "document.body.innerText.includes('mine')")
    assert browser.find_elements("css selector", "input[data-words]"), "words that are no trigger were passed over"
    typed = browser.find_element("css selector", "input[data-words='1']")
    typed.send_keys("\ue003" * len(" mine"))  # backspace
    time.sleep(1)
    press(browser, "#confirm")
    wait(browser, f"document.querySelector('mark')?.innerText == {other!r}")
    assert published(window) == earlier

    press(browser, "#confirm")
    wait(browser, "document.querySelectorAll('[data-copy]').length == 4")
    loaded(browser)
    narrow_enough(browser)
    browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    for number in (0, 1):
        pressed = f"document.querySelector('[data-copy=\"{number}\"]').click()"  # Chromium may refuse the first time
        ends = f"text => text.endsWith({json.dumps(f' {CAPTIONS[number]}')}) && text"
        copied = wait(browser, f"({pressed}, navigator.clipboard.readText().then({ends}))")
    assert copied.split()[3] == HOSTILE.split()[0]
    assert browser.title == "unlearnable"
    assert [url for url in requests_of(browser) if not url.startswith(window.address)] == []
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []

    (output,) = published(window) - earlier
    private = output.with_name(f"{output.name}.private")
    rows = [json.loads(line) for line in (output / "metadata.jsonl").read_text().splitlines()]
    assert rows[0] == {"file_name": "p0.png", "text": f"{other} {CAPTIONS[0]}"}
    assert rows[3]["text"].endswith("Ada and B. C.")
    assert {"report.html", "report.json", "manifest.jsonl", "run.toml", "SHA256SUMS"} == set(tree(private))
    for number in range(4):
        change = np.asarray(Image.open(output / f"p{number}.png")).astype(int) - picture(number, 480, 640)
        assert 0 < np.abs(change).max() <= 8
    assert tree(dropped) == before
    _, said = window.end()
    assert said == ""
    assert list(window.temporary.iterdir()) == []
