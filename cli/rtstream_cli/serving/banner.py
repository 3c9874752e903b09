"""What `rtstream serve` says when it is ready: eight lines at most beside a QR code, or one JSON event."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from rtstream import __version__

from ..console import console
from ..discover import Target
from .doors import qr_code
from .warm import Warmth

MOST_PAGES = 3  # of several streams, so that the banner stays short


@dataclass(frozen=True)
class Place:
    """One stream of the server: where it is mounted and what it carries."""

    path: str
    modality: str
    mode: str

    def page(self, url: str) -> str:
        """Where its page is on a server."""
        return f"{url}{self.path}/"

    @property
    def routes(self) -> dict[str, str]:
        """How its clients reach it."""
        return {
            "webrtc": f"POST {self.path}/webrtc/offer",
            "websocket": f"WS {self.path}/websocket/offer",
            "telephone": f"WS {self.path}/telephone/handler",
        }


@dataclass(frozen=True)
class Urls:
    """Where browsers go: on this machine, and on a telephone, None where none was asked for."""

    browser: str
    phone: str | None = None


def show(target: Target, urls: Urls, places: list[Place], warmth: Warmth | None, load: float) -> None:
    """Tell that the server is ready.

    Args:
        target: what is served; how to pin it is told when it was discovered.
        urls: where browsers go.
        places: the streams.
        warmth: of the warm-up, None without one.
        load: seconds that loading the handler took.
    """
    if console.json:
        _event(target.name, urls, places, warmth, load)
        return
    what = ", ".join(
        f"{place.modality} {place.mode}{f' at {place.path}' if place.path else ''}" for place in places
    )
    fancy = console.decorated(sys.stderr)
    tick, arrow = (console.paint("✓", "green"), console.paint("➜", "cyan")) if fancy else ("", "")
    hint = f'   (found here; to pin it: target = "{target.name}")' if target.source == "discovery" else ""
    lines = [f"{console.paint(f'rtstream {__version__}', 'bold')} · {target.name} · {what}{hint}"]
    if warmth is not None:
        total = load + warmth.imports + warmth.call
        parts = f"handler {load:.2f} · engine {warmth.imports:.2f} · synthetic call {warmth.call:.2f}"
        lines.append(f"{tick} warm in {total:.2f} s   ({parts})")
    lines += [f"{arrow} browser   {place.page(urls.browser)}" for place in places[:MOST_PAGES]]
    if urls.phone is not None:
        page = places[0].page(urls.phone)
        lines.append(f"{arrow} phone     {page}{_hint(page)}")
        lines += [console.paint(row, "white on black") for row in qr_code(page)]
    lines.append(f"{arrow} api       {' · '.join(places[0].routes.values())}")
    lines.append("Ready · Ctrl-C stops")
    for line in lines:
        console.say(f"  {line}" if fancy else line.strip())


def _hint(url: str) -> str:
    return "   (its browser warns of the certificate: go on)" if url.startswith("https:") else ""


def _event(target: str, urls: Urls, places: list[Place], warmth: Warmth | None, load: float) -> None:
    times = None
    if warmth is not None:
        times = {"handler": load, "engine": warmth.imports, "call": warmth.call}
    console.event(
        "ready",
        target=target,
        url=urls.browser,
        phone=urls.phone and places[0].page(urls.phone),
        streams=[
            {
                "path": one.path,
                "page": one.page(urls.browser),
                "modality": one.modality,
                "mode": one.mode,
                "routes": one.routes,
            }
            for one in places
        ],
        warm_seconds=times and {name: round(seconds, 3) for name, seconds in times.items()},
    )
