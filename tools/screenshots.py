"""Take screenshots of report pages, and of the window, for the docs, at the width of a phone and of a desktop.

python tools/screenshots.py PAGE.html OUT_STEM               (needs chromium and chromium-driver)
python tools/screenshots.py --app OUT_STEM PHOTO...          (and the extra app; protects the photos with --preset fast)
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = (360, 1440)
MOST = 1500  # height in pixels; the rest of a page is cut off
PATIENCE = 1800  # seconds
PICTURES = "document.images.length && [...document.images].every(i => i.complete && i.naturalWidth)"
PARTS = "[...document.querySelectorAll('main:not(.q-page), .page, footer')].map(e => e.getBoundingClientRect().bottom)"
HEIGHT = f"Math.ceil(Math.max(...{PARTS}))"
CAPTIONS = ("all our questions, in an orange suit", "Chelsea at home", "coffee before work", "the first one this year")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--app", action="store_true")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--top", type=int, default=0, help="top of the picture, in pixels")
    arguments = parser.parse_args()
    with started(dark=arguments.dark) as browser:
        if arguments.app:
            window(browser, arguments.paths[0], [path.absolute() for path in arguments.paths[1:]])
            return
        page, stem = arguments.paths
        browser.get(page.absolute().as_uri())
        take(browser, stem, arguments.top)


@contextmanager
def started(*, dark: bool) -> Iterator[Any]:
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = Chrome(options=options, service=ChromeService(shutil.which("chromedriver") or "chromedriver"))
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    try:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        yield browser
    finally:
        browser.quit()


def take(browser: Any, stem: Path, top: int = 0) -> None:
    """Take the open page at all widths."""
    for width in WIDTHS:
        for height in (900, MOST):  # at first as on a screen; then all of it, for what is out of view may not be drawn
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            time.sleep(1)  # what moves comes to rest
        WebDriverWait(browser, 60).until(lambda driver: driver.execute_script(f"return {PICTURES}") is not False)
        height = browser.execute_script(f"return {HEIGHT}") - top
        clip = {"x": 0, "y": top, "width": width, "height": min(height, MOST), "scale": 1}
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        with Image.open(io.BytesIO(base64.b64decode(shot["data"]))) as image:
            path = stem.with_name(f"{stem.name}_{width}.png")
            colours = image.convert("RGB")
            dithered = colours.quantize(palette=colours.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
            dithered.save(path, optimize=True)
            print(path, f"{path.stat().st_size / 1000:.0f} kB")


def window(browser: Any, stem: Path, photos: Sequence[Path]) -> None:
    """Protect photos in the window as a user would, and take each of its views."""

    def wait(script: str) -> None:
        WebDriverWait(browser, PATIENCE).until(lambda driver: driver.execute_script(f"return {script}"), script)

    def press(selector: str) -> None:
        wait(f"document.querySelector({selector!r})")
        browser.execute_script(f"document.querySelector({selector!r}).click()")

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "unlearnable", "app", "--no-browser", "--output", "posts-protected"]
        environment = {**os.environ, "UNLEARNABLE_PRESET": "fast", "UNLEARNABLE_STATE": folder}
        process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            browser.get(process.stdout.readline().split()[1])
            wait("document.querySelector('input[type=file]')")
            browser.find_element("css selector", "input[type=file]").send_keys("\n".join(map(str, photos)))
            wait(f"document.querySelectorAll('textarea[data-photo]').length == {len(photos)} && {PICTURES}")
            for number, text in zip(range(len(photos)), CAPTIONS, strict=False):
                browser.find_element("css selector", f"textarea[data-photo='{number}']").send_keys(text)
            take(browser, stem.with_name(f"{stem.name}_received"))
            press("#start")
            wait(f"document.querySelector('#publish') && {PICTURES}")
            take(browser, stem.with_name(f"{stem.name}_drafted"))
            press("#publish")
            wait(f"document.querySelectorAll('[data-copy]').length == {len(photos)} && {PICTURES}")
            take(browser, stem.with_name(f"{stem.name}_published"))
        finally:
            process.terminate()
            process.wait(timeout=60)


if __name__ == "__main__":
    main()
