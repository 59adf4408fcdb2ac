"""Nothing of a dataset runs in a report: a real browser opens one that is made of attacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from local import browser, samples
from local.attacks import ATTACKS
from tunedrop.reporting.report import render

CONSOLE = "https://us-east-1.console.aws.amazon.com/"
RAN = "document.documentElement.dataset.ran === undefined ? 0 : 1"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as found:
        yield found


class Opened:
    """A page that was opened from a file, and every request that it has sent out."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.route(re.compile("^(?!file:)"), self._record)
        page.goto(file.as_uri(), wait_until="load")
        # Anything that a parser, a timer or an event would still start has had its turn by the next frames.
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def _record(self, route: Route) -> None:
        """What the page's policy forbids does not come to this."""
        self.requests.append(route.request.url)
        route.abort()

    @property
    def text(self) -> str:
        return self.page.inner_text("body")


def opened(chromium: Browser, folder: Path, html: str) -> Opened:
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    return Opened(chromium.new_page(), file)


def test_the_attacks_would_run_were_they_not_shown_as_text(chromium: Browser, tmp_path: Path) -> None:
    found = opened(chromium, tmp_path, f"<!doctype html><body>{''.join(ATTACKS[:2])}")

    assert found.page.evaluate(RAN) == 1
    assert "http://attack.example/image" in found.requests


def test_nothing_of_a_dataset_runs_or_is_loaded(chromium: Browser, tmp_path: Path) -> None:
    found = opened(chromium, tmp_path, render(samples.hostile()))
    found.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found.page.mouse.wheel(0, 20_000)
    found.page.evaluate(
        "document.querySelectorAll('.data').forEach(one => one.dispatchEvent(new Event('mouseover')))"
    )

    assert found.page.evaluate(RAN) == 0
    assert found.requests == []
    assert found.page.locator("img, iframe, link, base, math, form, style, script").count() == 2
    links = found.page.evaluate("[...document.links].map(one => one.getAttribute('href'))")
    assert links
    assert [one for one in links if not one.startswith(("#", CONSOLE))] == []
    assert found.page.url.startswith("file://")


def test_every_part_of_a_report_is_reached_from_its_top(chromium: Browser, tmp_path: Path) -> None:
    found = opened(chromium, tmp_path, render(samples.all_of_them()["promoted"]))
    inside = "[...document.querySelectorAll('.contents a')].filter(one => !one.hidden).map(one => one.hash)"

    assert "#all" in (links := found.page.evaluate(inside))
    assert all(found.page.locator(one).is_visible() for one in links)


def test_the_policy_alone_stops_what_would_be_written_unescaped(chromium: Browser, tmp_path: Path) -> None:
    html = render(samples.hostile())
    broken = html.replace("<main>", f"<main>{''.join(ATTACKS[:4])}<p style='color:red'>styled</p>")

    found = opened(chromium, tmp_path, broken)

    assert found.page.evaluate(RAN) == 0
    assert found.requests == []
    assert any("Content Security Policy" in complaint for complaint in found.complaints)


def test_every_attack_is_there_to_be_read(chromium: Browser, tmp_path: Path) -> None:
    text = opened(chromium, tmp_path, render(samples.hostile())).text

    def squeezed(some: str) -> str:
        return re.sub(r"\s+", "", some)

    for attack in ATTACKS[:11]:
        assert squeezed(attack) in squeezed(text)
    assert "invoice U+202Efdp.exeU+202C" in text


def test_a_command_is_copied_by_its_button(chromium: Browser, tmp_path: Path) -> None:
    found = opened(chromium, tmp_path, render(samples.all_of_them()["promoted"]))

    found.page.locator("pre.copy button").first.click()

    assert (
        found.page.evaluate("getSelection().toString()") == "tunedrop rollback support-persona --stage prod"
    )
    assert found.page.locator("pre.copy button").first.inner_text() == "Copied"
    assert found.complaints == []


def test_all_answers_are_searched_and_filtered(chromium: Browser, tmp_path: Path) -> None:
    found = opened(chromium, tmp_path, render(samples.all_of_them()["promoted"]))
    page, shown = found.page, "section.all .entry:visible"
    everything = page.locator(shown).count()
    first = page.locator("section.all .entry summary .data").first.text_content() or ""

    page.fill("section.all input", first)
    searched = page.locator(shown).count()
    page.fill("section.all input", "")
    page.select_option("section.all select >> nth=0", "loss")
    kinds = {one.get_attribute("data-kind") for one in page.locator(shown).all()}

    assert 1 <= searched < everything
    assert kinds <= {"loss"}
    assert found.complaints == []


def test_the_conversation_before_a_prompt_is_folded_away_and_printed(
    chromium: Browser, tmp_path: Path
) -> None:
    page = opened(chromium, tmp_path, render(samples.all_of_them()["multi-turn"])).page
    before = page.locator("details.before").first
    said = before.locator(".data").first

    on_opening = said.is_visible()
    before.locator("summary").click()
    unfolded = said.is_visible()
    before.locator("summary").click()
    page.emulate_media(media="print")

    assert (on_opening, unfolded, said.is_visible()) == (False, True, True)
    assert said.bounding_box() is not None


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["promoted", "multi-turn", "labels", "refused", "hostile"])
def test_a_report_is_never_wider_than_its_window(
    chromium: Browser, tmp_path: Path, name: str, width: int
) -> None:
    page = opened(chromium, tmp_path, render(samples.all_of_them()[name])).page

    page.set_viewport_size({"width": width, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_report_is_dark_where_the_reader_is_and_light_on_paper(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, render(samples.all_of_them()["promoted"])).page
    paper = "getComputedStyle(document.body).backgroundColor"

    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(paper)
    page.emulate_media(media="print", color_scheme="dark")

    assert dark == "rgb(18, 21, 24)"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
