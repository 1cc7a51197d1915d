"""A real Chromium without a screen, driven by selenium: what a user's browser does with our pages.

It has a new profile each time, and requests nothing but the server of the test.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # root, as in a container, has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def binaries() -> tuple[str, str] | None:
    """Return where Chromium and its driver are; None if one of them is not installed."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def chromium(*, width: int = 1280, height: int = 900) -> Iterator[Chrome]:
    """Run a browser.

    Its `get_log("browser")` has what pages wrote to the console, "performance" what they requested.
    """
    found = binaries()
    if found is None:
        raise FileNotFoundError("Chromium or its driver is not installed")
    options = ChromeOptions()
    options.binary_location = found[0]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        size = f"--window-size={width},{height}"
        for switch in (*SWITCHES, size, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        browser = Chrome(options=options, service=ChromeService(found[1]))
        try:
            browser.set_page_load_timeout(60)
            yield browser
        finally:
            browser.quit()
