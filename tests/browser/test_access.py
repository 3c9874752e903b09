"""Who cannot see, point, or hold a large screen can use the page too; and what it looks like is kept."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driving import ARTIFACTS, Tab, until

PHONE = (390, 780)
AXE = """(async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return bad.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => html + failureSummary)]);
})()"""
DRESS = "document.documentElement.style.colorScheme = %r"


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core (MPL-2.0), which finds what keeps people out."""
    package = find_spec("axe_playwright_python")
    if package is None or package.origin is None:
        pytest.skip("axe-playwright-python is not installed")
    return Path(package.origin).with_name("axe.min.js").read_text()


def faults(tab: Tab, axe: str) -> Any:
    tab.page.run(f"() => {{ {axe}; return null; }}")
    return tab.ask(AXE)


def show(tab: Tab, in_chromium: bool, name: str) -> None:
    """Keep what it looks like, whole."""
    width, height = (int(tab.ask(f"document.documentElement.scroll{side}")) for side in ("Width", "Height"))
    tab.page.resize(width, height)
    ARTIFACTS.mkdir(exist_ok=True)
    tab.page.screenshot(ARTIFACTS / f"screen-{name}-{'chromium' if in_chromium else 'firefox'}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(900, 800), PHONE], ids=["desk", "phone"])
def test_nothing_keeps_anybody_out(
    open_tab: Any, in_chromium: bool, axe: str, scheme: str, size: tuple[int, int]
) -> None:
    tab: Tab = open_tab("audio-video-send-receive", size=size)
    tab.ask(DRESS % scheme)
    assert faults(tab, axe) == []
    tab.ask("(call.config = { variant: 'textbox', time_limit: 600, inputs: ["
            "{ name: 'Gain', kind: 'number', value: 1, minimum: 0, maximum: 2 },"
            "{ name: 'Voice', kind: 'choice', value: 'low', choices: ['low', 'high'] },"
            "{ name: 'Echo', kind: 'checkbox', value: true }] })")  # fmt: skip
    tab.ask("call.shadowRoot.querySelectorAll('details').forEach((one) => { one.open = true; })")
    tab.connect()
    tab.until_heard("in")
    until(lambda: tab.ask("part('remote').videoWidth") > 0, 10, "a picture is there")
    until(lambda: "ms" in tab.ask("part('stats').textContent"), 10, "the statistics are there")
    assert faults(tab, axe) == []
    assert tab.ask("document.documentElement.scrollWidth") <= size[0], "nothing sticks out"
    show(tab, in_chromium, f"{'phone' if size == PHONE else 'desk'}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_trouble_and_outputs_keep_nobody_out(open_tab: Any, in_chromium: bool, axe: str, scheme: str) -> None:
    tab: Tab = open_tab("clock", size=PHONE)
    tab.ask(DRESS % scheme)
    tab.connect()
    until(lambda: "talk" in tab.ask("part('shown').textContent"), 10, "a chat is there")
    for tone in ("info", "warning", "error"):
        tab.ask(f"part('notice').className = {tone!r}; part('words').textContent = 'Something to tell';"
                " part('notice').hidden = false".replace("; ", ", "))  # fmt: skip
        assert faults(tab, axe) == []
    show(tab, in_chromium, f"outputs-{scheme}")


def test_states_are_told_to_those_who_only_hear(open_tab: Any) -> None:
    tab: Tab = open_tab("audio-receive")
    roles = "[...call.shadowRoot.querySelectorAll('[role]')].map((one) => one.getAttribute('role'))"
    assert {"status", "alert", "timer", "log", "meter"} <= set(tab.ask(roles))
    tab.connect()
    assert tab.ask("part('state').textContent") == "Connected"
    tab.until_heard()
    until(lambda: int(tab.ask("part('out').getAttribute('aria-valuenow')")) > 10, 10, "the meter says it")
