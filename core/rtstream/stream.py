"""`Stream`: a handler made into an audio or video stream, and the front door to its connections."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from .engine import Engine
from .errors import RtstreamError
from .inputs import Input
from .options import Modality, Mode, UIArgs, validated
from .server.bodies import Body
from .server.lifespan import Life, during_life, first_of_all, load_ahead, require_turn_in_the_cloud
from .server.requests import read_body, refusal
from .server.routes import Endpoint, add_routes, checked_prefix, note_mounted
from .server.telephone import SOCKETS, WEBHOOK, Telephone

if TYPE_CHECKING:
    from gradio import Blocks

    from .ui.adopting import Page
    from .ui.component import WebRTC


class Stream(Engine):
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
        rtp_params: parameters for RTP encoding, for the browser's senders; the keys "opus" and "video" are
            for the server's: `bitrate`, `complexity`, `fec`, `expected_loss`, `dtx`, see
            `media.opus.OpusOptions`; `bitrate`, `fps`, `degradation_preference`, see
            `media.video.VideoOptions`.
        rtc_configuration: ICE servers for the browser: a dict, or a function that returns one.
        server_rtc_configuration: ICE servers for the server; none by default.
        track_constraints: media constraints for the browser's devices.
        additional_inputs: Gradio components, or `rtstream.inputs.Input`s, whose values the handler takes
            beyond the media.
        additional_outputs: Gradio components that `AdditionalOutputs` change.
        ui_args: how the built-in UI looks.
        on_dtmf: called with each key that a caller presses, as "5" or "#", if the handler has no `on_dtmf`
            of its own; what it gives is heard. A function, a generator, or an async one of either.
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
        on_dtmf: Callable[[str], Any] | None = None,
        verbose: bool = True,
    ) -> None:
        options = validated(
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
            on_dtmf=on_dtmf,
        )
        super().__init__(handler, options)
        self.telephone = Telephone(self.sessions, self.carry)
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
        self.verbose = verbose
        self._own_ui: Page | None = None
        self._own_component: WebRTC | None = None
        self._life = Life()
        gradio = sys.modules.get("gradio.context")
        if gradio is not None and gradio.Context.root_block is not None:  # made inside Blocks
            page: Any = self.ui
            page.render()
            page.render = lambda: page  # as a demo of FastRTC's asks for once more

    # On a server.

    def mount(self, app: Starlette, path: str = "", tags: list[str | Enum] | None = None) -> None:
        """Add the stream's routes to an app.

        `POST {path}/webrtc/offer`, `POST` and `GET {path}/telephone/incoming`, and the WebSockets
        `{path}/telephone/handler` and `{path}/websocket/offer`. When the app stops, the connections are
        told and ended; an app that is itself mounted on another is never started nor stopped by Starlette.

        Args:
            app: the FastAPI application; a Starlette one will do.
            path: a prefix of the routes, such as "/voice".
            tags: OpenAPI tags of the routes.

        Raises:
            OptionError: `path` does not begin with a slash, or `app` is a router.
            RuntimeError: on Colab or a Hugging Face Space without `rtc_configuration`, when the app starts.
        """
        gets: dict[str, Endpoint] = {WEBHOOK: self.handle_incoming_call}
        posts: dict[str, Endpoint] = {"/webrtc/offer": self._offer_route, **gets}
        sockets: dict[str, Endpoint] = dict.fromkeys(SOCKETS, self.telephone_handler)
        sockets["/websocket/offer"] = self.websocket_offer
        path = checked_prefix(path)
        add_routes(app, path, posts=posts, gets=gets, sockets=sockets, tags=tags)
        note_mounted(app, path, self)
        self._life.wait()
        during_life(app, partial(self._while_mounted, path))

    async def offer(self, body: Body) -> dict[str, Any] | JSONResponse:
        """Answer a WebRTC offer, or take an ICE candidate.

        Args:
            body: the offer or candidate and the client's id.

        Returns:
            `{"sdp": …, "type": "answer"}` or `{"status": "success"}`; for what cannot be served a
            response with its status and `{"status": "failed", "meta": {"error": …, …}}`.
        """
        self._life.check()
        try:
            return await self.answer(body)
        except RtstreamError as error:
            return refusal(error)

    @property
    def public_url(self) -> str | None:
        """The address under which the app is reached from outside, as in `https://voice.example.com`.

        Carriers are told it, and their signatures are checked against it. None (default): not known, and
        the address that a webhook itself came to is taken. Tunnels set it.

        Raises:
            OptionError: what it is set to is no address.
        """
        return self.telephone.public_url

    @public_url.setter
    def public_url(self, address: str | None) -> None:
        self.telephone.public_url = address

    async def handle_incoming_call(self, request: Request) -> Response:
        """Answer a carrier's webhook in its own form: connect the call to `/telephone/handler`.

        Twilio, SignalWire, Telnyx, Plivo, Vonage and Exotel are told apart by what the webhook carries. If
        the stream is full the caller hears a sentence. A webhook whose carrier's secret is set and that is
        not signed with it is answered 403.

        Args:
            request: the webhook.
        """
        return await self.telephone.answer(request)

    async def telephone_handler(self, websocket: WebSocket) -> None:
        """Carry a telephone call over a WebSocket, not yet accepted, in any carrier's dialect."""
        self._life.check()
        await self.telephone.handle(websocket)

    async def websocket_offer(self, websocket: WebSocket) -> None:
        """Carry a connection over a WebSocket, accepted already or not: mu-law in JSON, FastRTC's dialect."""
        self._life.check()
        await self.carry(websocket)

    # On a telephone number.

    def fastphone(
        self, token: str | None = None, host: str = "127.0.0.1", port: int = 8000, **kwargs: Any
    ) -> None:
        """Put the stream on a telephone number of the FastPhone service; blocks until SIGINT or SIGTERM.

        Args:
            token: of Hugging Face; default: HF_TOKEN, or the file of `hf auth login`.
            host, port: where the server listens; 0 is any free port.
            kwargs: of `uvicorn.Config`.

        Raises:
            CarrierKeyRefused, QuotaSpent, CarrierError: no number (an `httpx.HTTPStatusError` too where a
                status said so).
            TunnelFailed, ToolMissing: no tunnel. PortBusy: the port is taken.
            RuntimeError: on Colab or a Hugging Face Space without `rtc_configuration`.
        """
        from .phone.launch import fastphone

        fastphone(self, token, host, port, kwargs)

    # In Gradio, which is loaded when one of these is asked for.

    @property
    def webrtc_component(self) -> WebRTC:
        """The Gradio component: the one that was set, else that of the UI.

        One that is set shares the stream's limit and its ids, as all do in Blocks that `ui` is set to.
        """
        component = self._own_component or (self._own_ui or self._page).component or self._page.component
        assert component is not None  # the built-in UI has one
        return component

    @webrtc_component.setter
    def webrtc_component(self, component: WebRTC) -> None:
        component.join(self)
        self._own_component = component

    @property
    def ui(self) -> Blocks:
        """The Gradio UI: the Blocks that were set, or built-in ones, made when first asked for.

        `stream.ui.launch()` serves the UI and the routes of `mount`; `gr.mount_gradio_app(app, stream.ui,
        path="/ui")` puts it beside them in an app of your own. Of a Stream that is made inside Blocks it
        stands in these.

        Raises:
            RuntimeError: on Colab or a Hugging Face Space without `rtc_configuration`.
        """
        return (self._own_ui or self._page).blocks

    @ui.setter
    def ui(self, blocks: Blocks) -> None:
        """Set Blocks of your own; the `WebRTC` components in them share the stream's limit and its ids."""
        from .ui.adopting import adopt

        self._own_ui = adopt(blocks, self, self.mount)

    _ui = ui

    @property
    def has_components(self) -> bool:
        """Whether there is what only Gradio can show: its components, or Blocks of the user's own."""
        given = [*(self.additional_input_components or ()), *(self.additional_output_components or ())]
        return self._own_ui is not None or not all(isinstance(one, Input) for one in given)

    @cached_property
    def _page(self) -> Page:
        from .ui.layout import build

        return build(self, self.mount)

    # Inside.

    async def _offer_route(self, request: Request) -> JSONResponse:
        try:
            answer = await self.offer(await read_body(request))
        except RtstreamError as error:
            return refusal(error)
        return answer if isinstance(answer, JSONResponse) else JSONResponse(answer)

    @asynccontextmanager
    async def _while_mounted(self, path: str) -> AsyncIterator[None]:
        self._life.begin()
        require_turn_in_the_cloud(self.rtc_configuration)
        load_ahead("rtstream.server.offers", "rtstream.media.rate_filter")
        if self.verbose:
            sys.stderr.write(f"rtstream: {self.modality} {self.mode} at {path}/webrtc/offer\n")
        stop = partial(self.sessions.drain, 0)
        try:
            with first_of_all(stop):
                yield
        finally:
            await stop()
            self.sessions.reopen()
