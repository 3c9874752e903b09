"""A server of pages, and a tab of a browser that shows one of them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.conftest import REPOSITORY

LOUD = 0.01  # root mean square that no silence reaches
ARTIFACTS = REPOSITORY / "artifacts"
UNCAUGHT = """
  window.uncaught = [];
  addEventListener("error", ({ message }) => uncaught.push(message));
  addEventListener("unhandledrejection", ({ reason }) => uncaught.push(String(reason)));
"""


class Page(Protocol):
    """What both browsers can do with a page."""

    def goto(self, url: str) -> None: ...
    def reload(self) -> None: ...
    def run(self, function: str) -> Any: ...
    def click(self, x: float, y: float) -> None: ...
    def press(self, x: float, y: float) -> None: ...
    def release(self, x: float, y: float) -> None: ...
    def key_down(self, key: str) -> None: ...
    def key_up(self, key: str) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def screenshot(self, path: Path) -> None: ...
    def close(self) -> None: ...


class Browser(Protocol):
    """A browser that opens pages."""

    version: str

    def open(self, script: str, size: tuple[int, int]) -> Page: ...
    def close(self) -> None: ...


class Server:
    """The program `pages` beside this module, until it is stopped.

    Args:
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "tests.browser.pages", str(port)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY)
        until(self._answers, 20, "the server answers")

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        self._process.send_signal(with_signal)
        self._process.wait(10)

    def seen(self, name: str) -> list[dict[str, Any]]:
        """What each live connection of a stream has brought: see `pages.seen`."""
        with urllib.request.urlopen(f"{self.url}/{name}/seen") as answer:
            return list(json.load(answer))

    def live(self) -> int:
        """How many connections are live, over all streams."""
        with urllib.request.urlopen(f"{self.url}/live") as answer:
            return int(json.load(answer))

    def _answers(self) -> bool:
        try:
            return self.live() == 0
        except OSError:
            return False


FIND = """() => {
  const call = document.querySelector("rt-stream");
  const shown = (one) => one.checkVisibility({ visibilityProperty: true });
  const named = (one) => (one.getAttribute("aria-label") ?? one.textContent).trim() === %s;
  const all = [...call.shadowRoot.querySelectorAll("button, summary, input, select, textarea, label")];
  const found = all.find((one) => named(one) && shown(one));
  if (!found) return null;
  found.scrollIntoView({ block: "center", behavior: "instant" });
  const { x, y, width, height } = found.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


class Tab:
    """A page of one stream, open in a browser."""

    def __init__(self, page: Page, server: Server, stream: str) -> None:
        self.page = page
        self.stream = stream
        self.server = server
        self.closed = False
        page.goto(f"{server.url}/{stream}/")

    def connect(self, state: str = "live") -> None:
        """Click on "Connect", and wait until the call is in a state."""
        self.click("Connect")
        self.wait_for_state(state)

    def close(self) -> None:
        """Close it as a person does, so that the page is told."""
        self.closed = True
        self.page.close()

    def wait_for_state(self, state: str, seconds: float = 20) -> None:

        def reached() -> bool:
            is_, words = self.ask("[call.state, part('words').textContent]")
            assert is_ == state or is_ != "failed", words
            return bool(is_ == state)

        until(reached, seconds, f"the state is {state}")

    def ask(self, expression: str) -> Any:
        """The value of an expression of the page, in which `call` is its element and `part` finds by id."""
        return self.page.run(
            "async () => { const call = document.querySelector('rt-stream');"
            " const part = (id) => call.shadowRoot.getElementById(id);"
            f" return {expression}; }}"
        )

    def place(self, name: str) -> tuple[float, float]:
        """The middle of the visible control of that name."""
        until(lambda: self.shows(name), 10, f"{name!r} is there")
        x, y = self.page.run(FIND % json.dumps(name))
        return x, y

    def click(self, name: str) -> None:
        """Click on the control of that name."""
        self.page.click(*self.place(name))

    def shows(self, name: str) -> bool:
        """Whether a control of that name can be seen."""
        return self.page.run(FIND % json.dumps(name)) is not None

    def key(self, key: str) -> None:
        self.page.key_down(key)
        self.page.key_up(key)

    def level(self) -> dict[str, float]:
        return dict(self.ask("call.level()"))

    def until_heard(self, way: str = "out") -> None:
        until(lambda: self.level()[way] > LOUD, 10, f"sound goes {way}")

    def notice(self) -> str:
        """What the page says in its notice, "" when there is none."""
        return str(self.ask("part('notice').hidden ? '' : part('words').textContent"))

    def log(self) -> str:
        return str(self.ask("part('log').textContent"))

    def paths(self) -> list[str]:
        """What the page has asked for, in order, itself first."""
        entries = "performance.getEntriesByType"
        names = self.ask(f"[...{entries}('navigation'), ...{entries}('resource')].map(({{ name }}) => name)")
        return [re.sub(r"\?v=\w+$", "", name.removeprefix(self.server.url)) for name in names]


def finish(tabs: Sequence[Tab], server: Server, test: str, prefix: str = "") -> None:
    """End a test: keep a picture of each page that is open, and close it.

    Args:
        tabs: pages that were opened with the script `UNCAUGHT`.
        server: where they come from.
        test: the name of the test, of which the pictures get theirs.
        prefix: what stands before that.

    Raises:
        AssertionError: a page did not catch what it threw, or left a connection behind.
    """
    name = prefix + re.sub(r"\W+", "-", test.removeprefix("test_")).strip("-")
    uncaught: list[str] = []
    for number, tab in enumerate(tabs):
        if not tab.closed:
            ARTIFACTS.mkdir(exist_ok=True)
            tab.page.screenshot(ARTIFACTS / f"{name[:120]}{f'-{number}' if number else ''}.png")
            uncaught += tab.page.run("() => window.uncaught ?? []")
            tab.close()
    until(lambda: server.live() == 0, 10, "all places are free for the next test")
    assert not uncaught


def until(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait until something holds; returns how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began
