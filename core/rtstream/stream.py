"""`Stream`: a handler made into an audio or video stream, and the front door to its connections."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.websockets import WebSocket

from .errors import FeatureMissing, RtstreamError, TracksUnfit, UnknownConnection
from .handlers.base import StreamHandlerBase
from .handlers.forms import as_handler
from .options import Modality, Mode, UIArgs, validated
from .outputs import AdditionalOutputs
from .server.bodies import Body
from .server.lifespan import during_life, load_ahead, require_turn_in_the_cloud
from .server.requests import read_body, refusal, socket_url
from .server.routes import add_routes, checked_prefix
from .session.outcome import EndReason
from .session.registry import Sessions
from .session.reports import users_code
from .session.session import Session
from .transports.base import Transport
from .transports.websocket import WebSocketTransport
from .wire import messages
from .wire.base import Wire
from .wire.browser import BrowserWire
from .wire.twilio import TwilioWire
from .wire.twiml import connect_to

if TYPE_CHECKING:
    from .server.offers import Offers

LATEST_OUTPUT_SECONDS = 10.0


class Stream:
    """An audio or video stream, mountable on a FastAPI app.

    Args:
        handler: a `StreamHandler` (instance, class or factory), a function (frame → frame), a
            generator function (`mode="receive"`: the source), or a `VideoStreamHandler`; plain or async,
            also bound methods, partials and callable objects. Parameters beyond the media are inputs.
        additional_outputs_handler: turns what `AdditionalOutputs` carry into the components' values.
        mode: who speaks: the client and the handler ("send-receive", default), the handler only
            ("receive"), or the client only ("send").
        modality: "video" (default), "audio" or "audio-video".
        concurrency_limit: connections at once, over all transports: a number, None for no limit, or
            "default" for 1.
        time_limit: seconds that a connection may last, on any transport; None (default) for no limit.
        allow_extra_tracks: answer offers with tracks beyond the modality, and ignore those.
        rtp_params: parameters for RTP encoding, for the browser's senders.
        rtc_configuration: ICE servers for the browser: a dict, or a function that returns one.
        server_rtc_configuration: ICE servers for the server; none by default.
        track_constraints: media constraints for the browser's devices.
        additional_inputs: Gradio components whose values the handler takes beyond the media.
        additional_outputs: Gradio components that `AdditionalOutputs` change.
        ui_args: how the built-in UI looks.
        verbose: say on stderr where the stream can be reached when the app starts.

    Raises:
        OptionError: an argument that cannot be; also a ValueError.
        HandlerUnfit: the handler is none, or none for this mode and modality; also a ValueError.
    """

    def __init__(
        self,
        handler: Any,
        *,
        additional_outputs_handler: Callable[..., Any] | None = None,
        mode: Mode = "send-receive",
        modality: Modality = "video",
        concurrency_limit: int | None | Literal["default"] = "default",
        time_limit: float | None = None,
        allow_extra_tracks: bool = False,
        rtp_params: dict[str, Any] | None = None,
        rtc_configuration: dict[str, Any] | Callable[..., Any] | None = None,
        server_rtc_configuration: dict[str, Any] | Callable[..., Any] | None = None,
        track_constraints: dict[str, Any] | None = None,
        additional_inputs: list[Any] | None = None,
        additional_outputs: list[Any] | None = None,
        ui_args: UIArgs | None = None,
        verbose: bool = True,
    ) -> None:
        self.options = options = validated(
            mode=mode,
            modality=modality,
            concurrency_limit=concurrency_limit,
            time_limit=time_limit,
            allow_extra_tracks=allow_extra_tracks,
            rtp_params=rtp_params,
            rtc_configuration=rtc_configuration,
            server_rtc_configuration=server_rtc_configuration,
            track_constraints=track_constraints,
            additional_inputs=additional_inputs,
            additional_outputs=additional_outputs,
            additional_outputs_handler=additional_outputs_handler,
            ui_args=ui_args,
        )
        self.event_handler = handler
        self.mode = options.mode
        self.modality = options.modality
        self.concurrency_limit = options.concurrency_limit
        self.time_limit = options.time_limit
        self.allow_extra_tracks = options.allow_extra_tracks
        self.rtp_params = options.rtp_params
        self.rtc_configuration = options.rtc_configuration
        self.server_rtc_configuration = options.server_rtc_configuration
        self.track_constraints = options.track_constraints
        self.additional_input_components = options.additional_inputs
        self.additional_output_components = options.additional_outputs
        self.additional_outputs_handler = options.additional_outputs_handler
        self.sessions = Sessions(options.concurrency_limit)
        self._make_handler = as_handler(handler, options)
        self.verbose = verbose
        self._signalling: Offers | None = None
        self._own_ui: Any = None

    # On a server.

    def mount(self, app: Starlette, path: str = "", tags: list[str | Enum] | None = None) -> None:
        """Add the stream's routes to an app.

        `POST {path}/webrtc/offer`, `POST {path}/telephone/incoming`, and the WebSockets
        `{path}/telephone/handler` and `{path}/websocket/offer`. When the app stops, the connections are
        told and ended.

        Args:
            app: the FastAPI application; a Starlette one will do.
            path: a prefix of the routes, such as "/voice".
            tags: OpenAPI tags of the routes.

        Raises:
            OptionError: `path` does not begin with a slash.
            RuntimeError: on Colab or a Hugging Face Space without `rtc_configuration`, when the app starts.
        """
        posts = {"/webrtc/offer": self._offer_route, "/telephone/incoming": self.handle_incoming_call}
        sockets = {"/telephone/handler": self.telephone_handler, "/websocket/offer": self.websocket_offer}
        path = checked_prefix(path)
        add_routes(app, path, posts=posts, sockets=sockets, tags=tags)
        app.state.rtstream_streams = [*getattr(app.state, "rtstream_streams", []), (path, self)]
        during_life(app, partial(self._while_mounted, path))

    async def offer(self, body: Body) -> dict[str, Any] | JSONResponse:
        """Answer a WebRTC offer, or take an ICE candidate.

        Args:
            body: the offer or candidate and the client's id.

        Returns:
            `{"sdp": …, "type": "answer"}` or `{"status": "success"}`; for what cannot be served a
            response with its status and `{"status": "failed", "meta": {"error": …, …}}`.
        """
        try:
            return await self._offers.handle(body)
        except RtstreamError as error:
            return refusal(error)

    async def handle_incoming_call(self, request: Request) -> HTMLResponse:
        """Answer a carrier's webhook with TwiML that connects the call to `/telephone/handler`.

        Args:
            request: the webhook; the address is taken from it, its port kept.
        """
        path = request.url.path.removesuffix("/telephone/incoming") + "/telephone/handler"
        return HTMLResponse(connect_to(socket_url(request, path)), media_type="application/xml")

    async def telephone_handler(self, websocket: WebSocket) -> None:
        """Carry a telephone call over a WebSocket, not yet accepted: Twilio Media Streams."""
        await self._serve(websocket, TwilioWire())

    async def websocket_offer(self, websocket: WebSocket) -> None:
        """Carry a connection over a WebSocket, not yet accepted: mu-law in JSON, FastRTC's dialect."""
        await self._serve(websocket, None)

    async def run(self, transport: Transport, id: str | None = None) -> Session:
        """Run one connection over any transport to its end, and return it.

        Raises:
            ConnectionRefused: the stream is full, or the id is taken.
        """
        session = self._admitted(id or uuid.uuid4().hex, transport)
        await self.sessions.start(session, session.run)
        return session

    # Inputs and outputs of a connection.

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Give a connection's handler its additional inputs, in the order of its parameters. From any thread.

        Raises:
            UnknownConnection: no live connection has that id.
        """
        self.sessions.get(webrtc_id).handler.set_args(args)

    async def output_stream(self, webrtc_id: str) -> AsyncIterator[AdditionalOutputs]:
        """The additional outputs of a connection, as they come; ends with it. Raises as `set_input`."""
        feed = self.sessions.get(webrtc_id).outputs
        while (outputs := await feed.next()) is not None:
            yield outputs

    async def fetch_latest_output(self, webrtc_id: str) -> AdditionalOutputs:
        """The next additional output of a connection that nobody has read.

        Raises:
            UnknownConnection: no live connection has that id, or it ended meanwhile.
            TimeoutError: none came within 10 s.
        """
        session = self.sessions.get(webrtc_id)
        async with asyncio.timeout(LATEST_OUTPUT_SECONDS):
            outputs = await session.outputs.next()
        if outputs is None:
            raise UnknownConnection(f"the connection {webrtc_id!r:.80} ended without a further output")
        return outputs

    def update_connection(self, webrtc_id: str, state: Literal["closed"] = "closed") -> None:
        """End a connection from outside its handler. From any thread.

        Raises:
            UnknownConnection: no live connection has that id.
        """
        session = self.sessions.get(webrtc_id)
        session.send_text(messages.closed())
        session.end(EndReason.HANDLER_CLOSED, "The connection was closed")

    @property
    def connections(self) -> dict[str, list[Session]]:
        """The live connections by id."""
        return {session.id: [session] for session in self.sessions}

    @property
    def handlers(self) -> dict[str, StreamHandlerBase]:
        """The handlers of the live connections by id."""
        return {session.id: session.handler for session in self.sessions}

    async def get_rtc_configuration(self) -> dict[str, Any] | None:
        """The configuration for the browser, resolved if it was given as a function."""
        from .server.offers import resolve

        return await resolve(self.rtc_configuration)

    # What comes with later versions.

    def fastphone(
        self, token: str | None = None, host: str = "127.0.0.1", port: int = 8000, **kwargs: Any
    ) -> None:
        """Put the stream on a telephone number of the FastPhone service.

        Raises:
            FeatureMissing: always, in this version.
        """
        raise _missing(
            "`Stream.fastphone`",
            "Mount the stream and point your number's webhook at POST /telephone/incoming",
        )

    @property
    def webrtc_component(self) -> Any:
        """The Gradio component of the stream.

        Raises:
            FeatureMissing: always, in this version.
        """
        raise _missing("`Stream.webrtc_component`", "Run `rtstream serve` for a page, or mount the stream")

    @property
    def ui(self) -> Any:
        """The Gradio Blocks that were set as the stream's UI.

        Raises:
            FeatureMissing: none were set, and this version makes none.
        """
        if self._own_ui is None:
            raise _missing("`Stream.ui`, the built-in Gradio UI,", "Run `rtstream serve` for a page")
        return self._own_ui

    @ui.setter
    def ui(self, blocks: Any) -> None:
        self._own_ui = blocks

    _ui = ui

    # Inside.

    @property
    def _offers(self) -> Offers:
        if self._signalling is None:
            from .server.offers import Offers

            self._signalling = Offers(self.options, self.sessions, self._session)
        return self._signalling

    async def _offer_route(self, request: Request) -> JSONResponse:
        try:
            answer = await self.offer(await read_body(request))
        except RtstreamError as error:
            return refusal(error)
        return answer if isinstance(answer, JSONResponse) else JSONResponse(answer)

    async def _serve(self, websocket: WebSocket, wire: Wire | None) -> None:
        await websocket.accept()
        line = WebSocketTransport(websocket, wire or BrowserWire())
        try:
            if "audio" not in self.options.kinds:
                raise TracksUnfit(
                    "this stream is video, and a WebSocket carries sound", fix="Connect by WebRTC"
                )
            if (id := await line.started()) is None:
                return
            session = self._admitted(id, line)
        except RtstreamError as error:
            return await line.refuse(error)
        line.hear_at(session.handler.input_sample_rate)
        life = self.sessions.start(session, session.run)
        try:
            await asyncio.shield(life)
        finally:
            session.end(EndReason.SERVER_STOPPING, "The server is stopping")

    def _admitted(self, id: str, transport: Transport) -> Session:
        with self.sessions.place(id):
            return self._session(id, transport)

    def _session(self, id: str, transport: Transport) -> Session:
        with users_code():
            handler = self._make_handler()
        return Session(id, transport, handler, self.options, self._input_defaults())

    def _input_defaults(self) -> list[Any] | None:
        """The components' own values: what the handler is given until the client sends some."""
        components = self.additional_input_components
        return None if components is None else [getattr(component, "value", None) for component in components]

    @asynccontextmanager
    async def _while_mounted(self, path: str) -> AsyncIterator[None]:
        require_turn_in_the_cloud(self.rtc_configuration)
        load_ahead("rtstream.server.offers", "rtstream.media.rate_filter")
        if self.verbose:
            sys.stderr.write(f"rtstream: {self.modality} {self.mode} at {path}/webrtc/offer\n")
        yield
        await self.sessions.close_all()


def _missing(what: str, fix: str) -> FeatureMissing:
    return FeatureMissing(f"{what} is not part of this version", why="it comes with a later one", fix=fix)
