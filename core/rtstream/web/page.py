"""The plain page of a stream: one custom element, its configuration, and nothing from outside."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
from collections.abc import Awaitable, Callable
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..inputs import as_config
from ..options import StreamOptions
from . import element

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from ..engine import Engine

    Answer = Callable[[Request], Awaitable[Response]]

KINDS = {"audio": "Sound", "video": "Video", "audio-video": "Sound and video"}
WAYS = {
    "send-receive": "both ways: you send, and the answer comes back.",
    "send": "one way: from you to the server.",
    "receive": "one way: from the server to you.",
}
CONFIGURATION = "webrtc/config"  # of the browser's ICE servers, where a function gives them
LOOKS = ("icon_button_color", "icon_radius", "pulse_color", "full_screen")  # of UIArgs, passed on as they are
YEAR = 31_536_000  # seconds
PAGE_HEADERS = {
    # The page's own word that it needs nothing from outside; what is inline is style.
    "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Asset:
    """A text that is served over and over: packed once, and named by its content.

    Args:
        text: what to serve.
        media_type: its type.
        headers: more response headers.
    """

    def __init__(self, text: str, media_type: str, headers: dict[str, str] | None = None) -> None:
        self.plain = text.encode()
        self.packed = gzip.compress(self.plain, mtime=0)
        self.version = hashlib.sha256(self.plain).hexdigest()[:16]
        self._media_type = media_type
        self._headers = {"etag": f'"{self.version}"', "vary": "accept-encoding", **(headers or {})}

    async def response(self, request: Request) -> Response:
        """The text, or word that the client has it (RFC 9110 §13.1.2), as short as the client can take it.

        Asked for by its version (`?v=…`) it may be kept for a year: another text has another version.
        """
        by_version = request.query_params.get("v") == self.version
        headers = {
            **self._headers,
            "cache-control": f"max-age={YEAR}, immutable" if by_version else "no-cache",
        }
        if self.version in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                self.packed, headers={**headers, "content-encoding": "gzip"}, media_type=self._media_type
            )
        return Response(self.plain, headers=headers, media_type=self._media_type)


def mount_page(app: Starlette, stream: Engine, path: str = "", title: str = "", ui: str = "") -> None:
    """Add the stream's page to an app, beside the routes of `stream.mount(app, path)`.

    `GET {path}/` is the page and `GET {path}/rt-stream.js` its element, which any other page may use
    too. All addresses are relative to the page, so it works under a prefix and behind a proxy. When the
    stream's `rtc_configuration` is a function, the page asks it at `GET {path}/webrtc/config` before
    each connection.

    Args:
        app: the FastAPI application; a Starlette one will do.
        stream: the stream that the page connects to.
        path: the prefix that the stream was mounted with.
        title: the heading; that of the stream's `ui_args` comes first, the handler's name last.
        ui: address of another page of the stream, in Gradio, which this one is to link to.
    """
    path = path.rstrip("/")
    script, looks = Asset(element.script(), "text/javascript"), stream.options.ui_args
    summary = f"{KINDS[stream.options.modality]} {WAYS[stream.options.mode]}"
    fields = {
        "title": looks.get("title") or title or _name_of(stream.event_handler),
        "summary": looks.get("subtitle") or summary,
        "config": json.dumps(_config(stream.options)),
        "script": f"rt-stream.js?v={script.version}",
        "ui": ui,
        "hidden": "" if ui else "hidden",
    }
    escaped = {name: html.escape(value) for name, value in fields.items()}
    page = Asset(Template(_text("page.html")).substitute(escaped), "text/html", PAGE_HEADERS)
    routes: dict[str, Answer] = {"/": page.response, "/rt-stream.js": script.response}
    if callable(stream.options.rtc_configuration):
        routes[f"/{CONFIGURATION}"] = _asking(stream)
    app.router.routes += [Route(path + at, answer, include_in_schema=False) for at, answer in routes.items()]


def _asking(stream: Engine) -> Answer:
    async def answer(_: Request) -> Response:
        return JSONResponse(await stream.get_rtc_configuration())

    return answer


def _config(options: StreamOptions) -> dict[str, Any]:
    """What the element must know: its `Config` in rt-stream.js."""
    asked = {"rtc_configuration": CONFIGURATION} if callable(options.rtc_configuration) else {}
    return {
        **element.config(options),
        **asked,
        "offer": "webrtc/offer",
        "inputs": as_config(options.additional_inputs),
        "outputs": True,
        **{name: value for name, value in options.ui_args.items() if name in LOOKS},
    }


def _name_of(handler: Any) -> str:
    inner = getattr(handler, "func", handler)  # of a partial
    return getattr(inner, "__name__", type(inner).__name__)


def _text(name: str) -> str:
    return resources.files("rtstream.web").joinpath(name).read_text("utf-8")
