"""The report as a page, in a real browser: on a phone and a desk, in light, dark and print, whatever is in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lkctl.checks.report import Report
from lkctl.checks.result import Finding, Status
from lkctl.reports.html import to_html
from tests.browser import Browser, Page, browsing
from tests.reports.reports import BROKEN, CUT, HEALTHY, WARNED, full_of, report, result

RUN = "window.ran = true"
MARKUP = f"""</style></title><script>{RUN}</script><img src=http://127.0.0.1:9/x onerror="{RUN}"><h1>x</h1>
<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/"><style>* {{ font-size: 1px }}</style>
<link rel=stylesheet href=http://127.0.0.1:9/y><iframe src="javascript:{RUN}"></iframe><svg onload="{RUN}">"""
ESCAPES = "\x1b[2J\x1b]8;;http://127.0.0.1:9\x07x\x00\u202eabc\u2028\x9b31m ::error::x %0A"
ENDINGS = (Status.passed, Status.fail, Status.warn, Status.skip, Status.unknown)
MANY = report(
    *(result(f"net.n{at}", ENDINGS[at % 5], f"host {at} answers", findings=(Finding("so"),)) for at in range(300))
)
REPORTS = {
    "green": HEALTHY,
    "with warnings": WARNED,
    "red": BROKEN,
    "cut": CUT,
    "nothing": report(),
    "300 results": MANY,
    "markup": full_of(MARKUP),
    "escapes": full_of(ESCAPES),
    "long words": full_of("W" * 3000),
    "right to left": full_of("שלום עולם مرحبا " * 20),
}
LOOKS = {
    "phone": (360, False, False),
    "phone in the dark": (360, True, False),
    "desk": (1280, False, False),
    "desk in the dark": (1280, True, False),
    "paper": (794, True, True),
}
# What is wrong with a page, as a reader sees it. Contrast and its limits: WCAG 2.2, 1.4.3 (AA)
FAULTS = """(() => {
  const found = new Set(), wide = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width) found.add("the page is wider than the screen");
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement, style = getComputedStyle(element);
    if (!text.data.trim() || ["STYLE", "SCRIPT"].includes(element.tagName)) continue;
    const range = document.createRange();
    range.selectNode(text);
    const box = range.getBoundingClientRect();
    if (!box.height) found.add("hidden text");
    if (box.left < 0 || box.right > wide + 0.5) found.add("text beyond the edge");
    if (parseFloat(style.fontSize) < 12) found.add("small text");
    const [high, low] = [light(style.color), light(ground(element))].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) found.add("pale text");
  }
  if (window.ran) found.add("a script ran");
  return [...found].sort();
})()"""
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all pages."""
    with browsing() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.open("about:blank")
    yield page
    page.close()


def visit(page: Page, html: str, folder: Path) -> str:
    """Open a page as one opens a file; give its address."""
    file = folder / "lkctl.html"
    file.write_text(html)
    page.visit(file.as_uri())
    return file.as_uri()


@pytest.mark.parametrize("shown", REPORTS.values(), ids=REPORTS)
def test_a_report_can_be_read(shown: Report, page: Page, tmp_path: Path) -> None:
    """No text is small, pale, hidden or cut; the page is as wide as the screen, runs nothing and asks for nothing."""
    address = visit(page, to_html(shown), tmp_path)
    for width, dark, paper in LOOKS.values():
        page.appear(width, dark=dark, paper=paper)
        if not paper:
            page.run(OPEN_ALL)
        assert page.run(FAULTS, width=width) == [], (width, dark, paper)
    assert page.lines == []
    assert page.requests == [address]
    assert page.run("document.title").startswith("lkctl ")
    assert page.run("document.querySelectorAll('article').length") == len(shown.results)


def test_what_is_folded_away(page: Page, tmp_path: Path) -> None:
    """On a screen what passed is one line until it is opened; on paper, where nobody can open it, it is there."""
    visit(page, to_html(BROKEN), tmp_path)
    visible = "[...document.querySelectorAll('details article')].map((one) => one.checkVisibility())"
    seen = {}
    for paper in (False, True):
        page.appear(794, paper=paper)
        seen[paper] = page.run(f"({visible})")
    assert (seen[False], seen[True]) == ([False], [True])


def test_hostile_words_are_there_to_be_read(page: Page, tmp_path: Path) -> None:
    """They are words of the page, not part of it."""
    visit(page, to_html(full_of(MARKUP)), tmp_path)
    page.run(OPEN_ALL)
    assert page.run("document.body.innerText").count(f"<script>{RUN}</script>") > 10
    assert page.run("document.querySelectorAll('script, img, link, iframe, svg').length") == 0


DARK_AND_LIGHT = "getComputedStyle(document.body).backgroundColor"


def test_light_and_dark_are_two(page: Page, tmp_path: Path) -> None:
    """What the looks above emulate does arrive; on paper it is always light."""
    visit(page, to_html(HEALTHY), tmp_path)
    grounds = []
    for dark, paper in ((False, False), (True, False), (True, True)):
        page.appear(1280, dark=dark, paper=paper)
        grounds.append(page.run(DARK_AND_LIGHT))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 27)", "rgb(255, 255, 255)"]


BAD = f"""<!doctype html><meta name=viewport content="width=device-width"><body style="background: #fff; margin: 0">
<p style="color: #999">pale</p><p style="font-size: 11px">small</p><p style="display: none">hidden</p>
<p style="white-space: nowrap">{"wide " * 500}</p><img src="http://127.0.0.1:9/x" onerror="{RUN}">
<script>console.error("bad")</script>"""


def test_the_judge_sees_what_is_wrong(page: Page, tmp_path: Path) -> None:
    """The tests above are worth something: a bad page has each of these faults."""
    address = visit(page, BAD, tmp_path)
    page.appear(360)
    page.await_true("window.ran")
    assert page.run(FAULTS, width=360) == [
        "a script ran", "hidden text", "pale text", "small text", "text beyond the edge",
        "the page is wider than the screen",
    ]  # fmt: skip
    assert page.requests == [address, "http://127.0.0.1:9/x"]
    assert "bad" in page.lines
