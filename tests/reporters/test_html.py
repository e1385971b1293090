"""The HTML report in a real browser: headless Chromium (Debian package `chromium`), driven by Playwright."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from hardgate.reporters.html import render
from tests.reporters import sample_many, sample_run

# The report needs no network: whatever Chromium would fetch on its own is switched off as well.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SLOW = 5.0  # seconds; each step takes about 0.2 on an idle machine, and took 78 where the browser numbered the list
# Contrast of every text with what lies behind it (WCAG 2.1, 1.4.3), as [element, ratio] where it is under 4.5.
_PALE = """() => {
  const channel = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const pale = [];
  let seen = 0;
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (ratio < 4.5) pale.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return { seen, pale };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "These tests need the Debian package chromium: run make setup."
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, headless=True, args=_FLAGS)
        yield started
        started.close()


class _Opened:
    """Opens a report as a file, and keeps what the browser complained about or asked for."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.trouble: list[str] = []

    def page(self, report: bytes, *, script: bool = True, scheme: str = "light", bypass: bool = False) -> Page:
        file = Path(tempfile.mkstemp(suffix=".html", dir=self._folder)[1])
        file.write_bytes(report)
        context = self._browser.new_context(
            java_script_enabled=script,
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": 1280, "height": 900},
            bypass_csp=bypass,
        )
        page = context.new_page()
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self._asked(request.url))
        page.goto(file.as_uri())
        return page

    def _refuse(self, dialog: Dialog) -> None:
        self.trouble.append(dialog.message)
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith("file:"):
            self.trouble.append(url)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[_Opened]:
    yield _Opened(browser, tmp_path)
    for context in browser.contexts:
        context.close()


@pytest.fixture
def page(opened: _Opened) -> Iterator[Page]:
    yield opened.page(render(*sample_run.incomplete()))
    assert opened.trouble == []


def _shown(page: Page) -> list[str]:
    """The last letter of the id of each visible finding, in the order of the page."""
    rows = page.locator("#list .finding:not([hidden])").all()
    return [(row.get_attribute("id") or "")[-1] for row in rows if row.is_visible()]


def _groups(page: Page) -> list[str]:
    return [heading.inner_text() for heading in page.locator("#list h3").all() if heading.is_visible()]


def test_all_findings_are_shown_the_worst_first(page: Page) -> None:
    assert _shown(page) == ["1", "4", "3", "2", "5", "9", "6", "a", "7", "8"]
    assert page.locator("#count").inner_text() == "Showing 10 of 10 findings"
    assert page.locator(".word").inner_text() == "INCOMPLETE"
    assert page.locator(".gap").count() == 3


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("flask cookie", ["4"]),
        ("SETTINGS.py", ["1"]),
        ("cve-2019-1010083", ["5"]),
        ("hg1-000000000000000a", ["a"]),
        ("no such words", []),
    ],
)
def test_search(page: Page, words: str, left: list[str]) -> None:
    page.get_by_label("Search", exact=True).fill(words)
    page.get_by_text(f"Showing {len(left)} of 10 findings").wait_for()
    assert _shown(page) == left
    assert page.locator("#none").is_visible() is (not left)


def test_filter_by_severity(page: Page) -> None:
    page.get_by_label("critical", exact=True).uncheck()
    page.get_by_label("high", exact=True).uncheck()
    assert _shown(page) == ["6", "a", "7", "8"]


def test_filter_by_state(page: Page) -> None:
    page.get_by_label("State", exact=True).select_option("waived")
    assert _shown(page) == ["5"]


def test_filter_by_tool_finds_what_several_saw(page: Page) -> None:
    page.get_by_label("Tool", exact=True).select_option("semgrep")
    assert _shown(page) == ["3", "9", "a"]


def test_filter_by_cwe(page: Page) -> None:
    page.get_by_label("CWE", exact=True).select_option("CWE-798")
    assert _shown(page) == ["1", "2"]
    page.get_by_label("CWE", exact=True).select_option(label="no CWE")
    assert _shown(page) == ["a", "8"]


def test_filters_work_together_and_are_reset(page: Page) -> None:
    page.get_by_label("Tool", exact=True).select_option("trivy")
    page.get_by_label("State", exact=True).select_option("blocking")
    page.get_by_label("Group by", exact=True).select_option("tool")
    assert _shown(page) == ["4"]
    page.get_by_role("button", name="Reset").click()
    page.get_by_text("Showing 10 of 10 findings").wait_for()
    assert _shown(page) == ["1", "4", "3", "2", "5", "9", "6", "a", "7", "8"]
    assert _groups(page) == []


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("path", ["8", "7", "6", "3", "1", "a", "2", "4", "5", "9"]),
        ("tool", ["3", "6", "1", "2", "9", "a", "4", "5", "8", "7"]),
        ("severity", ["1", "4", "3", "2", "5", "9", "6", "a", "7", "8"]),
    ],
)
def test_sort(page: Page, by: str, order: list[str]) -> None:
    page.get_by_label("Sort by", exact=True).select_option("rule")
    page.get_by_label("Sort by", exact=True).select_option(by)
    assert _shown(page) == order


@pytest.mark.parametrize(
    ("by", "headings"),
    [
        ("severity", ["critical (2)", "high (4)", "medium (2)", "low (1)", "info (1)"]),
        ("tool", ["bandit (2)", "gitleaks (2)", "semgrep (2)", "trivy (3)", "zizmor (1)"]),
        ("state", ["blocking (5)", "informing (4)", "waived (1)"]),
        (
            "CWE",
            [
                "CWE-79 (1)",
                "CWE-89 (1)",
                "CWE-327 (1)",
                "CWE-400 (1)",
                "CWE-539 (1)",
                "CWE-798 (2)",
                "CWE-noinfo (1)",
                "no CWE (2)",
            ],
        ),
    ],
)
def test_group(page: Page, by: str, headings: list[str]) -> None:
    page.get_by_label("Group by", exact=True).select_option(label=by)
    assert _groups(page) == headings
    assert len(_shown(page)) == 10


def test_a_group_shows_what_the_filters_leave(page: Page) -> None:
    page.get_by_label("Group by", exact=True).select_option("severity")
    page.get_by_label("State", exact=True).select_option("informing")
    assert _groups(page) == ["medium (2)", "low (1)", "info (1)"]


def test_details_tell_the_fix_and_how_to_waive(page: Page) -> None:
    page.locator("summary").first.click()
    facts = page.locator(".facts").first
    assert "Revoke the key in AWS first" in facts.inner_text()
    assert "- id: hg1-0000000000000001\n      reason: why this risk is acceptable" in facts.inner_text()
    assert facts.get_by_role("link", name="CWE-798").get_attribute("href") == (
        "https://cwe.mitre.org/data/definitions/798.html"
    )


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the findings"
    page.keyboard.press("Enter")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "CWE-798"


def test_a_link_to_a_finding_opens_it(page: Page) -> None:
    page.goto(f"{page.url}#f-hg1-0000000000000006")
    assert page.locator("#f-hg1-0000000000000006 details").get_attribute("open") is not None


def test_the_theme_can_be_changed(page: Page) -> None:
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (before, after) == ("rgb(246, 247, 249)", "rgb(17, 20, 26)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(opened: _Opened, scheme: str) -> None:
    page = opened.page(render(*sample_run.incomplete()), scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = page.evaluate(_PALE)
    assert found["pale"] == []
    assert found["seen"] > 150


def test_every_field_has_a_name(page: Page) -> None:
    fields = page.locator("input, select, button").all()
    assert len(fields) == 13
    for field in fields:
        assert field.evaluate("(one) => (one.labels?.[0]?.textContent ?? one.textContent).trim()")


def test_without_javascript_everything_can_be_read(opened: _Opened) -> None:
    page = opened.page(render(*sample_run.incomplete()), script=False)
    assert len(_shown(page)) == 10
    assert not page.locator("#filters").is_visible()
    page.locator("summary").first.click()
    assert page.get_by_text("Revoke the key in AWS first").is_visible()


def test_hostile_text_is_shown_and_does_nothing(opened: _Opened) -> None:
    page = opened.page(render(*sample_run.incomplete()))
    assert page.title() == "INCOMPLETE: planetary-api - hardgate"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    message = page.locator("#f-hg1-0000000000000009 .message").inner_text()
    assert message.startswith("</script><script>document.title='owned'</script> ]]> <!-- | `code`")
    assert page.locator("a[href^='javascript']").count() == 0
    assert opened.trouble == []


_SCRIPTS = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg onload=\"document.title='owned'\"></svg>",
    "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
]
_FETCHES = [
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<img src=https://evil.example/x.png>",
    "<base href=https://evil.example/>",
]


def _unescaped(payload: str) -> bytes:
    """A report into which a payload got as it is, as if escaping had failed."""
    return render(*sample_run.incomplete()).replace(b"An AWS access key stands in the source.", payload.encode(), 1)


@pytest.mark.parametrize("payload", _SCRIPTS)
def test_the_payloads_do_harm_where_no_policy_holds(opened: _Opened, payload: str) -> None:
    page = opened.page(_unescaped(payload), bypass=True)
    page.wait_for_function("document.title === 'owned'")


@pytest.mark.parametrize("payload", [*_SCRIPTS, *_FETCHES])
def test_the_policy_holds_even_if_escaping_failed(opened: _Opened, payload: str) -> None:
    page = opened.page(_unescaped(payload))
    page.wait_for_load_state("load")
    assert page.title() == "INCOMPLETE: planetary-api - hardgate"
    assert page.evaluate("document.baseURI").startswith("file:")
    assert any("Content Security Policy" in one for one in opened.trouble)


def test_print_opens_every_detail(opened: _Opened) -> None:
    page = opened.page(render(*sample_run.incomplete()), script=False)
    assert not page.get_by_text("Revoke the key in AWS first").is_visible()
    page.emulate_media(media="print")
    assert page.get_by_text("Revoke the key in AWS first").is_visible()


def test_a_small_screen_does_not_scroll_sideways(opened: _Opened) -> None:
    page = opened.page(render(*sample_run.incomplete()))
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_five_thousand_findings_stay_quick(opened: _Opened) -> None:
    page = opened.page(render(*sample_many.many(5_000)))
    spent: Callable[[str, str], float] = lambda name, value: float(  # noqa: E731
        page.evaluate(
            """([name, value]) => {
              const field = document.getElementById("filters").elements[name];
              const start = performance.now();
              field.value = value;
              field.dispatchEvent(new Event("change", { bubbles: true }));
              document.body.getBoundingClientRect();
              return (performance.now() - start) / 1000;
            }""",
            [name, value],
        )
    )
    steps = [("group", "cwe"), ("sort", "path"), ("text", "module_23.py"), ("text", ""), ("group", "none")]
    assert max(spent(name, value) for name, value in steps) < _SLOW
    assert page.locator("#count").inner_text() == "Showing 5000 of 5000 findings"
    assert opened.trouble == []


class _Outside(HTMLParser):
    """Every attribute by which a page could fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fetching = {"src", "srcset", "data", "poster", "action", "formaction", "background", "style"}
        self.found += [(tag, name, value or "") for name, value in attrs if name in fetching]
        self.found += [(tag, name, value or "") for name, value in attrs if name.startswith("on")]
        if tag in {"link", "iframe", "object", "embed", "base"}:
            self.found.append((tag, "", ""))


def test_the_file_refers_to_nothing_outside() -> None:
    page = _Outside()
    page.feed(render(*sample_run.incomplete()).decode())
    assert page.found == []


def test_no_findings_is_not_said_as_if_all_was_looked_at() -> None:
    assert b"No scanner reported a finding.</p>" in render(*sample_run.clean())
    assert b"No scanner reported a finding. But not everything was looked at" in render(*sample_run.nothing_ran())


def test_the_policy_names_the_digests_of_what_is_in_the_page() -> None:
    head = render(*sample_run.clean()).decode().split("</head>")[0]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', head)
    assert policy
    assert policy[1].startswith("default-src &#x27;none&#x27;; style-src &#x27;sha256-")
    assert "unsafe" not in policy[1]
