"""Firefox over WebDriver BiDi (W3C), which it speaks by itself: no program stands between."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

from tests.browser.line import Line

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
PREFERENCES: dict[str, Any] = {
    "media.navigator.streams.fake": True,  # a camera and a microphone of software
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": True,
    "remote.active-protocols": 1,  # WebDriver BiDi alone
    # Nothing is asked of anybody outside.
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}
KEYS = {"Tab": "\ue004", "Enter": "\ue007"}  # WebDriver §17.4.2


class Firefox:
    """The browser, headless.

    Args:
        folder: an empty one, for its profile.
        environment: more variables for it.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        assert PROGRAM is not None
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (folder / "user.js").write_text("\n".join(lines))
        flags = ["--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"]
        self.line = Line([PROGRAM, *flags], "/session", **environment)
        known = {"alwaysMatch": {"acceptInsecureCerts": True}}
        self.version = self.line.ask("session.new", {"capabilities": known})["capabilities"]["browserVersion"]

    def open(self, script: str, size: tuple[int, int]) -> FirefoxPage:
        """An empty page with nobody's memory; the script runs first in whatever it loads."""
        user = self.line.ask("browser.createUserContext", {})["userContext"]
        context = self.line.ask("browsingContext.create", {"type": "tab", "userContext": user})["context"]
        preload = {"functionDeclaration": f"() => {{ {script} }}", "contexts": [context]}
        self.line.ask("script.addPreloadScript", preload)
        page = FirefoxPage(self.line, context, user)
        page.resize(*size)
        return page

    def close(self) -> None:
        self.line.ask("session.end", {})
        self.line.close()


class FirefoxPage:
    """One tab of it."""

    def __init__(self, line: Line, context: str, user: str) -> None:
        self._line = line
        self._context = context
        self._user = user

    def _ask(self, method: str, **params: Any) -> Any:
        return self._line.ask(method, {"context": self._context, **params})

    def goto(self, url: str) -> None:
        self._ask("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._ask("browsingContext.reload", wait="complete")

    def run(self, function: str) -> Any:
        """What a JavaScript function returns, waited for if it is a promise."""
        call = {
            "functionDeclaration": f"async () => JSON.stringify(await ({function})()) ?? null",
            "awaitPromise": True,
            "target": {"context": self._context},
            "userActivation": True,
        }
        result = self._line.ask("script.callFunction", call)
        assert result["type"] == "success", result["exceptionDetails"]["text"]
        text = result["result"].get("value")
        return None if text is None else json.loads(text)

    def click(self, x: float, y: float) -> None:
        self.press(x, y)
        self.release(x, y)

    def press(self, x: float, y: float) -> None:
        """Move the pointer there, and press its button."""
        to = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self._act("pointer", [to, {"type": "pointerDown", "button": 0}])

    def release(self, x: float, y: float) -> None:
        self._act("pointer", [{"type": "pointerUp", "button": 0}])

    def key_down(self, key: str) -> None:
        self._act("key", [{"type": "keyDown", "value": KEYS.get(key, key)}])

    def key_up(self, key: str) -> None:
        self._act("key", [{"type": "keyUp", "value": KEYS.get(key, key)}])

    def _act(self, type: str, actions: list[dict[str, Any]]) -> None:
        self._ask("input.performActions", actions=[{"type": type, "id": type, "actions": actions}])

    def resize(self, width: int, height: int) -> None:
        self._ask("browsingContext.setViewport", viewport={"width": width, "height": height})

    def screenshot(self, path: Path) -> None:
        shot = self._ask("browsingContext.captureScreenshot", origin="viewport")
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Close the tab as a person does, so that the page is told."""
        self._ask("browsingContext.close")
        self._line.ask("browser.removeUserContext", {"userContext": self._user})
