"""The line to the outside as the command line sees it: made from the settings, and told about."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtstream.errors import RtstreamError

from ..config import Settings
from ..console import console

if TYPE_CHECKING:
    from rtstream import Stream
    from rtstream.carriers.hook import Hook, Number
    from rtstream.phone.line import Line
    from rtstream.tunnels.base import Tunnel
    from rtstream.tunnels.kept import TunnelNews

FLAGS = ("tunnel", "public_url", "ngrok_path", "ssh", "ssh_forward", "ssh_config")
PATHS = {"ngrok_path", "ssh_config"}  # they count from the folder of the file that says them


def wished(settings: Settings) -> bool:
    """Whether a tunnel is asked for: by `--tunnel`, `--public-url` or `--ssh`; the others only say how."""
    return any(settings.values[name] for name in ("tunnel", "public_url", "ssh"))


def tunnel(settings: Settings) -> Tunnel:
    """The tunnel that is meant, not opened yet; `auto` when none was named.

    Raises:
        UsageError: something that it needs was not said.
        ToolMissing: this machine has nothing for it.
    """
    said = {name: settings.values[name] for name in FLAGS if settings.values[name]}
    name = said.pop("tunnel", "auto")
    from rtstream.tunnels.choice import TunnelWish, choose

    for path in PATHS & said.keys():
        said[path] = str(settings.folder(path) / Path(said[path]).expanduser())
    return choose(TunnelWish(name, **said))


def line(
    way: Tunnel, mounted: Sequence[tuple[str, Stream]], hook: Hook | None = None, shown: Sequence[str] = ()
) -> Line:
    """The line of a server, which tells the terminal what becomes of it."""
    from rtstream.phone.line import Line

    return Line(way, [stream for _, stream in mounted], Teller(), hook=hook, shown=shown)


class Teller:
    """Tells what becomes of a line: lines for people, events for machines."""

    def tunnel(self, news: TunnelNews) -> None:
        if console.json:
            more: dict[str, Any] = {"why": news.why} if news.why else {"moved": news.moved}
            console.event(f"tunnel_{news.kind}", url=news.url, **more)
        elif news.kind == "lost":
            console.warn(f"the tunnel at {news.url} is lost: it is opened again", why=news.why)
        elif news.kind == "failed":
            console.warn(f"no tunnel yet: it is tried again in {news.retry_in:.0f} s", why=news.why)
        else:
            console.say(f"The tunnel is back{f', now at {news.url}' if news.moved else ''}")

    def number(self, number: Number) -> None:
        from rtstream.phone.card import as_dict

        if console.json:
            console.event("number", **as_dict(number))
        else:
            show_number(number)

    def trouble(self, error: RtstreamError) -> None:
        if console.json:
            console.event("trouble", error=error.as_dict())
        else:
            console.warn(error.what, why=error.why, fix=error.fix)


def show_number(number: Number) -> None:
    """The number in a panel, in plain lines where nobody sees panels."""
    from rtstream.phone.card import card

    show_facts(card(number))


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """What a person who wants to call has to know, each with its name; a name that goes on is ""."""
    width = max(len(name) for name, _ in facts)
    lines = [f"{name.ljust(width)}  {value}" for name, value in facts]
    if console.decorated(sys.stderr) and not console.quiet:
        console.panel("telephone", lines)
        return
    for line in lines:
        console.say(line)
