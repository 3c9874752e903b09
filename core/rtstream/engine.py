"""The engine of a stream: one handler, one set of options, one registry of connections."""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from starlette.websockets import WebSocket, WebSocketState

from .clock import Clock, in_loop
from .context import Call, Channel
from .errors import RtstreamError, TracksUnfit, UnknownConnection
from .handlers.base import StreamHandlerBase
from .handlers.data import WebRTCData
from .handlers.forms import as_handler
from .options import StreamOptions
from .outputs import AdditionalOutputs
from .server.bodies import Body
from .server.requests import as_body, refusal
from .session import journal
from .session.outcome import STOPPING, EndReason
from .session.registry import Sessions
from .session.reports import users_code
from .session.session import Session
from .transports.base import Transport
from .transports.websocket import WebSocketTransport
from .wire import messages
from .wire.base import Wire
from .wire.browser import BrowserWire

if TYPE_CHECKING:
    from starlette.responses import JSONResponse

    from .server.offers import Offers

LATEST_OUTPUT_SECONDS = 10.0


class Engine:
    """The connections of one handler, over every transport, under one limit.

    A `Stream` is one that has routes and a UI. A `WebRTC` component is connected to one: to a Stream's,
    so that both count together, or to one of its own.

    Args:
        handler: any form of handler that `Stream` takes.
        options: validated.

    Raises:
        HandlerUnfit: the handler is none, or none for this mode and modality.
    """

    def __init__(self, handler: Any, options: StreamOptions) -> None:
        self.options = options
        self.event_handler = handler
        self.sessions = Sessions(options.concurrency_limit)
        self._make_handler = as_handler(handler, options)
        self._signalling: Offers | None = None

    # Connections.

    async def answer(self, body: Body) -> dict[str, Any]:
        """Answer a WebRTC offer, or take an ICE candidate.

        Raises:
            ConnectionRefused: one of its kinds, see there.
        """
        return await self._offers.handle(body)

    async def handle_offer(
        self, body: Any, set_outputs: Callable[[AdditionalOutputs], None] | None = None
    ) -> dict[str, Any] | JSONResponse:
        """Answer a WebRTC offer, or take an ICE candidate, from a route of your own.

        Args:
            body: what the client posted, as a dict or a `Body`.
            set_outputs: is called in the event loop with each additional output of the connection, which
                `output_stream` then does not give; default, and `set_additional_outputs(id)`: it does.

        Returns:
            as `Stream.offer`.
        """
        try:
            read = as_body(body)
            answer = await self.answer(read)
        except RtstreamError as error:
            return refusal(error)
        if set_outputs is not None and read.type == "offer":
            self.sessions.get(read.webrtc_id).outputs.hand_to(set_outputs)
        return answer

    async def run(self, transport: Transport, id: str | None = None) -> Session:
        """Run one connection over any transport to its end, and return it.

        Raises:
            ConnectionRefused: the stream is full, or the id is taken.
        """
        session = self._admitted(id or uuid.uuid4().hex, transport)
        await self.sessions.start(session, session.run)
        return session

    def session(self, id: str, transport: Transport, call: Call | None = None) -> Session:
        """A session and its handler for a connection whose place is reserved; `sessions.start` runs it.

        Args:
            id: under which its place is reserved.
            transport: the line to the far end.
            call: the telephone call that it is.

        Raises:
            HandlerRaised: the user's code raised while it made the handler.
        """
        handler = self._handler_for(id)
        session = Session(id, transport, handler, self.options, self._input_defaults())
        if self.options.ui_args.get("variant") == "textbox":
            handler.latest_args[0] = WebRTCData(id)
        if call is not None:
            session.context = replace(session.context, call=call)
        return session

    async def carry(self, websocket: WebSocket, wire: Wire | None = None, call: Call | None = None) -> None:
        """Run one connection over a WebSocket, accepted already or not; in the browser's dialect by default.

        `call` is what is known of a telephone call before the carrier speaks.
        """
        if websocket.application_state is WebSocketState.CONNECTING:
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
        if line.call is not None:
            session.context = replace(session.context, call=line.call.completed(call))
        line.hear_at(session.handler.input_sample_rate)
        life = self.sessions.start(session, session.run)
        try:
            await asyncio.shield(life)
        finally:
            session.end(EndReason.SERVER_STOPPING, STOPPING)

    @property
    def connections(self) -> dict[str, list[Session]]:
        """The live connections by id."""
        return {session.id: [session] for session in self.sessions}

    @property
    def handlers(self) -> dict[str, StreamHandlerBase]:
        """The handlers of the live connections by id."""
        return {session.id: session.handler for session in self.sessions}

    @property
    def data_channels(self) -> dict[str, Channel]:
        """By id the way to the clients of the live connections for text: `data_channels[id].send("…")`."""
        return {session.id: Channel(session) for session in self.sessions}

    def clean_up(self, webrtc_id: str) -> None:
        """End a connection, and clean up after it; nothing happens if there is none. From any thread."""
        with suppress(UnknownConnection):
            self.update_connection(webrtc_id)

    async def get_rtc_configuration(self) -> dict[str, Any] | None:
        """The configuration for the browser, resolved if it was given as a function."""
        from .server.offers import resolve

        return await resolve(self.options.rtc_configuration)

    # Inputs and outputs of a connection.

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Give a connection's handler its additional inputs, in the order of its parameters. From any thread.

        Raises:
            UnknownConnection: no live connection has that id.
        """
        self.sessions.get(webrtc_id).handler.set_args(args)

    async def output_stream(self, webrtc_id: str) -> AsyncIterator[AdditionalOutputs]:
        """The additional outputs of a connection, as they come; ends with it.

        One that is not there yet is waited for, for 3 s; of one that has ended there are none.

        Raises:
            UnknownConnection: no connection had that id, and none has come.
        """
        feed = await self.sessions.outputs_to_come(webrtc_id)
        while feed is not None and (outputs := await feed.next()) is not None:
            yield outputs

    def set_additional_outputs(self, webrtc_id: str) -> Callable[[AdditionalOutputs], None]:
        """What adds to the outputs that `output_stream` gives, from outside the handler and from any thread.

        It raises UnknownConnection when it is called and no live connection has that id.
        """

        def add(outputs: AdditionalOutputs) -> None:
            session = self.sessions.get(webrtc_id)
            in_loop(session.handler.loop, session.outputs.keep, outputs)

        return add

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

    # Inside.

    @property
    def _offers(self) -> Offers:
        if self._signalling is None:
            from .server.offers import Offers

            self._signalling = Offers(self.options, self.sessions, self.session)
        return self._signalling

    def _handler_for(self, id: str) -> StreamHandlerBase:
        clock = Clock()
        begun = clock.now()
        try:
            with users_code():
                handler = self._make_handler()
        except RtstreamError as error:
            journal.unmade(id, error)
            raise
        journal.made(id, clock.now() - begun)
        if any(session.handler is handler for session in self.sessions):
            journal.shared(id)
        return handler

    def _admitted(self, id: str, transport: Transport) -> Session:
        with self.sessions.place(id):
            return self.session(id, transport)

    def _input_defaults(self) -> list[Any] | None:
        """What the handler is given until the client sends some: what the components start with."""
        components = self.options.additional_inputs
        return None if components is None else [_initial(component) for component in components]


def _initial(component: Any) -> Any:
    """The value of an untouched component, as its page would send it; nobody else has the same object."""
    value = copy.deepcopy(getattr(component, "value", None))
    model = getattr(component, "data_model", None)
    if model is not None and value is not None:
        value = model.model_validate(value)
    return component.preprocess(value) if hasattr(component, "preprocess") else value
