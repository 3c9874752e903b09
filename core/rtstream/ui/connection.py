"""How a component and an engine belong together: the page's offers, inputs and outputs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ..engine import Engine
from ..errors import OptionError, RtstreamError
from ..handlers.base import StreamHandlerBase
from ..options import StreamOptions, as_limit, as_seconds
from ..outputs import AdditionalOutputs
from ..server.requests import as_body
from ..session.session import Session
from . import wiring
from .arguments import LOOKS
from .inside import remember, server
from .source import source

if TYPE_CHECKING:
    from gradio.events import Dependency


class Connection:
    """The half of `WebRTC` that is not Gradio's: what its users call, and what its page calls.

    Each `gr.update` makes a copy of a component, with the arguments of its constructor; so whatever is
    to last is in the engine, which is one of them.
    """

    _id: int
    js_on_load: str | None
    variant: str
    _options: StreamOptions
    _engine: Engine | None
    _joined: Engine | None = None  # whose connections it is to share when it has a handler
    _sends = False  # whether there are inputs
    _listening = False  # whether somebody takes the additional outputs

    # What users call.

    def stream(
        self,
        fn: Any = None,
        inputs: Any = None,
        outputs: Any = None,
        js: str | None = None,
        concurrency_limit: int | Literal["default"] | None = "default",
        concurrency_id: str | None = None,
        time_limit: float | None = None,
        trigger: Callable[..., Any] | None = None,
        send_input_on: Literal["change", "submit"] = "change",
    ) -> Dependency:
        """Let a handler hear and answer what comes from this component.

        Args:
            fn: any form of handler that `Stream` takes; or a Stream, whose connections and limit are
                then those of the component too.
            inputs: this component, and behind it those whose values the handler takes beyond the media.
            outputs: kept for FastRTC's users; media always go back here.
            js: runs in the browser before the inputs are sent, as in any Gradio event.
            concurrency_limit: connections at once: a number, None for no limit, "default" for 1.
            concurrency_id: kept for FastRTC's users; the events are short and wait for nobody.
            time_limit: seconds that a connection may last; that of the constructor by default.
            trigger: an event that starts a call, such as `button.click`, beside the component's own button.
            send_input_on: send the inputs on each "change" (default), or on "submit" only.

        Raises:
            OptionError, HandlerUnfit: as `Stream`; also the component is connected already.
        """
        if send_input_on not in ("change", "submit"):
            raise OptionError(f"`send_input_on` is {send_input_on!r}", fix='Pass "change" or "submit"')
        sent = wiring.behind(self, inputs)
        self._sends = bool(sent)
        self._connect(fn if isinstance(fn, Engine) else self._own(fn, sent, concurrency_limit, time_limit))
        if trigger is not None:
            wiring.start_on(self, trigger)
        return wiring.send_inputs(self, sent, js, send_input_on)

    def on_additional_outputs(
        self,
        fn: Callable[..., Any],
        inputs: Any = None,
        outputs: Any = None,
        js: str | None = None,
        concurrency_limit: int | Literal["default"] | None = "default",
        concurrency_id: str | None = None,
        show_progress: Literal["full", "minimal", "hidden"] = "hidden",
        queue: bool = False,
    ) -> Dependency:
        """Change components by what the handler puts into `AdditionalOutputs`.

        Args:
            fn: is called with the values of `inputs` and what an `AdditionalOutputs` carries, and
                returns the values of `outputs`.
            concurrency_limit, concurrency_id, show_progress, queue: kept for FastRTC's users; nobody waits
                for anybody, and nothing is shown of it.

        Raises:
            OptionError: another function takes them already.
        """
        if self._listening:
            raise OptionError(
                "the component has a function for its additional outputs already",
                why="each output is given to one function",
                fix="Let one function return the values of all components",
            )
        self._listening = True
        self._write()
        return wiring.take_outputs(self, fn, wiring.listed(inputs), wiring.listed(outputs), js)

    def set_input(self, webrtc_id: str, *args: Any) -> None:
        """Give a connection's handler its additional inputs. Raises UnknownConnection."""
        self.connected().set_input(webrtc_id, *args)

    def output_stream(self, webrtc_id: str) -> AsyncIterator[AdditionalOutputs]:
        """The additional outputs of a connection, as they come."""
        return self.connected().output_stream(webrtc_id)

    async def fetch_latest_output(self, webrtc_id: str) -> AdditionalOutputs:
        """The next additional output of a connection, within 10 s."""
        return await self.connected().fetch_latest_output(webrtc_id)

    def update_connection(self, webrtc_id: str, state: Literal["closed"] = "closed") -> None:
        """End a connection."""
        self.connected().update_connection(webrtc_id, state)

    @property
    def connections(self) -> dict[str, list[Session]]:
        """The live connections by id."""
        return {} if self._engine is None else self._engine.connections

    @property
    def handlers(self) -> dict[str, StreamHandlerBase]:
        """The handlers of the live connections by id."""
        return {} if self._engine is None else self._engine.handlers

    # What the page calls.

    @server
    async def offer(self, body: Any) -> dict[str, Any]:
        """Answer an offer or candidate, as `POST /webrtc/offer` does."""
        try:
            return await self.connected().answer(as_body(body))
        except RtstreamError as error:
            return error.body()

    @server
    async def turn(self, _: Any = None) -> dict[str, Any] | None:
        """The ICE servers for the browser, asked for anew."""
        return await self.connected().get_rtc_configuration()

    # Inside.

    def join(self, engine: Engine) -> None:
        """Share the connections of another engine: those of a Stream whose component this is to be."""
        self._joined = engine
        if self._engine is not None:
            self._engine.sessions = engine.sessions

    def connected(self) -> Engine:
        """The engine.

        Raises:
            OptionError: there is none yet.
        """
        if self._engine is None:
            raise OptionError(
                "the WebRTC component is not connected to a handler",
                fix="Call component.stream(fn, inputs=[component])",
            )
        return self._engine

    def _own(self, fn: Any, sent: list[Any], limit: Any, seconds: Any) -> Engine:
        """An engine of its own, for a component without a Stream."""
        options = replace(
            self._options,
            concurrency_limit=as_limit(limit),
            time_limit=self._options.time_limit if seconds is None else as_seconds(seconds),
            additional_inputs=sent,
        )
        engine = Engine(fn, options)
        if self._joined is not None:
            engine.sessions = self._joined.sessions
        return engine

    def _connect(self, engine: Engine | None) -> None:
        """Take an engine, from here on and in all copies."""
        if engine is not None:
            self._check(engine)
            remember(self, engine=engine)
            self._engine, self._options = engine, engine.options
        self._write()

    def _write(self) -> None:
        """Make the script that the page is given. Outputs that nothing takes, the element shows."""
        looks = {name: getattr(self, name) for name in LOOKS}
        own = {"place": self._id, "sends": self._sends, "outputs": not self._listening}
        self.js_on_load = source(self._options, {**looks, **own})

    def _check(self, engine: Engine) -> None:
        if self._engine is not None:
            raise OptionError(
                "the WebRTC component is connected to a handler already",
                fix="Make a component for each handler",
            )
        ours, theirs = self._options, engine.options
        if (ours.mode, ours.modality) != (theirs.mode, theirs.modality):
            raise OptionError(
                f"the component is {ours.modality} {ours.mode}, its stream {theirs.modality} {theirs.mode}",
                fix=f"Make it with WebRTC(modality={theirs.modality!r}, mode={theirs.mode!r})",
            )
