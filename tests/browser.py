"""A headless Chromium for tests of pages.

They are skipped where Chromium or its driver is missing, but not in `.ci/run`, which installs both and sets CI.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

NEEDS_BROWSER = [
    pytest.mark.enable_socket,
    pytest.mark.skipif(
        not os.environ.get("CI") and not (shutil.which("chromium") and shutil.which("chromedriver")),
        reason="needs chromium and chromedriver (Debian: chromium-driver)",
    ),
]


@contextmanager
def started():
    """A browser, with its logs of errors and of requests."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(shutil.which("chromedriver") or "chromedriver"))
    try:
        driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})  # else no page may copy
        yield driver
    finally:
        driver.quit()


def set_width(driver, width):
    """Make the page as wide as that of a phone or a desktop."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
