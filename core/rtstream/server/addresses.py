"""The addresses under which carriers reach the server: its public one, or the one that a request came to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import OptionError

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

logger = logging.getLogger("rtstream.telephone")

SECURE = {"http": "https", "ws": "wss"}
SOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def checked(public_url: str | None) -> str | None:
    """A public address without a slash at its end.

    Raises:
        OptionError: it is none.
    """
    if public_url is None:
        return None
    try:
        parts = urlsplit(public_url)
        whole = parts.scheme in SOCKET and bool(parts.hostname) and parts.port != 0
        usable = whole and not parts.query and not parts.fragment
    except ValueError:
        usable = False
    if not usable:
        raise OptionError(
            f"the public address is {public_url!r:.80}",
            why="it is where carriers and browsers reach the server from outside",
            fix="Pass a whole address, such as https://voice.example.com or https://example.com:8443/app",
        )
    return public_url.rstrip("/")


def socket_url(
    request: HTTPConnection, path: str, public_url: str | None = None, *, verified: bool = False
) -> str:
    """The WebSocket address of a path, as a carrier is told it.

    That is under the public address if there is one, its port and path kept. Otherwise it is on the host
    that the request names, its port kept. Carriers speak TLS only, and what they call is a tunnel or a
    proxy that ends it; so the scheme is then `wss` unless the host is this machine itself. A host that no
    signature vouches for (`verified`) is taken with a warning.
    """
    if public_url is not None:
        parts = urlsplit(public_url)
        return f"{SOCKET[parts.scheme]}://{parts.netloc}{_below(parts.path, path)}"
    host = _host(request)
    here = _is_here(host)
    if not here and not verified:
        logger.warning(
            "a carrier is told the address %s, which stands in its own request: set stream.public_url", host
        )
    return f"{'ws' if here and request.scope['scheme'] in ('http', 'ws') else 'wss'}://{host}{path}"


def outer_path(request: HTTPConnection) -> str:
    """The path of a request as the outside calls it, and not a proxy that takes a part of it away.

    Servers that are told that part (`uvicorn --root-path`) put it back into the path, apps that are told it
    (`FastAPI(root_path=…)`) do not. What an app is mounted under on another one stands in the path anyhow.
    """
    scope, path = request.scope, request.url.path
    root = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
    return path if path.startswith(root + "/") else root + path


def signed_urls(request: HTTPConnection, public_url: str | None = None) -> tuple[str, ...]:
    """Under which addresses a carrier may have signed a request: the public one, or the one that it names.

    A proxy may have ended TLS, and then the scheme that it came with is not the one that was signed.
    """
    query = request.scope.get("query_string", b"").decode("latin-1")
    target = outer_path(request) + (f"?{query}" if query else "")
    if public_url is not None:
        parts = urlsplit(public_url)
        schemes = {parts.scheme, SOCKET[parts.scheme]}
        return tuple(f"{scheme}://{parts.netloc}{_below(parts.path, target)}" for scheme in sorted(schemes))
    return tuple(f"{scheme}://{_host(request)}{target}" for scheme in _schemes(request.scope["scheme"]))


def _schemes(scheme: str) -> Iterator[str]:
    yield scheme
    if scheme in SECURE:
        yield SECURE[scheme]


def _below(prefix: str, path: str) -> str:
    """A path below the public address's own, which a proxy may have left in it."""
    prefix = prefix.rstrip("/")
    return path if not prefix or path.startswith(prefix + "/") else prefix + path


def _host(request: HTTPConnection) -> str:
    """The host and port that a request names; this machine if it names none that can be."""
    try:
        parts = urlsplit(f"//{request.headers.get('host', '')}")
        name, port = parts.hostname or "localhost", parts.port
    except ValueError:
        name, port = "localhost", None
    shown = f"[{name}]" if ":" in name else name
    return f"{shown}:{port}" if port else shown


def _is_here(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    return name in ("localhost", "::1") or name.startswith("127.")
