"""Makes the pictures of docs/pictures: `python docs/screenshots.py`, in about five minutes.

It launches examples/quickstart.yaml in a temporary directory, follows it in a terminal, and then
takes pictures of each command, of the report, and of the dashboard.
"""

import base64
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

sys.path.insert(0, str(Path(__file__).parents[1]))  # neither `docs` nor `tests` is installed
from docs.terminal import SEARCHCTL, save_svg, screens
from tests.servers.chromium import chromium

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
SWEEP = "examples/quickstart.yaml"
NAME = "quickstart"
TERMINALS: dict[str, list[str]] = {
    "plan": ["plan", SWEEP],
    "status": ["status", NAME],
    "explain": ["explain", NAME, "6"],
    "rungs": ["explain", NAME],
    "pareto": ["pareto", NAME],
    "compare": ["compare", NAME, "7", "8"],
    "show": ["show", NAME, "8"],
}
WIDTHS = {80: TERMINALS, 200: ("status", "explain", "show")}


@dataclass(frozen=True)
class Shot:
    """A part of a page."""

    width: int
    height: int
    scheme: str = "light"
    top: str = "body"
    """CSS selector of the element at the top of the picture."""


REPORT = {
    "report-answer.png": Shot(1200, 1125),
    "report-narrow.png": Shot(400, 1440, "dark"),
    "report-masks.png": Shot(1200, 560, top="#masks"),
}
DASHBOARD = {
    "dashboard.png": ("", "Best Trial", Shot(1200, 1500)),
    "dashboard-trial.png": ("/trials?numbers=7", "rung-3-masks.png", Shot(1200, 1240)),
    "dashboard-note.png": ("/note", "Report on this sweep", Shot(1200, 260)),
}
"""File -> suffix of the study's address, text to wait for, and the part to save."""


def main() -> None:
    """Take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "examples").symlink_to(ROOT / "examples")
        _follow(folder)
        for width, names in WIDTHS.items():
            for name in names:
                _picture(name, width, folder)
        page = folder / "report.html"
        subprocess.run([SEARCHCTL, "report", NAME, "-o", page], cwd=folder, check=True)
        with chromium() as browser, _dashboard(folder) as study:
            for name, shot in REPORT.items():
                _open(browser, page.as_uri(), shot)
                _take(browser, shot, name)
            for name, (path, awaited, shot) in DASHBOARD.items():
                _open(browser, study + path, shot)
                _await(browser, awaited)
                _take(browser, shot, name)


def _follow(folder: Path) -> None:
    """Launch the sweep, and save the screen of `watch` while the last but one rung runs."""
    launch = [SEARCHCTL, "launch", SWEEP, "--inline"]
    with subprocess.Popen(launch, cwd=folder, stdout=subprocess.PIPE, text=True) as launched:
        assert launched.stdout
        next(line for line in launched.stdout if line.startswith("rung 0 1/"))
        shown = [seen for seen in screens(["watch", NAME], folder, 80) if _runs(seen, ["2", "1/2"])]
        launched.communicate()
    save_svg(shown[-1], f"searchctl watch {NAME}", 80, PICTURES / "watch-80.svg")


def _runs(screen: str, rung: list[str]) -> bool:
    """Say whether a job of a rung runs, by its row: rung, fraction, images, trials, done, .."""
    rows = (line.split() for line in screen.splitlines())
    return any(row[:2] == rung and row[5] != "0" for row in rows)


def _picture(name: str, width: int, folder: Path) -> None:
    arguments = TERMINALS[name]
    *_, shown = screens(arguments, folder, width)
    title = " ".join(["searchctl", *arguments])
    save_svg(shown, title, width, PICTURES / f"{name}-{width}.svg")


@contextmanager
def _dashboard(folder: Path) -> Iterator[str]:
    """Serve the dashboard; yield the study's address."""
    command = [SEARCHCTL, "dashboard", NAME, "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().split()[-1]
        server.terminate()


def _open(browser: Chrome, address: str, shot: Shot) -> None:
    screen = {
        "width": shot.width,
        "height": max(shot.height, 900),
        "deviceScaleFactor": 1,
        "mobile": False,
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": shot.scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(address)
    time.sleep(1)  # until the page is drawn


def _await(browser: Chrome, words: str) -> None:
    body = browser.find_element(By.TAG_NAME, "body")
    WebDriverWait(browser, 60).until(lambda _: words in body.text)
    time.sleep(3)  # until its pictures and curves no longer move


def _take(browser: Chrome, shot: Shot, name: str) -> None:
    """Save a part with 256 colours: a page has few more, and the file is a third as large."""
    begin = f"document.querySelector('{shot.top}').getBoundingClientRect().top"
    y = browser.execute_script(f"return {begin} + scrollY")
    size = {"width": shot.width, "height": shot.height}
    clip = {"x": 0, "y": max(y - 12, 0), **size, "scale": 1}
    options = {"captureBeyondViewport": True, "clip": clip}
    png = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"])
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(PICTURES / name, optimize=True)


if __name__ == "__main__":
    main()
