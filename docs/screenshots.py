"""Makes the pictures of docs/report.md from a sweep's report: `python docs/screenshots.py FILE`.

searchctl launch examples/quickstart.yaml
searchctl report quickstart -o report.html
python docs/screenshots.py report.html
"""

import base64
import io
import sys
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome

sys.path.insert(0, str(Path(__file__).parents[1]))  # `tests` is no package that is installed
from tests.chromium import chromium

PICTURES = Path(__file__).parent / "pictures"
SHOTS = {
    "report-answer.png": (1200, "light", "body", 1125),
    "report-narrow.png": (400, "dark", "body", 1440),
    "report-masks.png": (1200, "light", "#masks", 560),
}
"""File -> width of the screen, colour scheme, where the picture begins, and its height."""


def main() -> None:
    """Take all pictures of the page."""
    page = Path(sys.argv[1]).resolve().as_uri()
    PICTURES.mkdir(exist_ok=True)
    with chromium() as browser:
        for name, (width, scheme, top, height) in SHOTS.items():
            _set_screen(browser, width, scheme)
            browser.get(page)
            begin = f"document.querySelector('{top}').getBoundingClientRect().top"
            y = browser.execute_script(f"return {begin} + scrollY")
            clip = {"x": 0, "y": max(y - 12, 0), "width": width, "height": height, "scale": 1}
            asked = {"captureBeyondViewport": True, "clip": clip}
            shot = browser.execute_cdp_cmd("Page.captureScreenshot", asked)
            _save(base64.b64decode(shot["data"]), PICTURES / name)


def _set_screen(browser: Chrome, width: int, scheme: str) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _save(png: bytes, path: Path) -> None:
    """Write a picture with 256 colours: a page has hardly more, and it takes a third."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
