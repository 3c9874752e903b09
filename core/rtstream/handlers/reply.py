"""`ReplyOnPause`: a function that answers a speaker, called when a turn has ended."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from ..clock import in_loop
from ..context import Line
from ..outputs import AdditionalOutputs
from ..speech.protocols import StreamingSTTModel, STTModel
from ..turns.events import Event, Interrupted, Judge, Paused, Prepare, Started, Withdrawn
from ..turns.machine import Turns
from ..turns.options import AlgoOptions, SileroVadOptions, as_algo_options
from ..turns.semantic import TurnModel
from ..turns.states import User
from ..turns.vad import VadModel, as_model, threshold_of
from ..turns.windows import Samples, Window
from ..wire import messages
from .awaiting import inputs_sent
from .base import AsyncStreamHandler
from .beside import Beside
from .callables import check_callable, defaults_beyond, name_of, places_beyond
from .data import filled
from .judging import Judging
from .partials import Partials
from .performing import OVER, Reply, given, is_heard
from .shapes import Listener, Source
from .speaker import Speaker

A_SECOND = 1.0  # of sound that a reply may be ahead of what is heard: an interruption throws little away
FRESH_INPUTS = 1.0  # seconds that a turn waits for inputs of its own when there are older ones


class ReplyOnPause(AsyncStreamHandler):
    """Calls `fn` with what was said, each time the speaker pauses, and plays what it gives.

    Args:
        fn: a generator function, a function, or an async one of either. It is called with
            `(rate, samples)`, int16 of shape `(1, n)`, and the additional inputs if it takes any; what
            it yields or returns is what `emit` may return. It runs in a thread of its own, or in the
            loop if it is async.
        startup_fn: of the same kind, called when the connection is there: a greeting.
        algo_options: how turns are told apart.
        model_options: handed to the voice detector; `SileroVadOptions` for the default one.
        can_interrupt: whether speech over a reply stops it (default). Otherwise, and where no sound goes
            back (mode "send"), what is said meanwhile is answered after it; `deaf_after_reply` loses it.
        interrupt_on: stop a reply when "speech" begins (default) or, as FastRTC does, at the "pause"
            after it.
        turn_model: hears in each pause whether the turn is complete, such as `SmartTurn()`; one that is not
            ends only after `AlgoOptions.incomplete_silence`.
        expected_layout, output_sample_rate, output_frame_size, input_sample_rate: see `StreamHandler`.
        model: a voice detector of FastRTC's protocol (`PauseDetectionModel`) or of ours (`VadModel`);
            Silero by default.
        needs_args: ask the client for the additional inputs at each turn even if `fn` takes none by name.
        partials: a speech-to-text model with partial transcripts, or its name ("pocketsphinx"): what is said
            is put out as `AdditionalOutputs({"partial": text})` while it is said, and as `{"final": text}`.

    Raises:
        MissingExtra: no voice detector is installed, or not the model for `partials`.
        OptionError: `algo_options`, `partials` or `turn_model` is none.
        HandlerUnfit: `fn` or `startup_fn` cannot be called.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: Any = None,
        can_interrupt: bool = True,
        expected_layout: Literal["mono", "stereo"] = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        model: Any = None,
        needs_args: bool = False,
        interrupt_on: Literal["speech", "pause"] = "speech",
        turn_model: TurnModel | None = None,
        partials: STTModel | StreamingSTTModel | str | None = None,
    ) -> None:
        super().__init__(expected_layout, output_sample_rate, output_frame_size, input_sample_rate)
        check_callable("fn", fn)
        check_callable("startup_fn", startup_fn or fn)
        self.fn = fn
        self.startup_fn = startup_fn
        self.algo_options = as_algo_options(algo_options)
        self.model_options = model_options if model_options is not None else SileroVadOptions()
        self.can_interrupt = can_interrupt
        self.interrupt_on = interrupt_on
        self.model: VadModel = as_model(model, self.model_options)
        self.needs_args = needs_args or bool(places_beyond(fn, 1))
        self.turns = Turns(
            self.algo_options,
            threshold=threshold_of(self.model, self.model_options),
            can_interrupt=can_interrupt,
            interrupt_on=interrupt_on,
            judged=turn_model is not None,
        )
        self._speaker = Speaker(self.model, input_sample_rate, expected_layout)
        self._judging = Judging(turn_model, input_sample_rate) if turn_model is not None else None
        self._partials = Partials(partials) if partials is not None else None
        self._reply: Reply | None = None
        self._to_be_heard = asyncio.Event()
        self._beside = Beside(self._to_be_heard.set)  # what goes wrong there is told by the next `emit`
        self._answered_inputs = False
        self._first_known = False  # whether the greeting has inputs before the client sends some
        self._heard_from = 0.0
        self._starting = False

    # What the session calls.

    def sources(self) -> Sequence[Source]:
        reply = Source(self.emit, "audio", ahead=A_SECOND)
        return (reply, Source(self._partials.emit)) if self._partials is not None else (reply,)

    def bind(self, line: Line, defaults: Sequence[Any] | None = None) -> None:
        self._first_known = defaults is not None
        super().bind(line, defaults if defaults is not None else defaults_beyond(self.fn, 1))
        if not line.speaks:
            self.turns.unheard()
        if line.phone:
            self.turns.on_telephone()

    def keypad(self, fn: Callable[[str], Any] | None = None) -> Listener | None:
        pressed = super().keypad(fn)
        return None if pressed is None else Listener(partial(self._pressed, pressed.fn))

    async def start_up(self) -> None:
        if self.startup_fn is not None:
            if wanted := places_beyond(self.startup_fn, 0):
                await self._wait_for_first(wanted)
            self.turns.replying()
            self._perform(Reply(self.startup_fn, partial(self._first_inputs, len(wanted))))

    async def receive(self, frame: tuple[int, Any]) -> None:
        self._speaker.push(frame)
        while (window := self._speaker.next()) is not None:
            probability = 0.0  # if the detector fails: then the sound is kept all the same
            try:
                probability = await self._speaker.probability(window)
            finally:
                self._heard(window, probability)

    async def emit(self) -> Any:
        await self._to_be_heard.wait()
        self._beside.check()
        if (reply := self._reply) is None:
            self._to_be_heard.clear()
            return None
        value = await reply.next()
        if reply is not self._reply:  # it was interrupted while it made this
            return None
        return await self._finish(reply) if value is OVER else self._tell(value)

    async def shutdown(self) -> None:
        self._drop()
        self._speaker.close()
        if self._judging is not None:
            self._judging.close()
        if self._partials is not None:
            self._partials.close()
        await self._beside.over()

    # What the user's code may call.

    def trigger_response(self) -> None:
        """End the turn now and answer whatever was said: for a button or push-to-talk. From any thread."""
        in_loop(self.loop, lambda: self._obey(self.turns.give_turn()))

    @property
    def seconds_heard(self) -> float:
        """How many seconds of the present (or last) reply the client has played."""
        played = self._line.seconds_played if self._line is not None else 0.0
        return max(0.0, played - self._heard_from)

    # Inside.

    def _heard(self, window: Window, probability: float) -> None:
        """Take 32 ms of the speaker's sound, with the probability that it is speech."""
        self._obey(self.turns.heard(window, probability))
        if self._partials is not None:
            self._partials.heard(window, speaking=self.turns.user is not User.SILENT)

    def _obey(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Started():
                    self._log("started_talking")
                    self._ask_for_inputs()
                case Interrupted():
                    self._drop()
                    self.clear_queue()
                    self._log("interrupted")
                case Judge(audio, pause):
                    self._beside.begin(self._judge(audio, pause))
                case Prepare(audio):
                    self._reply = self._answer(audio)
                    self._reply.prepare()
                case Withdrawn():
                    self._drop()
                case Paused(audio, prepared, speech):
                    self._log("pause_detected", speech=[round(second, 3) for second in speech])
                    self._perform(self._reply if prepared and self._reply else self._answer(audio))

    async def _judge(self, audio: Samples, pause: int) -> None:
        if self._judging is not None and (complete := await self._judging.complete(audio)) is not None:
            self.turns.judged(pause, complete)

    async def _pressed(self, fn: Callable[[str], Any], digit: str) -> None:
        """A key takes the floor at once; its code has run to the first sound before the next key is taken."""
        if self._reply is not None:
            self.clear_queue()
        self.turns.replying()
        self._perform(reply := Reply(fn, partial(given, digit)))
        await reply.begin()

    def _answer(self, audio: Samples) -> Reply:
        return Reply(self.fn, partial(self._turn_inputs, audio[None, :]))

    def _perform(self, reply: Reply) -> None:
        """Let a reply be heard."""
        if self._reply is not reply:
            self._drop()
        self._reply = reply
        self._heard_from = self._line.seconds_played if self._line is not None else 0.0
        self._starting = True
        self._to_be_heard.set()

    async def _finish(self, reply: Reply) -> None:
        """The reply has given all; when it has been played, what was said meanwhile is answered."""
        if self._line is not None:
            await self._line.all_played()
        if reply is self._reply:
            if not reply.failed:  # pages that wait for a reply learn that this one gave nothing to hear
                self._tell_start()
            self._drop()
            self._obey(self.turns.replied())

    def _drop(self) -> None:
        """Nothing more of the reply is heard; its end is not waited for."""
        reply, self._reply = self._reply, None
        if reply is not None:
            self._beside.begin(reply.close())

    def _tell(self, value: Any) -> Any:
        if is_heard(value):
            self._tell_start()
        if self.phone_mode:
            self._chain(value)
        return value

    def _tell_start(self) -> None:
        if self._starting:
            self._starting = False
            self._log("response_starting")

    def _chain(self, value: Any) -> None:
        """On the telephone nobody can send inputs: what a reply puts out is what the next one takes."""
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, AdditionalOutputs):
                self.latest_args[1:] = part.args

    # The additional inputs of a turn.

    def set_args(self, args: Sequence[Any]) -> None:
        self._answered_inputs = True
        super().set_args(args)

    def _ask_for_inputs(self) -> None:
        """Ask for them while the turn is still being spoken: then they are there when it ends."""
        if self.needs_args and not self.phone_mode:
            self.args_set.clear()
            self.send_message_sync(messages.inputs_wanted())

    async def _turn_inputs(self, sound: Any) -> tuple[Any, ...]:
        if self.needs_args and not self.phone_mode and (self._answered_inputs or not self._has_defaults):
            try:
                async with asyncio.timeout(FRESH_INPUTS if self._answered_inputs else None):
                    await inputs_sent(self.args_set, f"`{name_of(self.fn)}`")
            except TimeoutError:  # the client has answered before, and now it does not: take the older ones
                pass
        self.latest_args[0] = filled(self.latest_args[0], (self.input_sample_rate, sound))
        return tuple(self.latest_args) if self.needs_args else (self.latest_args[0],)

    async def _wait_for_first(self, wanted: list[Any]) -> None:
        """The greeting's inputs: the defaults of `fn` are none for it."""
        await self.wait_for_args()
        if inspect.Parameter.empty in wanted and not self._first_known and not self.phone_mode:
            await inputs_sent(self.args_set, "`startup_fn`")

    async def _first_inputs(self, wanted: int) -> tuple[Any, ...]:
        known = self._first_known or self.args_set.is_set()
        return tuple(self.latest_args[1 : wanted + 1]) if known else ()

    def _log(self, what: str, **more: Any) -> None:
        self.send_message_sync(messages.log(what, **more))
