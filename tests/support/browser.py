"""A headless Chromium for tests of web pages; skips them where it is not installed."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any, Callable

import pytest


def headless(tmp: Any, *, dark: bool = False, width: int = 1280, height: int = 900) -> Any:
    """A Selenium driver with its profile in the folder `tmp`; needs Debian's `chromium` and `chromium-driver`."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}"]
    # Chromium does not start its sandbox as root, which a CI machine is.
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    for argument in [*arguments, f"--user-data-dir={tmp}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    from selenium.webdriver.chrome.service import Service

    made = webdriver.Chrome(options=options, service=Service(driver))
    made.set_script_timeout(60)
    made.set_page_load_timeout(60)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    made.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    return made


def wait(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Waits until `condition()` is true, and returns its value. Raises AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        given = condition()
        if given:
            return given
        assert time.monotonic() < end, f"the condition was not met within {seconds:g} seconds"
        time.sleep(0.05)
