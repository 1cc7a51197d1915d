"""The report in a real browser: any number of trials, on screens of any width, dark and light."""

import json

import pytest
from selenium.webdriver.common.by import By

from benchmarks.large_sweep import store_large_sweep
from searchctl.orchestrator.report.gathering import gather
from searchctl.orchestrator.report.rendering import html
from searchctl.orchestrator.storage.database import open_database


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Pages on sweeps of 1 and 500 trials."""
    folder = tmp_path_factory.mktemp("pages")
    engine = open_database(f"sqlite:///{folder}/sweeps.db", create=True)
    found = {}
    for trials in (1, 500):
        row = store_large_sweep(engine, trials, f"large{trials}")
        found[trials] = folder / f"{trials}.html"
        found[trials].write_text(html(gather(engine, row)), encoding="utf-8")
    return found


@pytest.fixture
def opened(browser, pages):
    """Open a page on a screen of some width, in a colour scheme."""

    def open_page(trials, width, scheme):
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
        for log in ("browser", "performance"):
            browser.get_log(log)
        browser.get(pages[trials].as_uri())
        return browser

    yield open_page
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def requests_of(browser):
    """Return what the page requested besides itself and its own content."""
    events = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    sent = [each["params"] for each in events if each["method"] == "Network.requestWillBeSent"]
    assert sent, "the log holds no request at all, not even for the page"
    addresses = [each["request"]["url"] for each in sent]
    return [each for each in addresses if not each.startswith(("file:", "data:"))]


def colour_of(browser, selector, name):
    element = browser.find_element(By.CSS_SELECTOR, selector)
    red, green, blue = element.value_of_css_property(name).partition("(")[2][:-1].split(",")[:3]
    return (int(red) + int(green) + int(blue)) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("trials", [1, 500])
def test_a_page_fits_any_screen_and_requests_nothing(trials, width, scheme, opened):
    browser = opened(trials, width, scheme)
    assert browser.get_log("browser") == []
    assert requests_of(browser) == []
    needed = browser.execute_script("return document.documentElement.scrollWidth")
    assert needed <= width
    paper, ink = (colour_of(browser, "body", each) for each in ("background-color", "color"))
    assert (ink < 80 and paper > 200) if scheme == "light" else (ink > 200 and paper < 80)


@pytest.mark.parametrize(("width", "shown"), [(400, "only-narrow"), (1400, "only-wide")])
def test_every_trial_is_a_line_of_the_ladder(width, shown, opened):
    browser = opened(500, width, "light")
    for which in ("only-narrow", "only-wide"):
        card = browser.find_element(By.CLASS_NAME, which)
        assert card.is_displayed() == (which == shown)
        assert len(card.find_elements(By.CSS_SELECTOR, "g.t")) == 490  # ten have diverged
    labels = browser.find_elements(By.CSS_SELECTOR, f".{shown} text.label")
    assert [each.text for each in labels] == ["#393 0.762", "#139 0.759"]


def column(browser, number):
    cells = browser.find_elements(By.CSS_SELECTOR, f"tr[data-trial] td:nth-child({number})")
    return [cell.get_attribute("data-v") for cell in cells]


def test_a_click_on_a_heading_sorts_the_trials(opened):
    browser = opened(500, 1400, "light")
    assert column(browser, 1)[:3] == ["1", "2", "3"]
    heading = browser.find_element(By.XPATH, "//th/button[text()='trial']")
    for direction, expected in (("ascending", range(500)), ("descending", range(499, -1, -1))):
        browser.execute_script("arguments[0].click()", heading)
        assert column(browser, 2) == [str(each) for each in expected]
        assert heading.find_element(By.XPATH, "..").get_attribute("aria-sort") == direction


def test_trials_without_a_score_come_last_either_way(opened):
    browser = opened(500, 1400, "light")
    heading = browser.find_element(By.XPATH, "//th/button[text()='mIoU']")
    place = len(heading.find_elements(By.XPATH, "../preceding-sibling::th")) + 1
    for sign in (1, -1):
        browser.execute_script("arguments[0].click()", heading)
        scores = column(browser, place)
        assert scores[490:] == [""] * 10
        known = [sign * float(each) for each in scores[:490]]
        assert known == sorted(known)


def test_a_trial_that_is_clicked_is_marked_everywhere(opened):
    browser = opened(500, 1400, "light")
    row = browser.find_element(By.CSS_SELECTOR, "tr[data-trial='393']")
    browser.execute_script("arguments[0].click()", row)
    marked = browser.find_elements(By.CSS_SELECTOR, ".on")
    assert {each.tag_name for each in marked} == {"tr", "g"}
    assert {each.get_attribute("data-trial") for each in marked} == {"393"}
    browser.execute_script("arguments[0].click()", row)
    assert browser.find_elements(By.CSS_SELECTOR, ".on") == []


def test_a_sweep_of_any_size_gives_a_page_that_a_browser_can_show(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/sweeps.db", create=True)
    page = html(gather(engine, store_large_sweep(engine, 3000)))
    assert page.count("<tr data-trial") == 1000
    assert "The 1,000 best of 3,000" in page
    assert "401 of 2,940 trials with a score are drawn" in page
    assert page.count('class="over"') == 401
    assert page.count('class="at"') == 3 * 401  # of lr, weight_decay and loss
    assert len(page) < 3_000_000
