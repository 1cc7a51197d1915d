"""Optuna's stock page, in a real browser."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from searchctl.orchestrator.web.access import new_token
from tests.servers.dashboards import TOKEN, dashboard_of, served


def console_errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def text_of(browser, *words):
    """The page's text, once these words are in it."""

    def found(_):
        text = browser.find_element(By.TAG_NAME, "body").text
        return text if all(word in text for word in words) else None

    return WebDriverWait(browser, 60).until(found)


def test_the_page_opens_with_the_token_and_shows_the_study(browser, guarded):
    home = f"http://localhost:{guarded}"
    browser.get(f"{home}/dashboard?token={TOKEN}")
    assert "quick" in text_of(browser, "quick")
    assert TOKEN not in browser.current_url
    assert browser.execute_script("return document.cookie") == ""  # HttpOnly
    browser.get(f"{home}/dashboard/studies/1/trials")
    assert "Pruned at rung" in text_of(browser, "Pruned at rung", "rank")
    assert console_errors(browser) == []


def test_the_page_shows_the_pictures_of_a_trial(browser, guarded):
    browser.get(f"http://localhost:{guarded}/dashboard/studies/1/trials?numbers=5&token={TOKEN}")
    text_of(browser, "rung-2-masks.png")
    size = "[image.naturalWidth, image.naturalHeight]"
    sizes = f"return [...document.querySelectorAll('img')].map(image => {size})"
    loaded = [[6, 1], [6, 2], [6, 3]]
    WebDriverWait(browser, 30).until(lambda _: browser.execute_script(sizes) == loaded)
    assert console_errors(browser) == []


@pytest.mark.parametrize("page", ["note", "trials?numbers=5"])
def test_a_note_s_link_opens_the_report_with_the_cookie(page, browser, guarded):
    home = f"http://localhost:{guarded}"
    browser.get(f"{home}/dashboard?token={TOKEN}")
    browser.get(f"{home}/dashboard/studies/1/{page}")
    text_of(browser, "eport")
    browser.find_element(By.CSS_SELECTOR, "a[href='/report/quick']").click()
    assert "quick" in text_of(browser, "Winner")
    assert browser.current_url == f"{home}/report/quick"


def test_the_page_stays_shut_without_the_token(browser, swept):
    with served(dashboard_of(swept), new_token()) as port:
        browser.get(f"http://localhost:{port}/dashboard")
        assert "needs its token" in text_of(browser, "token")
        assert "quick" not in browser.page_source
        assert all("401" in error for error in console_errors(browser))
