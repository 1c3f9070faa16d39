"""Take screenshots of report pages for the docs, at the width of a phone and of a desktop.

python tools/screenshots.py PAGE.html OUT_STEM        (needs chromium and chromium-driver)
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

WIDTHS = (360, 1440)
MOST = 1500  # height in pixels; the rest of a page is cut off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("stem", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--top", type=int, default=0, help="top of the picture, in pixels")
    arguments = parser.parse_args()
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = Chrome(options=options, service=ChromeService(shutil.which("chromedriver") or "chromedriver"))
    scheme = "dark" if arguments.dark else "light"
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    try:
        for width in WIDTHS:
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            browser.get(arguments.page.absolute().as_uri())
            height = browser.execute_script("return document.documentElement.scrollHeight") - arguments.top
            clip = {"x": 0, "y": arguments.top, "width": width, "height": min(height, MOST), "scale": 1}
            shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
            with Image.open(io.BytesIO(base64.b64decode(shot["data"]))) as image:
                path = arguments.stem.with_name(f"{arguments.stem.name}_{width}.png")
                colours = image.convert("RGB")
                dithered = colours.quantize(palette=colours.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
                dithered.save(path, optimize=True)
                print(path, f"{path.stat().st_size / 1000:.0f} kB")
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
