"""One connection, whatever carries it: it hears, it runs the handler, it speaks, and it ends once."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from ..clock import Clock, in_loop, pass_turn
from ..context import Channel, Context, current_line
from ..errors import RtstreamError
from ..handlers.base import StreamHandlerBase
from ..handlers.functions import EXHAUSTED
from ..handlers.shapes import Listener, Source
from ..media.frames import AudioFrame, Digit, Heard, Kind, Message
from ..options import StreamOptions
from ..transports.base import Transport
from ..worker import Abandoned
from .ear import Ear
from .ending import clean_up, within_limit
from .fairness import Fairness
from .feed import Feed
from .giving import Giving
from .keypad import Keypad
from .outcome import STOPPING, EndReason, Stats
from .reports import Edge, Reports
from .runner import Runner, called
from .texts import Texts
from .wishes import granted

GOODBYE_SECONDS = 2.0  # what a client that does not read may hold up the end, and again when it is hung up on
NOTHING_YET = (0.02, 0.1)  # seconds to wait after an `emit` that gave None, growing from first to last


class Session:
    """One connection and the handler that serves it.

    Args:
        id: its id, unique among the live ones.
        transport, handler: the line to the far end, and a handler of its own.
        options: those of the stream.
        defaults: the additional inputs until the client sends some; None: those of the handler.

    `over` is resolved when something ends it; `reason` is known when `run` has cleaned up.
    """

    def __init__(
        self,
        id: str,
        transport: Transport,
        handler: StreamHandlerBase,
        options: StreamOptions,
        defaults: Sequence[Any] | None = None,
    ) -> None:
        self.id, self.handler, self.transport = id, handler, transport
        self.outputs = Feed(self.send_text)
        self.reason: EndReason | None = None
        self.context, self.phone = Context(id, transport.websocket), transport.phone
        self.speaks = options.speaks
        self._options = options
        self._clock = clock = Clock()
        self._counted = Stats()
        self._runner = Runner(id)
        self._reports = Reports(id, clock, self.send_text)
        self.texts = Texts(transport, granted(self, options.additional_inputs))
        self._loop = asyncio.get_running_loop()
        self.over: asyncio.Future[tuple[EndReason, str]] = self._loop.create_future()
        self._heard_more = asyncio.Event()
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ears: dict[Kind, Ear] = {
            kind: Ear(kind, handler.input_sample_rate, handler.expected_layout) for kind in options.heard
        }
        self._giving = Giving(
            transport,
            handler,
            options,
            clock,
            reports=self._reports,
            outputs=self.outputs,
            counted=self._counted,
            end=partial(self._end_after_playing, EndReason.HANDLER_CLOSED),
        )
        self._keypad = Keypad.of(handler, options.on_dtmf, told=self.phone)
        handler.bind(self, defaults)

    # What a handler may ask (context.Line), and the stream.

    def send_text(self, text: str) -> None:
        """Send text beside the media, in order. From any thread; never waits. Carriers are sent none."""
        in_loop(self._loop, self.texts.put, text)

    def hear_text(self, fn: Callable[[str], Any]) -> None:
        """Call `fn`, plain or async, in the event loop with each text of the client."""
        self.texts.listeners.append(lambda text: self._begin(lambda: self._reports.watch(called(fn, text))))

    def clear(self) -> None:
        """Forget the sound and pictures that are queued and not yet played. From any thread."""
        in_loop(self._loop, self._clear)

    async def all_played(self) -> None:
        """Wait until the far end has played all that was given, or has been made to forget it."""
        await self._giving.played()

    @property
    def seconds_played(self) -> float:
        """Seconds of sound that the far end has played so far."""
        mouth = self._giving.mouths.get("audio")
        return mouth.played if mouth is not None else 0.0

    def end(self, reason: EndReason, message: str = "") -> None:
        """Bring the session to its end. From any thread; the first reason counts."""
        in_loop(self._loop, self._end, reason, message)

    @property
    def errors(self) -> list[RtstreamError]:
        """The first errors of the handler."""
        return self._reports.errors

    @property
    def stats(self) -> Stats:
        """What has been counted so far."""
        self._counted.dropped = sum(ear.dropped for ear in self._ears.values())
        self._counted.errors = self._reports.count
        return self._counted

    async def run(self) -> None:
        """Live from the first frame to the last; returns when all is cleaned up."""
        current_line.set(self)
        self._begin_listening()
        for part in self._parts():
            self._begin(part)
        self.reason, message = EndReason.SERVER_STOPPING, STOPPING  # unless it ends otherwise
        try:
            self.reason, message = await within_limit(self.over, self._options.time_limit)
        finally:
            await self._hang_up(message)
            await self._clean_up()

    async def abandon(self, reason: EndReason) -> None:
        """End it before it began. The handler was made, so it is shut down, though it never started up."""
        current_line.set(self)
        self.reason = self.over.result()[0] if self.over.done() else reason
        await self._reports.within(GOODBYE_SECONDS, self.transport.close(), self._reports.broken)
        await self._clean_up()

    # The parts of its life, each a task.

    def _parts(self) -> Sequence[Callable[[], Awaitable[None]]]:
        asked = [source for source in self.handler.sources() if source.kind in (None, *self._options.kinds)]
        return [
            self._give_channel,
            self._start_up,  # so much of it as needs no waiting is done before anything is heard
            self._carry,
            self.texts.run,
            *(partial(self._listen_to_keys, listener) for listener in self._keypad.listeners),
            *(partial(self._ask, source) for source in asked),
            *(mouth.speak for mouth in self._giving.mouths.values()),
        ]

    def _begin_listening(self) -> None:
        listeners = self.handler.listeners()
        heard = [(self._ears[kind], listeners[kind], kind) for kind in self._ears if kind in listeners]
        for ear, listener, kind in heard:
            context = contextvars.copy_context()
            self._begin(partial(self._listen, ear, listener, kind, context), context)

    async def _guarded(self, part: Callable[[], Awaitable[None]]) -> None:
        with suppress(Abandoned):  # in the loop's own thread, which is given up with all that it does
            await self._reports.watch(part(), failed=self._fail)

    def _begin(self, part: Callable[[], Awaitable[None]], context: contextvars.Context | None = None) -> None:
        task = self._loop.create_task(self._guarded(part), context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, error: BaseException) -> None:
        self._reports.broken(error)
        self._end(EndReason.FAILED, "The connection failed on the server")

    async def _carry(self) -> None:
        await self.transport.run(self._hear)
        self._end(EndReason.CLIENT_LEFT)

    async def _give_channel(self) -> None:
        """Before anything is heard."""
        if self.handler.has_own("set_channel"):
            await self._reports.watch(called(self.handler.set_channel, Channel(self)))

    async def _start_up(self) -> None:
        if self.handler.has_own("start_up"):
            call = self._runner.call(self.handler.start_up, role="start_up", may_wait=True)
            await self._reports.watch(call)

    async def _listen(self, ear: Ear, listener: Listener, kind: str, context: contextvars.Context) -> None:
        with self._caller(listener, f"hear-{kind}") as hear:
            await ear.serve(hear, context)

    async def _listen_to_keys(self, listener: Listener) -> None:
        with self._caller(listener, "hear-keys") as hear:
            while True:
                await hear(await self._keypad.next())

    @contextmanager
    def _caller(self, listener: Listener, role: str) -> Iterator[Callable[[Any], Coroutine[Any, Any, None]]]:
        """What calls a listener from one task, and gives what it returns."""
        fn, source = self._runner.caller(listener.fn, role), Source(listener.fn)
        edge = Edge(self._reports, hangs=True)

        async def hear(media: Any) -> None:
            if (args := listener.args()) is not None:
                value = await edge.call(fn, media, *args)
                if listener.replies and (giving := self._giving.give(value, source)) is not None:
                    await giving
            self._heard_more.set()

        try:
            yield hear
        finally:
            edge.close()

    async def _ask(self, source: Source) -> None:
        await self.handler.ready()
        # Where nothing is heard there is nothing that it could wait for: then it works.
        fn = self._runner.caller(source.fn, f"emit-{source.kind}", may_wait=bool(self._options.heard))
        edge, fairness = Edge(self._reports, hangs=False), Fairness(self._counted)
        pause = NOTHING_YET[0]
        while not self._closing:
            asked, failures = self._clock.now(), self._reports.count
            value = await edge.call(fn)
            if value is EXHAUSTED:
                return await self._end_after_playing(EndReason.SOURCE_ENDED, "The stream has ended")
            if value is not None:
                if (giving := self._giving.give(value, source)) is not None:
                    await giving
                if fairness.is_due():
                    await pass_turn()
            failed = failures != self._reports.count
            if failed or (value is None and self._clock.now() - asked < NOTHING_YET[0]):
                await self._wait_for_more(pause)
                pause = min(pause * 1.5, NOTHING_YET[1])
            elif value is not None:
                pause = NOTHING_YET[0]

    async def _wait_for_more(self, seconds: float) -> None:
        self._heard_more.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard_more.wait()

    # What comes from the far end, and what goes there.

    def _hear(self, frame: Heard) -> None:
        if isinstance(frame, Message):
            self.texts.hear(frame.text)
        elif isinstance(frame, Digit):
            self._keypad.push(frame)
        elif (ear := self._ears.get(frame.kind)) is not None:
            self._counted.frames_in += 1
            if isinstance(frame, AudioFrame):
                self._counted.seconds_in += frame.duration
                if self._keypad.in_audio:
                    self._keypad.listen(frame)
            ear.push(frame)

    def _clear(self) -> None:
        self._giving.clear()
        self._begin(self.transport.clear)  # ahead of whatever is put from now on

    def _end(self, reason: EndReason, message: str = "") -> None:
        if not self.over.done():
            self.over.set_result((reason, message))

    async def _end_after_playing(self, reason: EndReason, message: str) -> None:
        self._closing = True  # nobody is asked for more, so all that was given comes to its end
        await self.all_played()
        self._end(reason, message)

    async def _hang_up(self, message: str) -> None:
        assert self.reason is not None
        if self.reason is not EndReason.CLIENT_LEFT:
            goodbye = self.texts.say_goodbye(message, self.reason.value)
            await self._reports.within(GOODBYE_SECONDS, goodbye, self._reports.broken)
        await self._reports.within(GOODBYE_SECONDS, self.transport.close(), self._reports.broken)

    async def _clean_up(self) -> None:
        try:
            await clean_up(self._tasks, self.handler, self._runner, self._reports)
        finally:
            self.outputs.end()
