"""One call that came in, from its INVITE to its end: the answering side of RFC 3261 §13 to §15."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

from . import sdp
from .dialog import ALLOW, SDP, Answers, Dialog, Headers, response, way_back
from .flow import Flow, Send
from .grammar import bracketed, via
from .info import PLAIN, RELAY, pressed
from .message import Request, Response
from .state import State
from .timers import PATIENCE, Repeater, Timers


class Offered(NamedTuple):
    """Somebody calls, with something that can be agreed on: `ring` and `accept` the call, or `refuse` it."""

    call: Call


class Confirmed(NamedTuple):
    """The caller has taken the answer: `call.media` is known, and sound may flow."""

    call: Call


class Renewed(NamedTuple):
    """`call.media` has changed: the call is on hold or not any more, or the far end has moved."""

    call: Call


class Pressed(NamedTuple):
    """A key was pressed, and told by INFO."""

    call: Call
    key: str


class Ended(NamedTuple):
    """The call is over, whoever ended it; told once."""

    call: Call


Action = Send | Offered | Confirmed | Renewed | Pressed | Ended


class Call:
    """One call.

    Args:
        invite: the request that asks for it, and `flow` the way it came.
        tag: our own of its dialog.
        media: what can be agreed on; None when the caller wants to hear an offer.
        timers, out: those of the agent.
        forget: called when no message of the call is waited for any more.
    """

    def __init__(
        self,
        invite: Request,
        flow: Flow,
        tag: str,
        media: sdp.Media | None,
        timers: Timers,
        out: list[Action],
        forget: Callable[[Call], None],
    ) -> None:
        self.dialog = Dialog(invite, tag)
        self.media = media
        self.state = State.OFFERED
        self.flow = way_back(invite, flow)
        self._invite, self._invite_flow = invite, flow
        self._timers, self._out, self._forget = timers, out, forget
        self._local, self._port = ("", 0), 0
        self._version = (secrets.randbits(31), 0)
        self._answers = Answers(tag)
        self._answer: Repeater | None = None  # to the last INVITE, until it is acknowledged
        self._asks = media is None  # whether that answer holds our offer
        self._own: dict[int, Repeater] = {}  # requests of our own by number, until they are answered

    @property
    def id(self) -> str:
        """Its Call-ID."""
        return self.dialog.call_id

    # What its owner does.

    def ring(self) -> None:
        """Tell that it is about to be answered, so that its INVITE is not sent again."""
        self.state = State.RINGING
        self._respond(self._invite, self._invite_flow, 100)
        self._respond(self._invite, self._invite_flow, 180)

    def accept(self, local: tuple[str, int], port: int, now: float) -> None:
        """Answer it.

        Args:
            local: host and port at which we take SIP, as the caller reaches them.
            port: where we take RTP, on the same host.
        """
        self._local, self._port, self.state = local, port, State.ANSWERED
        self._agree(self._invite, self._invite_flow, now)

    def refuse(self, status: int, now: float, headers: Headers = ()) -> None:
        """Answer it with a no."""
        last = self._answers.make(self._invite, self._invite_flow, status, headers)
        if self.state is State.RINGING:  # it asks no more, so this must not be lost (§17.2.1)
            self.state = State.REFUSED
            self._answer = self._repeated(last, self._over, now, once=last.flow.transport != "UDP")
        else:
            self.state = State.OVER
            self._out.append(last)
            self._forget(self)

    def hang_up(self, now: float) -> None:
        """End it, if it was answered. Safe to call twice."""
        if self.state in (State.ANSWERED, State.LIVE):
            self._ask("BYE", now, lambda now: None)
            self._over(now)

    def probe(self, now: float) -> None:
        """Ask whether the caller is still there; who does not answer has left."""
        if self.state is State.LIVE and not self._own:
            self._ask("OPTIONS", now, self._over)

    @property
    def asking(self) -> bool:
        """Whether an answer to a request of our own is waited for."""
        return any(one.active for one in self._own.values())

    # What its caller does; the agent tells.

    def again(self) -> None:
        """The INVITE has come again: its answer may have been lost."""
        if (last := self._answers.to(self._invite)) is not None:
            self._out.append(last)

    def cancelled(self, request: Request, flow: Flow, now: float) -> None:
        """CANCEL: too late once it is answered (§9.2)."""
        if self.state is State.RINGING:
            return self._bye(request, flow, now)
        self._respond(request, flow, 200)

    def take(self, request: Request, flow: Flow, now: float) -> None:
        """A request in its dialog."""
        if request.method == "ACK":
            return self._acknowledged(request, flow, now)
        if (last := self._answers.to(request)) is not None:
            return self._out.append(last)
        if request.cseq[0] <= self.dialog.remote_number:  # out of order (§12.2.2)
            return self._out.append(response(request, flow, 500))
        if self.state is State.OVER:
            return self._out.append(response(request, flow, 481))
        self.dialog.remote_number = request.cseq[0]
        self.flow = way_back(request, flow)
        answer = {
            "INVITE": self._renew,
            "UPDATE": self._renew,
            "INFO": self._info,
            "BYE": self._bye,
            "OPTIONS": self._options,
        }
        answer.get(request.method, self._unknown)(request, flow, now)

    def answered(self, answer: Response) -> None:
        """An answer to a request of our own."""
        number, _ = answer.cseq
        if answer.status >= 200 and (asked := self._own.pop(number, None)) is not None:
            asked.stop()

    # Requests in its dialog.

    def _acknowledged(self, request: Request, flow: Flow, now: float) -> None:
        if self._answer is None or request.cseq[0] != self._invite.cseq[0]:
            return
        self._answer.stop()
        self._answer = None
        if self.state is State.REFUSED:
            return self._over(now)
        self.flow = way_back(request, flow)  # a proxy that let the INVITE pass may not be on it (§16.6)
        if self._asks:
            media = sdp.agreed(sdp.sections(request.body), self._codec)
            if media is None:  # then the call has no media (§13.2.2.4)
                return self.hang_up(now)
            self.media = media
        first, self.state = self.state is State.ANSWERED, State.LIVE
        self._out.append(Confirmed(self) if first else Renewed(self))

    def _renew(self, request: Request, flow: Flow, now: float) -> None:
        """A new description of the call's media, or a wish to hear ours (§14.2, RFC 3311)."""
        if self.state is not State.LIVE or self._answer is not None:
            return self._respond(request, flow, 500, [("Retry-After", str(secrets.randbelow(10)))])
        if request.body and request.content_type != SDP:
            return self._respond(request, flow, 415, [("Accept", SDP)])
        described = sdp.sections(request.body)
        media = sdp.agreed(described, self._codec) or sdp.agreed(described)
        if request.body and media is None:  # then the call goes on as it is
            return self._respond(request, flow, 488)
        self.dialog.moved(request)
        self.media = media or self.media
        if request.method == "UPDATE":
            body = self._description() if media is not None else b""
            self._respond(request, flow, 200, self._contact(), body)
            return self._out.append(Renewed(self))
        self._invite, self._invite_flow, self._asks = request, flow, media is None
        self._agree(request, flow, now)

    def _info(self, request: Request, flow: Flow, now: float) -> None:
        key = pressed(request.content_type, request.body)
        if request.body and key is None:
            return self._respond(request, flow, 415, [("Accept", f"{RELAY}, {PLAIN}")])
        self._respond(request, flow, 200)
        if key:
            self._out.append(Pressed(self, key))

    def _bye(self, request: Request, flow: Flow, now: float) -> None:
        """It ends, and so does its INVITE if that has no answer yet (§15.1.2)."""
        self._respond(request, flow, 200)
        if self.state is State.RINGING:
            self.refuse(487, now)
            self._out.append(Ended(self))
        else:
            self._over(now)

    def _options(self, request: Request, flow: Flow, now: float) -> None:
        self._respond(request, flow, 200, [ALLOW, ("Accept", SDP)])

    def _unknown(self, request: Request, flow: Flow, now: float) -> None:
        self._respond(request, flow, 405, [ALLOW])

    # Inside.

    @property
    def _codec(self) -> str:
        """The codec that stays where it can."""
        return self.media.codec.name if self.media is not None else ""

    def _agree(self, invite: Request, flow: Flow, now: float) -> None:
        """Say 200 until it is acknowledged, over any transport (§13.3.1.4)."""
        routes = [("Record-Route", route) for route in invite.all("record-route")]
        headers = [*routes, *self._contact(), ALLOW]
        last = self._answers.make(invite, flow, 200, headers, self._description())
        self._answer = self._repeated(last, self.hang_up, now)

    def _description(self) -> bytes:
        """What we say of the media: our answer, or our offer to who asked for one."""
        host, version = self._local[0], (self._version[0], self._version[1] + 1)
        self._version = version
        if self._asks or self.media is None:
            return sdp.offer(host, self._port, version, self.media)
        return sdp.answer(self.media, host, self._port, version)

    def _respond(
        self, request: Request, flow: Flow, status: int, headers: Headers = (), body: bytes = b""
    ) -> None:
        self._out.append(self._answers.make(request, flow, status, headers, body))

    def _repeated(
        self, said: Send, given_up: Callable[[float], None], now: float, *, once: bool = False
    ) -> Repeater:
        return Repeater(self._timers, lambda: self._out.append(said), given_up, now, once=once)

    def _contact(self) -> list[tuple[str, str]]:
        host, port = self._local
        way = "" if self.flow.transport == "UDP" else f";transport={self.flow.transport.lower()}"
        return [("Contact", f"<sip:{bracketed(host)}:{port}{way}>")]

    def _ask(self, method: str, now: float, given_up: Callable[[float], None]) -> None:
        """A request of our own, until it is answered (§17.1.2)."""
        flow = self.flow
        number, data = self.dialog.request(method, flow, self._local)
        self._own[number] = self._repeated(Send(data, flow), given_up, now, once=flow.transport != "UDP")

    def _over(self, now: float) -> None:
        """It has ended; for a while its messages may still come again."""
        if self.state is State.OVER:
            return
        refused, self.state = self.state is State.REFUSED, State.OVER
        if self._answer is not None:
            self._answer.stop()
            self._answer = None
        self._timers.at(now + PATIENCE, lambda now: self._forget(self))
        if not refused:
            self._out.append(Ended(self))

    def is_of(self, invite: Request) -> bool:
        """Whether a request has the transaction of its INVITE (§17.2.3)."""
        ours, theirs = via(self._invite.get("via")), via(invite.get("via"))
        same = ours is not None and theirs is not None and ours.branch == theirs.branch
        return same and invite.cseq[0] == self._invite.cseq[0]
