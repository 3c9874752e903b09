"""Chromium over its DevTools protocol."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

from tests.browser.line import Line

PROGRAM = shutil.which("chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=device-count=3",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",
    # Nothing is asked of anybody outside.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
KEYS = {
    "Tab": {"windowsVirtualKeyCode": 9, "code": "Tab"},
    "Enter": {"windowsVirtualKeyCode": 13, "code": "Enter", "text": "\r"},
    " ": {"windowsVirtualKeyCode": 32, "code": "Space", "text": " "},
}


class Chromium:
    """The browser, headless.

    Args:
        folder: an empty one, for its profile.
        voice: a WAV file that its microphone plays over and over.
        flags: more of them.
    """

    def __init__(self, folder: Path, voice: Path, *flags: str) -> None:
        assert PROGRAM is not None
        own = [f"--user-data-dir={folder}", f"--use-file-for-fake-audio-capture={voice}", *flags]
        self.line = Line([PROGRAM, *FLAGS, *own])
        self.version = self.line.ask("Browser.getVersion", {})["product"]

    def open(self, script: str, size: tuple[int, int]) -> ChromiumPage:
        """An empty page with nobody's memory; the script runs first in whatever it loads."""
        user = self.line.ask("Target.createBrowserContext", {})["browserContextId"]
        target = {"url": "about:blank", "browserContextId": user}
        id = self.line.ask("Target.createTarget", target)["targetId"]
        session = self.line.ask("Target.attachToTarget", {"targetId": id, "flatten": True})["sessionId"]
        page = ChromiumPage(self.line, session, user)
        page.prepare(script, size)
        return page

    def close(self) -> None:
        self.line.ask("Browser.close", {})
        self.line.close()


class ChromiumPage:
    """One tab of it."""

    def __init__(self, line: Line, session: str, user: str) -> None:
        self._line = line
        self._session = session
        self._user = user

    def _ask(self, method: str, **params: Any) -> Any:
        return self._line.ask(method, params, sessionId=self._session)

    def prepare(self, script: str, size: tuple[int, int]) -> None:
        self._ask("Page.enable")
        self._ask("Security.setIgnoreCertificateErrors", ignore=True)
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=f"(() => {{ {script} }})()")
        self.resize(*size)

    def goto(self, url: str) -> None:
        self._line.forget()
        error = self._ask("Page.navigate", url=url).get("errorText")
        assert error is None, f"{url}: {error}"
        self._line.wait("Page.loadEventFired", sessionId=self._session)

    def reload(self) -> None:
        self._line.forget()
        self._ask("Page.reload")
        self._line.wait("Page.loadEventFired", sessionId=self._session)

    def run(self, function: str) -> Any:
        """What a JavaScript function returns, waited for if it is a promise."""
        call = {"awaitPromise": True, "returnByValue": True, "userGesture": True}
        said = self._ask("Runtime.evaluate", expression=f"({function})()", **call)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def click(self, x: float, y: float) -> None:
        self.press(x, y)
        self.release(x, y)

    def press(self, x: float, y: float) -> None:
        """Move the pointer there, and press its button."""
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self._ask("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)

    def release(self, x: float, y: float) -> None:
        self._ask("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, button="left", clickCount=1)

    def key_down(self, key: str) -> None:
        self._ask("Input.dispatchKeyEvent", type="keyDown", key=key, **(KEYS.get(key) or {"text": key}))

    def key_up(self, key: str) -> None:
        known = {name: value for name, value in KEYS.get(key, {}).items() if name != "text"}
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, **known)

    def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """Close the tab as a person does, so that the page is told."""
        self._line.forget()
        self._ask("Page.close")
        while self._line.wait("Target.detachedFromTarget")["sessionId"] != self._session:
            pass  # what else ends meanwhile
        self._line.ask("Target.disposeBrowserContext", {"browserContextId": self._user})
