"""Offers and candidates in, answers out: how a WebRTC connection becomes a session."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

from aiortc import RTCConfiguration, RTCIceCandidate, RTCIceServer
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from ..errors import (
    BadCandidate,
    BadOffer,
    ConnectionClosed,
    MachineError,
    OptionError,
    UnknownConnection,
)
from ..options import StreamOptions, check_ice_servers
from ..session.outcome import EndReason
from ..session.registry import Sessions
from ..session.session import Session
from ..transports.audio_sdp import in_stereo
from ..transports.base import Transport
from ..transports.webrtc import WebRtcTransport
from .bodies import Body
from .candidates import read_candidate
from .sdp import MOST_CANDIDATES, check_fit, sections, without_host_names
from .whole_sdp import whole, with_refusals

_SERVER_KEYS = ("urls", "username", "credential", "credentialType")

CONNECT_SECONDS = 15.0  # what a client may take from its answer to the connection
EARLY_IDS = 64  # ids that candidates may come for before their offer


class Offers:
    """The WebRTC signalling of one stream.

    Args:
        make_session: makes a session and its handler for an id and a transport.
    """

    def __init__(
        self, options: StreamOptions, sessions: Sessions, make_session: Callable[[str, Transport], Session]
    ) -> None:
        self._options = options
        self._sessions = sessions
        self._make_session = make_session
        self._transports: dict[str, WebRtcTransport] = {}
        self._early: OrderedDict[str, list[RTCIceCandidate | None]] = OrderedDict()

    async def handle(self, body: Body) -> dict[str, Any]:
        """Answer a body.

        Raises:
            ConnectionRefused: one of its kinds, see there.
        """
        if body.type == "ice-candidate":
            for candidate in [body.candidate] if body.candidates is None else body.candidates:
                self._candidate(body.webrtc_id, candidate)
            return {"status": "success"}
        if body.type == "bye":
            with suppress(UnknownConnection):  # it has gone already
                self._sessions.get(body.webrtc_id).end(EndReason.CLIENT_LEFT)
            return {"status": "success"}
        if not body.sdp:
            raise BadOffer(
                "the offer has no sdp", fix='Send {"type": "offer", "sdp": offer.sdp, "webrtc_id": "…"}'
            )
        check_fit(sections(body.sdp), self._options)
        with self._sessions.place(body.webrtc_id):
            return await self._answer(body.webrtc_id, body.sdp)

    async def _answer(self, id: str, sdp: str) -> dict[str, Any]:
        options = self._options
        transport = WebRtcTransport(
            speaks=options.spoken,
            hears=options.heard,
            configuration=await configuration(options.server_rtc_configuration),
            opus=options.opus,
            video=options.video,
        )
        sdp, named = without_host_names(sdp)
        late = [read_candidate({"candidate": line, "sdpMLineIndex": 0}) for line in named]
        async with AsyncExitStack() as failing:
            failing.push_async_callback(transport.close)
            answer = with_refusals(sdp, await transport.answer(whole(sdp)))
            session = self._make_session(id, transport)
            handler = session.handler
            stereo = handler.expected_layout == "stereo"
            transport.hear_at(handler.input_sample_rate, 2 if stereo else 1)
            failing.pop_all()
        self._transports[id] = transport
        for candidate in (*late, *self._early.pop(id, ())):
            transport.add_candidate(candidate)
        self._sessions.start(session, lambda: self._live(session, transport))
        return {"sdp": in_stereo(answer) if stereo else answer, "type": "answer"}

    async def _live(self, session: Session, transport: WebRtcTransport) -> None:
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await _first(
                        transport.connected.wait(), transport.gone.wait(), asyncio.shield(session.over)
                    )
            if transport.connected.is_set():
                await session.run()
            else:
                await session.abandon(EndReason.NEVER_CONNECTED)
        except asyncio.CancelledError:
            if session.reason is None:
                await session.abandon(EndReason.SERVER_STOPPING)
            raise
        finally:
            self._transports.pop(session.id, None)

    def _candidate(self, id: str, given: dict[str, Any] | None) -> None:
        candidate = read_candidate(given)
        transport = self._transports.get(id)
        if transport is None:
            self._keep_early(id, candidate)
        elif transport.gone.is_set():
            raise ConnectionClosed("the connection is closed", fix="Make a new offer with a new id")
        elif transport.candidates >= MOST_CANDIDATES:
            raise _too_many("for one connection")
        else:
            transport.add_candidate(candidate)

    def _keep_early(self, id: str, candidate: RTCIceCandidate | None) -> None:
        """Candidates may overtake their offer on the way; they wait for it."""
        waiting = self._early.setdefault(id, [])
        self._early.move_to_end(id)
        if len(waiting) >= MOST_CANDIDATES:
            raise _too_many("before their offer")
        waiting.append(candidate)
        while len(self._early) > EARLY_IDS:
            self._early.popitem(last=False)


def _too_many(when: str) -> BadCandidate:
    return BadCandidate(
        f"more than {MOST_CANDIDATES} candidates came {when}",
        why="each is an address that the server is made to send to",
        fix="Leave the rest out: those that came are tried",
    )


async def configuration(given: dict[str, Any] | Callable[..., Any] | None) -> RTCConfiguration:
    """aiortc's configuration from a browser-style dict, or from a function that returns one.

    None is no ICE server: a STUN server that does not answer would hold up each offer for 5 s.

    Raises:
        MachineError: it names a server that cannot be one, which is not the client's fault.
    """
    resolved = await resolve(given) or {}
    try:
        check_ice_servers(resolved)
    except OptionError as error:
        raise MachineError(error.what, why=error.why, fix=error.fix) from None
    servers = [
        RTCIceServer(**{key: value for key, value in server.items() if key in _SERVER_KEYS})
        for server in resolved.get("iceServers", [])
    ]
    policy = RTCIceTransportPolicy(resolved.get("iceTransportPolicy", "all"))
    return RTCConfiguration(iceServers=servers, iceTransportPolicy=policy)


async def resolve(given: dict[str, Any] | Callable[..., Any] | None) -> dict[str, Any] | None:
    """A configuration that may be given as a function: plain, a coroutine, a partial or a method."""
    value: Any = given() if callable(given) else given
    resolved: dict[str, Any] | None = await value if inspect.isawaitable(value) else value
    return resolved


async def _first(*waits: Any) -> None:
    """Return when the first of them does."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
