"""A telephone that needs no carrier: a SIP address of this machine, at which a stream's handler answers."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass

from ..clock import Clock
from ..context import Call as CallContext
from ..engine import Engine
from ..errors import OptionError, RtstreamError, ServerStopping, TooManyConnections
from ..media.frames import Digit
from ..sip.agent import RETRY_AFTER, Agent
from ..sip.call import Action, Call, Confirmed, Ended, Offered, Pressed, Renewed
from ..sip.dialog import Headers
from ..sip.digest import Gate
from ..sip.flow import Flow, Send
from ..transports.rtp_line import RtpLine, codec_of
from ..transports.sip import SipTransport
from .sip_sockets import SipSockets

logger = logging.getLogger("rtstream.sip")

PORT = 5060
PASSWORD_VARIABLE = "RTSTREAM_SIP_PASSWORD"
MOST_WAITING = 50  # calls that were answered and not confirmed: each has sockets, whoever it may be
WARN_SECONDS = 10.0  # between two warnings, however often there is a reason for one
GOODBYE_SECONDS = 1.0  # for the answers to the last BYEs


@dataclass(eq=False)
class _Held:
    """What belongs to a call: its sound, and the transport of its session once it has one."""

    line: RtpLine | None = None
    transport: SipTransport | None = None


class SipPhone:
    """Answers SIP calls to any name at an address of this machine with a stream's handler.

    Over UDP and TCP, with sound in plain RTP: Opus, G.722 or G.711, and the keys of RFC 4733, of INFO, or in
    the sound. Calls count against the stream's limit, as connections of any kind do; one too many hears that
    the line is busy. Use: `await open(...)`, and `await close()` at the end.

    Args:
        stream: whose handler answers.
        password: that callers must know; "" lets everybody call. Default: RTSTREAM_SIP_PASSWORD.

    Raises:
        OptionError: the stream is video, and a telephone carries sound.
    """

    def __init__(self, stream: Engine, password: str | None = None) -> None:
        if "audio" not in stream.options.kinds:
            raise OptionError(
                "this stream is video, and a telephone carries sound", fix="Make one with sound"
            )
        secret = os.environ.get(PASSWORD_VARIABLE, "") if password is None else password
        self.asks_password = bool(secret)
        self._stream = stream
        self._agent = Agent(Gate(secret) if secret else None)
        self._sockets = SipSockets(self._message, self._in_use)
        self._clock = Clock()
        self._held: dict[Call, _Held] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._due: asyncio.TimerHandle | None = None
        self._closing = False
        self._warned: float | None = None

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._sockets.port

    async def open(self, host: str = "0.0.0.0", port: int = PORT) -> None:
        """Take calls from now on.

        Args:
            host: an address of this machine; 0.0.0.0 for all of them.
            port: of UDP and TCP; 0 for any free one.

        Raises:
            PortBusy, MachineError: the port is taken, or not for this user.
            UsageError: `host` is no address of this machine.
        """
        await self._sockets.open(host, port)

    async def close(self) -> None:
        """Hang up on all calls, and take no more."""
        self._closing = True
        await self._stream.sessions.close_all()
        for call in list(self._held):  # those that have no session yet
            self._end(call)
        await asyncio.gather(*self._answering, return_exceptions=True)
        deadline = self._clock.now() + GOODBYE_SECONDS
        while self._agent.asking and self._clock.now() < deadline:
            await self._clock.sleep(0.01)
        if self._due is not None:
            self._due.cancel()
        self._sockets.close()

    # What the machine says.

    def _message(self, data: bytes, flow: Flow) -> None:
        self._do(self._agent.receive(data, flow, self._clock.now()))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(data, flow):
                    self._sockets.send(data, flow)
                case Offered(call):
                    self._offered(call)
                case Confirmed(call):
                    self._confirmed(call)
                case Renewed(call):
                    self._renewed(call)
                case Pressed(call, key):
                    self._pressed(call, key)
                case Ended(call):
                    self._ended(call)
        self._watch()

    def _watch(self) -> None:
        """Come back when the machine has something to do."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if (due := self._agent.deadline) is not None:
            self._due = asyncio.get_running_loop().call_at(due, self._poll)

    def _poll(self) -> None:
        self._due = None
        self._do(self._agent.poll(self._clock.now()))

    # A call.

    def _offered(self, call: Call) -> None:
        """Take a place for it, or say no before anything else is said: then nothing is remembered of it."""
        waiting = sum(held.transport is None for held in self._held.values())
        if self._closing or waiting >= MOST_WAITING:
            return self._refuse(call, 503)
        try:
            self._stream.sessions.reserve(call.id)
        except TooManyConnections:
            return self._refuse(call, 486)
        except ServerStopping:
            return self._refuse(call, 503)
        except RtstreamError:  # its Call-ID is that of another connection
            return self._refuse(call, 482, ())
        self._held[call] = _Held()
        self._do(self._agent.ring(call))
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _refuse(self, call: Call, status: int, headers: Headers = (RETRY_AFTER,)) -> None:
        self._do(self._agent.refuse(call, status, self._clock.now(), headers))

    async def _answer(self, call: Call) -> None:
        """Open its sockets and say so."""
        try:
            host = self._sockets.local(call.flow)
            line = await RtpLine.open(host, self._stream.options.opus)
        except OSError as error:
            self._warn(f"a call cannot be answered, since there is no port for its sound: {error}")
            return self._end(call)
        if (held := self._held.get(call)) is None:  # it was cancelled meanwhile
            return line.close()
        held.line = line
        self._do(self._agent.accept(call, (host, self.port), line.port, self._clock.now()))

    def _confirmed(self, call: Call) -> None:
        """The caller hears us: its session begins."""
        held = self._held.get(call)
        if held is None or held.line is None or call.media is None:
            return
        held.line.talk(call.media)
        transport = SipTransport(held.line, lambda: self._hang_up(call), lambda: self._probe(call))
        codec, who = codec_of(call.media.codec).name, call.dialog
        told = CallContext("sip", call.id, who.caller, who.callee, who.parameters, codec)
        try:
            session = self._stream.session(call.id, transport, told)
        except RtstreamError as error:
            self._warn(f"a call cannot be taken: {error.what} ({error.why})")
            return self._end(call)
        held.transport = transport
        handler = session.handler
        transport.hear_at(handler.input_sample_rate, 1 if handler.expected_layout == "mono" else 2)
        self._stream.sessions.start(session, session.run)

    def _renewed(self, call: Call) -> None:
        held = self._held.get(call)
        if held is not None and held.line is not None and call.media is not None:
            held.line.talk(call.media)

    def _pressed(self, call: Call, key: str) -> None:
        held = self._held.get(call)
        if held is not None and held.transport is not None:
            held.transport.told(Digit(key))

    def _ended(self, call: Call) -> None:
        """Let its session end; one that has none gives its place back here."""
        held = self._held.pop(call, None)
        if held is None:
            return
        if held.transport is not None:
            held.transport.gone.set()
            return
        self._stream.sessions.release(call.id)
        if held.line is not None:
            held.line.close()

    def _end(self, call: Call) -> None:
        """End a call that has no session."""
        self._do(self._agent.refuse(call, 503, self._clock.now(), (RETRY_AFTER,)))
        self._hang_up(call)
        self._ended(call)

    def _hang_up(self, call: Call) -> None:
        self._do(self._agent.hang_up(call, self._clock.now()))

    def _probe(self, call: Call) -> None:
        self._do(self._agent.probe(call, self._clock.now()))

    def _in_use(self, connection: int) -> bool:
        return any(call.flow.connection == connection for call in self._held)

    def _warn(self, text: str) -> None:
        now = self._clock.now()
        if self._warned is None or now - self._warned >= WARN_SECONDS:
            self._warned = now
            logger.warning("%s", text)
