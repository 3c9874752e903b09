"""Who speaks with whom: the tags, numbers and routes of a call, and the messages with them (RFC 3261 §12)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from .flow import Flow, Send
from .grammar import address, bracketed, tag, uri, via
from .message import Request, serialised, status_line

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "INFO", "REGISTER")
ALLOW = ("Allow", ", ".join(METHODS))
SDP = "application/sdp"
ANSWERS_KEPT = 4  # to requests that may come again because an answer was lost
PARAMETERS_KEPT = 32  # X- headers
COOKIE = "z9hG4bK"  # RFC 3261 §8.1.1.7: a branch that is unique begins so

Headers = Sequence[tuple[str, str]]


def way_back(request: Request, flow: Flow) -> Flow:
    """Where the answer of a request goes (RFC 3261 §18.2.2, RFC 3581 §4).

    Our own requests in its call go there too: a softphone or a proxy that is behind a network of its own is
    reached where it comes from, and not where its Contact says that it is.
    """
    last = via(request.get("via"))
    if flow.transport != "UDP" or last is None or last.rport:
        return flow
    return flow._replace(port=last.port)


def response(
    request: Request, flow: Flow, status: int, *, tag_: str = "", headers: Headers = (), body: bytes = b""
) -> Send:
    """An answer to a request (RFC 3261 §8.2.6); `tag_` is put to a To that has none."""
    first, *others = request.all("via")
    to = request.get("to")
    named: list[tuple[str, str]] = [
        ("Via", _with_source(first, flow)),
        *(("Via", value) for value in others),
        ("From", request.get("from")),
        ("To", f"{to};tag={tag_}" if tag_ and not tag(to) else to),
        ("Call-ID", request.call_id),
        ("CSeq", request.get("cseq")),
        *headers,
    ]
    if body:
        named.append(("Content-Type", SDP))
    return Send(serialised(status_line(status), named, body), way_back(request, flow))


def _with_source(value: str, flow: Flow) -> str:
    """The topmost Via, which tells from where the request really came (RFC 3261 §18.2.1, RFC 3581 §4)."""
    head, *parts = value.split(";")
    last, kept = via(value), [part for part in parts if _name(part) not in ("rport", "received")]
    source = [f"rport={flow.port}"] if last is not None and last.rport else []
    if source or last is None or last.host != flow.host:
        source.insert(0, f"received={flow.host}")
    return ";".join([head, *kept, *source])


def _name(parameter: str) -> str:
    return parameter.partition("=")[0].strip().lower()


class Dialog:
    """The dialog that an INVITE asks for.

    Args:
        invite: the request.
        tag_: our own.

    Attributes:
        caller, callee: the users in their addresses, or the hosts where there is none.
        parameters: what a caller adds of its own: the headers that begin with X-, as they were written.
    """

    def __init__(self, invite: Request, tag_: str) -> None:
        self.tag, self.call_id = tag_, invite.call_id
        self.remote_tag = tag(invite.get("from"))
        self.remote_number = invite.cseq[0]
        self.routes = invite.all("record-route")  # in this order, for who was called (§12.1.1)
        self.caller, self.callee = _number(invite.get("from")), _number(f"<{invite.uri}>")
        own = [(name, value) for name, value in invite.headers if name[:2].upper() == "X-"]
        self.parameters = dict(own[:PARAMETERS_KEPT])
        self._remote, self._local = invite.get("from"), f"{invite.get('to')};tag={tag_}"
        self._target = address(invite.get("from"))[0]
        self.moved(invite)
        self._number = secrets.randbelow(1 << 16) + 1

    def moved(self, request: Request) -> None:
        """The far end tells where it is (a target refresh, §12.2)."""
        if contact := request.get("contact"):
            self._target = address(contact)[0] or self._target

    def request(self, method: str, flow: Flow, local: tuple[str, int]) -> tuple[int, bytes]:
        """A request of our own in the dialog, and its number.

        Args:
            method: of it.
            flow: the way it goes.
            local: host and port at which we take SIP.
        """
        self._number += 1
        target, routes = self._target, self.routes
        if routes and "lr" not in address(routes[0])[0].lower().split(";"):  # a strict router (§12.2.1.1)
            target, routes = address(routes[0])[0], [*routes[1:], f"<{target}>"]
        place = f"{bracketed(local[0])}:{local[1]}"
        headers = [
            ("Via", f"SIP/2.0/{flow.transport} {place};branch={COOKIE}{secrets.token_hex(8)};rport"),
            *(("Route", route) for route in routes),
            ("Max-Forwards", "70"),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._number} {method}"),
        ]
        return self._number, serialised(f"{method} {target} SIP/2.0", headers)


class Answers:
    """The last answers that were given in a dialog: a request that comes again is given its own again."""

    def __init__(self, tag_: str) -> None:
        self._tag = tag_
        self._given: dict[tuple[int, str], Send] = {}

    def to(self, request: Request) -> Send | None:
        """The answer that a request was given; None if it comes for the first time."""
        return self._given.get(request.cseq)

    def make(
        self, request: Request, flow: Flow, status: int, headers: Headers = (), body: bytes = b""
    ) -> Send:
        """An answer, which is kept."""
        tag_ = self._tag if status > 100 else ""
        made = response(request, flow, status, tag_=tag_, headers=headers, body=body)
        self._given.pop(request.cseq, None)
        self._given[request.cseq] = made
        while len(self._given) > ANSWERS_KEPT:
            del self._given[next(iter(self._given))]
        return made


def _number(value: str) -> str:
    """Who stands in an address: the user, or the host where there is none."""
    found = uri(address(value)[0])
    return (found.user or found.host)[:256] if found is not None else ""
