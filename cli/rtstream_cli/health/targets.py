"""The handler or the server that was named: loaded, or called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rtstream.errors import HandlerNotFound, RtstreamError

from .. import discover, streams
from ..config import Settings
from ..serving.network import is_loopback
from ..serving.warm import warm
from . import calls
from .finding import Finding, failed

if TYPE_CHECKING:
    from ..discover import Target


def look(target: str | None, settings: Settings) -> Iterator[Finding]:
    """Load a handler and send it a short call, or call a server."""
    try:
        found = discover.find(target, settings)
        if found.url is None:
            yield from _handler(found, settings)
        else:
            yield from _server(found.url, discover.server(found.url, settings))
    except HandlerNotFound as error:
        if settings.values["target"] is not None:
            yield failed("target", error)
        else:
            said = "none was named, and none is here"
            yield Finding("target", "skip", said, "rtstream doctor handler.py:fn")
    except RtstreamError as error:
        yield failed("target", error)


def _handler(found: Target, settings: Settings) -> Iterator[Finding]:
    modality, mode = settings.values["modality"], settings.values["mode"]
    _, mounted = streams.on_app(found, settings, modality, mode)
    for path, stream in mounted:
        name = f"{found.name} {path}".rstrip()
        yield Finding(name, "ok", f"it loads: {stream.modality} {stream.mode}")
        warmth = asyncio.run(warm(stream))
        if warmth.trouble is not None:
            yield failed(name, warmth.trouble)
        else:
            yield Finding(name, "ok", f"a short call went through it, over after {1000 * warmth.call:.0f} ms")


def _server(given: str, url: str) -> Iterator[Finding]:
    address = urlsplit(given)
    if address.scheme in ("http", "ws") and not is_loopback(address.hostname or ""):
        said = "browsers give out no microphone to a page of http that is on another machine"
        yield Finding("https", "warn", said, "rtstream serve --https, or a proxy that speaks TLS")
    yield from calls.call(url)
