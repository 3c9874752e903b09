"""What `rtstream serve` says when it is ready: eight lines at most beside a QR code, or one JSON event."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rtstream import __version__

from ..console import console
from ..discover import Target
from .doors import qr_code
from .outside import show_number
from .warm import Warmth

if TYPE_CHECKING:
    from rtstream.carriers.hook import Number

READY = "Ready · Ctrl-C stops"
MOST_PAGES = 3  # of several streams, so that the banner stays short


@dataclass(frozen=True)
class Place:
    """One stream of the server: where it is mounted, what it carries, and what people see of it.

    `gradio` is where its Gradio UI is, behind `path`; None without one.
    """

    path: str
    modality: str
    mode: str
    has_page: bool
    gradio: str | None

    def page(self, url: str) -> str | None:
        """Where its page is on a server."""
        return f"{url}{self.path}/" if self.has_page else None

    def ui(self, url: str) -> str | None:
        """Where its Gradio UI is on a server."""
        return f"{url}{self.path}{self.gradio}" if self.gradio else None

    def faces(self, url: str) -> list[str]:
        """Both, as far as they are there."""
        return [one for one in (self.page(url), self.ui(url)) if one]

    @property
    def routes(self) -> dict[str, str]:
        """How its clients reach it: pictures go over WebRTC alone."""
        webrtc = {"webrtc": f"POST {self.path}/webrtc/offer"}
        if self.modality == "video":
            return webrtc
        sound = {"websocket": "/websocket/offer", "telephone": "/telephone/handler"}
        return webrtc | {name: f"WS {self.path}{route}" for name, route in sound.items()}


@dataclass(frozen=True)
class Outside:
    """How the outside reaches the server: its address, the webhook of calls, the number that leads there."""

    url: str
    webhook: str
    number: Number | None


@dataclass(frozen=True)
class Urls:
    """Where browsers go: on this machine, on a telephone, and from outside; None where none was asked for."""

    browser: str
    phone: str | None = None
    outside: Outside | None = None


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
    arrow = console.paint("➜", "cyan") if console.decorated(sys.stderr) else ""
    say([*head(target, what, warmth, load), *_addresses(urls, places, arrow)])
    if urls.outside is not None and urls.outside.webhook:
        console.data(urls.outside.webhook)
    if urls.outside is not None and urls.outside.number is not None:
        show_number(urls.outside.number)
    say([READY])


def head(target: Target, what: str, warmth: Warmth | None, load: float) -> list[str]:
    """What is served, and how long it took to get ready."""
    hint = f'   (found here; to pin it: target = "{target.name}")' if target.source == "discovery" else ""
    lines = [f"{console.paint(f'rtstream {__version__}', 'bold')} · {target.name} · {what}{hint}"]
    if warmth is not None:
        tick = console.paint("✓", "green") if console.decorated(sys.stderr) else ""
        total = load + warmth.imports + warmth.call
        parts = f"handler {load:.2f} · engine {warmth.imports:.2f} · synthetic call {warmth.call:.2f}"
        lines.append(f"{tick} warm in {total:.2f} s   ({parts})")
    return lines


def say(lines: list[str]) -> None:
    """Lines of the banner: set in from the edge where somebody sees them."""
    for line in lines:
        console.say(f"  {line}" if console.decorated(sys.stderr) else line.strip())


def warm_seconds(warmth: Warmth | None, load: float) -> dict[str, float] | None:
    """How long it took, for machines."""
    if warmth is None:
        return None
    times = {"handler": load, "engine": warmth.imports, "call": warmth.call}
    return {name: round(seconds, 3) for name, seconds in times.items()}


def _addresses(urls: Urls, places: list[Place], arrow: str) -> list[str]:
    """Who finds the server where."""
    faces = [face for place in places[:MOST_PAGES] for face in place.faces(urls.browser)]
    lines = [f"{arrow} browser   {face}" for face in faces] or [f"{arrow} server    {urls.browser}"]
    if urls.phone is not None and (pages := places[0].faces(urls.phone)):
        lines.append(f"{arrow} phone     {pages[0]}{_hint(pages[0])}")
        lines += [console.paint(row, "white on black") for row in qr_code(pages[0])]
    lines.append(f"{arrow} api       {' · '.join(places[0].routes.values())}")
    if urls.outside is not None:
        lines.append(f"{arrow} outside   {_from_outside(urls.outside)}")
    return lines


def _from_outside(outside: Outside) -> str:
    if outside.webhook:
        return "calls come by the webhook below (POST)"
    who = "calls only" if outside.number is not None else "whoever knows it can use the handler"
    return f"{outside.url}  ({who})"


def _hint(url: str) -> str:
    return "   (its browser warns of the certificate: go on)" if url.startswith("https:") else ""


def _event(target: str, urls: Urls, places: list[Place], warmth: Warmth | None, load: float) -> None:
    console.event(
        "ready",
        target=target,
        url=urls.browser,
        phone=urls.phone and places[0].page(urls.phone),
        streams=[
            {
                "path": one.path,
                "page": one.page(urls.browser),
                "ui": one.ui(urls.browser),
                "modality": one.modality,
                "mode": one.mode,
                "routes": one.routes,
            }
            for one in places
        ],
        warm_seconds=warm_seconds(warmth, load),
        **_outside_fields(urls.outside),
    )


def _outside_fields(outside: Outside | None) -> dict[str, Any]:
    if outside is None:
        return {}
    fields: dict[str, Any] = {"public_url": outside.url}
    if outside.webhook:
        fields["webhook"] = outside.webhook
    if outside.number is not None:
        from rtstream.phone.card import as_dict

        fields["number"] = as_dict(outside.number)
    return fields
