"""The pages in a real browser, headless Chromium: nothing is loaded, nothing runs over the edge, the slider moves."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.benchmark.test_tables import cell, report as benchmark_report
from tests.browser import NEEDS_BROWSER, set_width
from tests.report.test_html import HOSTILE, REPORT, SETTINGS, STUDY
from tests.report.test_pictures import pair
from unlearnable.report import ManifestLine, TableRecord
from unlearnable.report.html import benchmark_page, protect_page
from unlearnable.report.pictures import thumbnails
from unlearnable.verify.summary import verify_page

ATTACKS = (
    "<script>document.title='hacked'</script>",
    '"><img src=x onerror="document.title=\'hacked\'">',
    "' onfocus='document.title=1' autofocus x='",
    "javascript:document.title=1",
    "\u202egnp.exe {{ 7*7 }} </style></title><svg onload=document.title=1>",
    "https://example.org/a.png",
    "w" * 300,
)
pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pictures = thumbnails(*pair(240, 360))
    lines = [
        ManifestLine(source=text, output=text, trigger="one two", captions=[f"{text} one two", text], psnr=37.0,
                     ssim=0.97, linf=8, notes=[text])
        for text in ATTACKS
    ]  # fmt: skip
    report = REPORT.model_copy(update={"output": ATTACKS[0], "notes": list(ATTACKS)})
    (folder / "protect.html").write_text(protect_page(report, lines, SETTINGS, dict.fromkeys(ATTACKS, pictures)))
    gallery = STUDY.gallery.model_copy(update={"near_duplicates": list(ATTACKS)})
    study = STUDY.model_copy(update={"notes": list(ATTACKS), "skipped": REPORT.skipped, "gallery": gallery})
    (folder / "verify.html").write_text(verify_page(study))
    table = TableRecord(
        title="Flickr8k",
        heads=["method", *(f"column {n}" for n in range(12))],
        rows=[[attack, *"123456789012"] for attack in ATTACKS],
        notes=list(ATTACKS),
    )
    figure = folder / "figure.svg"
    figure.write_text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='2000' height='90'><rect width='9' height='9'/></svg>"
    )
    made = benchmark_report([cell("clean")], title=HOSTILE, scale=ATTACKS[0], notes=list(ATTACKS))
    made = made.model_copy(update={"tables": [table], "output": str(folder), "figures": [figure.name]})
    (folder / "benchmark.html").write_text(benchmark_page(made))
    return folder


def open_page(browser, path, width=1440, **media):
    set_width(browser, width)
    features = [{"name": name, "value": value} for name, value in media.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    for log in ("browser", "performance"):
        browser.get_log(log)  # forget what was before
    browser.get(path.as_uri())


@pytest.mark.parametrize("name", ["protect", "verify", "benchmark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_a_page_opens_whole_without_a_complaint_or_a_request(browser, pages, name, width):
    open_page(browser, pages / f"{name}.html", width)
    title = browser.title
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [(pages / f"{name}.html").as_uri()]
    assert "hacked" not in title
    assert title not in ("", "1")
    assert browser.execute_script("return document.querySelectorAll('[onerror], [onload], [onfocus]').length") == 0


def test_the_slider_moves_by_mouse_and_by_keyboard(browser, pages):
    from selenium.webdriver import ActionChains, Keys
    from selenium.webdriver.common.by import By

    open_page(browser, pages / "protect.html")
    slider = browser.find_element(By.CSS_SELECTOR, "input[type=range]")

    def shown():
        edge = "getComputedStyle(document.querySelector('.compare img + img')).clipPath"
        return browser.execute_script(f"return {edge}")

    assert shown() == "inset(0px 0px 0px 50%)"
    slider.send_keys(Keys.ARROW_RIGHT * 3)
    assert shown() == "inset(0px 0px 0px 53%)"
    slider.send_keys(Keys.HOME)
    assert shown() == "inset(0px)" or shown().endswith("0%)")
    picture = browser.find_element(By.CSS_SELECTOR, ".compare img")
    box = picture.rect
    ActionChains(browser).move_to_element(picture).click_and_hold().move_by_offset(60, 0).release().perform()
    assert int(slider.get_attribute("value")) == pytest.approx(50 + 100 * 60 / box["width"], abs=2)
    assert shown().endswith(f" {slider.get_attribute('value')}%)")


def test_a_caption_is_copied_as_it_is_published(browser, pages):
    from selenium.webdriver import Keys
    from selenium.webdriver.common.by import By

    open_page(browser, pages / "protect.html")
    names = [each.accessible_name for each in browser.find_elements(By.CSS_SELECTOR, "button")]
    assert len(set(names)) == len(names), "of several buttons a screen reader says which photo is meant"
    for place in (".card", "table"):
        button = browser.find_element(By.CSS_SELECTOR, f"{place} button.copy")
        button.click()
        assert (button.text, button.accessible_name) == ("copied", "copied")
        browser.execute_script("document.body.append(document.createElement('textarea'))")
        field = browser.find_element(By.CSS_SELECTOR, "body > textarea:last-child")
        field.send_keys(Keys.CONTROL, "v")
        assert field.get_attribute("value") == f"{ATTACKS[0]} one two"


def test_tables_of_verify_are_stacked_on_a_phone(browser, pages):
    open_page(browser, pages / "verify.html", 360)
    script = "return [...document.querySelectorAll('.stack')].map(e => [e.scrollWidth, e.clientWidth])"
    boxes = browser.execute_script(script)
    assert len(boxes) >= 3
    assert all(inside <= outside for inside, outside in boxes)
    labels = "return [...document.querySelectorAll('.stack tr:not(:first-child) > *')].map(e => e.dataset.label || '')"
    assert all(browser.execute_script(labels))
    open_page(browser, pages / "verify.html", 1440)
    display = "return getComputedStyle(document.querySelector('.stack tr')).display"
    assert browser.execute_script(display) == "table-row"


def test_both_pictures_lie_upon_each_other_and_side_by_side_in_print(browser, pages, tmp_path):
    script = (
        "return [...document.querySelectorAll('.card:first-child .compare img')]"
        ".map(i => { const b = i.getBoundingClientRect(); return [b.x, b.y, b.width, b.height] })"
    )
    for width in (360, 1440):
        open_page(browser, pages / "protect.html", width)
        boxes = browser.execute_script(script)
        np.testing.assert_allclose(boxes[0], boxes[1], atol=0.5)
        assert boxes[0][2] > 200
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    first, second = browser.execute_script(script)
    assert second[0] > first[0] + 50
    display = "return getComputedStyle(document.querySelector('input[type=range]')).display"
    assert browser.execute_script(display) == "none"
    line = ManifestLine(source="p.png", output="p.png", trigger="one two", captions=["one two"], psnr=37.0, ssim=0.97)
    (tmp_path / "a.html").write_text(protect_page(REPORT, [line], SETTINGS, {"p.png": thumbnails(*pair(600, 60))}))
    open_page(browser, tmp_path / "a.html")
    widths = "return [...document.querySelectorAll('.compare > *')].map(e => e.getBoundingClientRect().width)"
    assert browser.execute_script(widths) == [32, 32, 32], "the line would not be where one becomes the other"


def test_an_injected_script_would_not_run(browser, pages, tmp_path):
    page = (pages / "protect.html").read_text()
    bad = tmp_path / "bad.html"
    bad.write_text(page.replace("</main>", "<script>document.title = 'hacked'</script></main>"))
    open_page(browser, bad)
    assert browser.title != "hacked"
    assert "Content Security Policy" in browser.get_log("browser")[0]["message"]


def test_a_long_caption_leaves_the_page_short(browser, tmp_path):
    line = ManifestLine(source="p.png", output="p.png", trigger="one two", captions=["one two " * 8000], psnr=37.0)
    (tmp_path / "a.html").write_text(protect_page(REPORT, [line], SETTINGS, {"p.png": thumbnails(*pair(240, 360))}))
    for width in (360, 1440):
        open_page(browser, tmp_path / "a.html", width)
        assert browser.execute_script("return document.documentElement.scrollHeight") < 6000
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
