"""The answering side of SIP: which call a message belongs to, and what is said where it belongs to none."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter

from ..errors import BadMessage
from . import sdp
from .call import Action, Call, Offered
from .dialog import ALLOW, SDP, Headers, response
from .digest import Gate
from .flow import Flow
from .grammar import tag, uri, via
from .message import Request, Response, parse
from .state import State
from .timers import Timers

MOST_CALLS = 1000  # that are remembered, those that ended half a minute ago included
RETRY_AFTER = ("Retry-After", "5")
REGISTERED_SECONDS = 3600  # for which a softphone is told that it is registered

Refusal = tuple[int, Headers]


class Agent:
    """A SIP user agent that is called and never calls (RFC 3261 §8.2).

    Whoever owns the sockets gives it each message with the time, calls `poll` at `deadline`, and does the
    actions that each call returns, in their order. Only calls that their owner has begun to answer are
    remembered: everything else is answered without keeping anything (§8.2.7), however often it comes.

    Args:
        gate: asks for a password; None lets everybody in.

    Attributes:
        counted: what was not taken, by its reason.
    """

    def __init__(self, gate: Gate | None = None) -> None:
        self.counted: Counter[str] = Counter()
        self._gate = gate
        self._secret = secrets.token_bytes(16)
        self._timers = Timers()
        self._calls: dict[tuple[str, str], Call] = {}  # by Call-ID and the caller's tag
        self._out: list[Action] = []

    # Time.

    @property
    def deadline(self) -> float | None:
        """When `poll` has something to do; None if that is never."""
        return self._timers.deadline

    def poll(self, now: float) -> list[Action]:
        """Do what is due."""
        self._timers.poll(now)
        return self._done()

    # What the owner does to a call.

    def ring(self, call: Call) -> list[Action]:
        """Tell the caller that it will be answered."""
        call.ring()
        return self._done()

    def accept(self, call: Call, local: tuple[str, int], port: int, now: float) -> list[Action]:
        """Answer a call, see `Call.accept`; nothing when it was cancelled meanwhile."""
        if call.state is State.RINGING:
            call.accept(local, port, now)
        return self._done()

    def refuse(self, call: Call, status: int, now: float, headers: Headers = ()) -> list[Action]:
        """Say no to a call, with a status of RFC 3261 §21."""
        if call.state in (State.OFFERED, State.RINGING):
            call.refuse(status, now, headers)
        return self._done()

    def hang_up(self, call: Call, now: float) -> list[Action]:
        """End a call. Safe to call twice."""
        call.hang_up(now)
        return self._done()

    def probe(self, call: Call, now: float) -> list[Action]:
        """Ask whether the caller is still there; the call ends when nobody answers."""
        call.probe(now)
        return self._done()

    @property
    def asking(self) -> bool:
        """Whether an answer is waited for, such as that to a BYE."""
        return any(call.asking for call in self._calls.values())

    # Messages.

    def receive(self, data: bytes, flow: Flow, now: float) -> list[Action]:
        """Take a message, whole as it came."""
        try:
            message = parse(data)
        except BadMessage:
            self.counted["malformed"] += 1
            return []
        if via(message.get("via")) is None or not message.cseq[0]:
            self.counted["malformed"] += 1
        elif isinstance(message, Response):
            self._answered(message)
        elif message.cseq[1] != message.method:
            self.counted["malformed"] += 1
        else:
            self._asked(message, flow, now)
        return self._done()

    def _answered(self, message: Response) -> None:
        call = self._calls.get((message.call_id, tag(message.get("to"))))
        if call is not None and tag(message.get("from")) == call.dialog.tag:
            call.answered(message)

    def _asked(self, request: Request, flow: Flow, now: float) -> None:
        call = self._calls.get((request.call_id, tag(request.get("from"))))
        if to := tag(request.get("to")):
            if call is None or call.dialog.tag != to:
                self._answer(request, flow, (481, ()))
            elif request.method != "ACK" and (refusal := self._unfit(request)) is not None:
                self._answer(request, flow, refusal)
            else:
                call.take(request, flow, now)
        elif request.method == "INVITE":
            self._invited(request, flow, call, now)
        elif request.method == "CANCEL" and call is not None and call.is_of(request):
            call.cancelled(request, flow, now)
        else:
            self._answer(request, flow, self._of_no_call(request, flow, now))

    def _invited(self, request: Request, flow: Flow, call: Call | None, now: float) -> None:
        if call is not None:
            if call.is_of(request):
                call.again()
            else:  # it has come by two ways (§8.2.2.2)
                self._answer(request, flow, (482, ()))
            return
        media = sdp.agreed(sdp.sections(request.body))
        refusal = self._refusal(request, flow, media, now)
        if refusal is not None:
            return self._answer(request, flow, refusal)
        call = Call(request, flow, self._tag(request), media, self._timers, self._out, self._forget)
        self._calls[call.id, call.dialog.remote_tag] = call
        self._out.append(Offered(call))

    def _refusal(self, request: Request, flow: Flow, media: sdp.Media | None, now: float) -> Refusal | None:
        """Why a call cannot be taken, in the order of §8.2; None when it can."""
        if (refusal := self._unfit(request)) is not None:
            return refusal
        if request.body and (request.content_type != SDP or request.get("content-encoding")):
            return 415, [("Accept", SDP)]
        if request.body and media is None:
            return 488, [("Warning", '305 rtstream "No codec in plain RTP that is known here"')]
        if self._gate is not None and not self._gate.admits(request, flow.host, now):
            self.counted["unproved"] += 1
            return 401, self._gate.challenge(request, flow.host, now)
        if len(self._calls) >= MOST_CALLS:
            self.counted["too many"] += 1
            return 503, [RETRY_AFTER]
        return None

    def _unfit(self, request: Request) -> Refusal | None:
        if uri(request.uri) is None:
            return 416, ()
        if unknown := request.all("require"):  # no extension is asked of us that we have
            return 420, [("Unsupported", ", ".join(unknown))]
        return None

    def _of_no_call(self, request: Request, flow: Flow, now: float) -> Refusal:
        """The answer to a request that no call is asked for with."""
        if request.method in ("CANCEL", "BYE", "INFO", "UPDATE"):
            return 481, ()
        if request.method not in ("OPTIONS", "REGISTER"):
            return 405, [ALLOW]
        if (refusal := self._unfit(request)) is not None:
            return refusal
        if request.method == "OPTIONS":
            return 200, [ALLOW, ("Accept", SDP)]
        if self._gate is not None and not self._gate.admits(request, flow.host, now):
            return 401, self._gate.challenge(request, flow.host, now)
        return 200, _registered(request)

    def _answer(self, request: Request, flow: Flow, answer: Refusal) -> None:
        """Answer without keeping anything; an ACK is never answered."""
        if request.method != "ACK":
            status, headers = answer
            self.counted[str(status)] += status >= 300
            self._out.append(response(request, flow, status, tag_=self._tag(request), headers=headers))

    # Inside.

    def _tag(self, request: Request) -> str:
        """Our tag for whoever asks: the same each time it asks, and nobody else can guess it."""
        said = "\n".join((request.call_id, tag(request.get("from")), request.get("via")))
        return hashlib.blake2b(said.encode(), key=self._secret, digest_size=12).hexdigest()

    def _forget(self, call: Call) -> None:
        self._calls.pop((call.id, call.dialog.remote_tag), None)

    def _done(self) -> list[Action]:
        done = list(self._out)
        self._out.clear()
        return done


def _registered(request: Request) -> Headers:
    """The answer to a softphone that registers before it calls: it is registered, and nobody looks it up."""
    asked = request.get("expires").strip()
    seconds = (
        min(int(asked), REGISTERED_SECONDS) if asked.isdigit() and len(asked) < 8 else REGISTERED_SECONDS
    )
    contacts = [value for value in request.all("contact") if value != "*"]
    if not seconds or not contacts:
        return ()
    return [("Contact", f"{value.partition(';expires')[0]};expires={seconds}") for value in contacts[:8]]
