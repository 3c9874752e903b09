"""Telephone calls: webhooks verified and answered, and the sockets that the carriers then open."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response

from ..clock import wall_time
from ..errors import CallNotVerified, RtstreamError
from ..wire import answers, tickets
from ..wire.signatures import SIGNED_BY, Request, once_only
from ..wire.telephone import TelephoneWire
from .addresses import checked, outer_path, signed_urls, socket_url
from .requests import refusal
from .webhooks import as_signed, body_of, call_in

if TYPE_CHECKING:
    from starlette.requests import Request as HttpRequest
    from starlette.websockets import WebSocket

    from ..context import Call
    from ..session.registry import Sessions

logger = logging.getLogger("rtstream.telephone")

WEBHOOK = "/telephone/incoming"
SOCKET = "/telephone/handler"
SOCKETS = (SOCKET, SOCKET + "/{ticket}")
SECRETS = {  # where each carrier's secret is found; it is asked for at each call, so that it can be changed
    "twilio": "TWILIO_AUTH_TOKEN",
    "signalwire": "SIGNALWIRE_SIGNING_KEY",
    "telnyx": "TELNYX_PUBLIC_KEY",
    "plivo": "PLIVO_AUTH_TOKEN",
    "vonage": "VONAGE_SIGNATURE_SECRET",
    "exotel": "EXOTEL_BASIC_AUTH",
}
SIGN_SOCKETS = ("twilio", "exotel")  # the others' handshakes prove nothing by themselves
# Exotel's only where the user has written the password into the socket's address, so not after a webhook.
NEEDS_BOTH = ("twilio",)  # its webhook may come twice, so that a ticket proves less than the socket does
BUSY = "All lines are busy. Please call again later."
ONCE_KEPT = 10_000  # tickets and nonces that are remembered


class Telephone:
    """The telephone of one stream.

    Args:
        sessions: those of the stream.
        carry: runs a call over a socket, given its dialect and what is known of the call.
        now: seconds since 1970.

    Attributes:
        secrets: gives the carriers' secrets by name; those of the environment by default. Once there is
            one, only carriers are served whose secret is there, and only with a valid signature.
        busy: what a caller hears when the stream is full.
    """

    def __init__(
        self,
        sessions: Sessions,
        carry: Callable[[WebSocket, TelephoneWire, Call | None], Awaitable[None]],
        now: Callable[[], float] = wall_time,
    ) -> None:
        self.secrets: Callable[[], Mapping[str, str]] = secrets_of_environment
        self.busy = BUSY
        self._sessions = sessions
        self._carry = carry
        self._now = now
        self._public_url: str | None = None
        self._once = Once()

    @property
    def public_url(self) -> str | None:
        """The address under which carriers reach the app, `https://voice.example.com`; None: unknown."""
        return self._public_url

    @public_url.setter
    def public_url(self, address: str | None) -> None:
        self._public_url = checked(address)

    async def answer(self, request: HttpRequest) -> Response:
        """Answer a webhook in its carrier's own form."""
        try:
            received = as_signed(request, signed_urls(request, self._public_url), await body_of(request))
            call = call_in(received)
            self._verify(call, received)
        except RtstreamError as error:
            return refusal(_logged(error))
        if self._sessions.full:
            self._sessions.turned_away()
            answer = answers.decline(call, self.busy)
        else:
            answer = self._connect(call, request)
        return HTMLResponse(answer.body, media_type=answer.media_type)

    async def handle(self, websocket: WebSocket) -> None:
        """Carry a call over a carrier's socket, not yet accepted."""
        try:
            call = self._admitted(websocket)
        except CallNotVerified as error:
            return await _deny(websocket, _logged(error))
        await self._carry(websocket, TelephoneWire(), call)

    def _connect(self, call: Call, request: HttpRequest) -> answers.Answer:
        secrets = self.secrets().values()
        ticket = tickets.seal(call, secrets, self._now())
        path = f"{outer_path(request).removesuffix(WEBHOOK)}{SOCKET}/{ticket}"
        return answers.connect(call, socket_url(request, path, self._public_url, verified=bool(secrets)))

    def _verify(self, call: Call, request: Request) -> None:
        secrets = self.secrets()
        if not secrets:
            return
        if (secret := secrets.get(call.carrier)) is None:
            raise CallNotVerified(
                f"a webhook of {call.carrier} is not taken",
                why=f"{SECRETS[call.carrier]} is not set, though the secret of another carrier is",
                fix=f"Set {SECRETS[call.carrier]}, so that its signatures can be checked",
            )
        now = self._now()
        if not SIGNED_BY[call.carrier](secret, request, now):
            raise _forged(call.carrier, "webhook")
        said = once_only(call.carrier, request)
        if said is not None and not self._once.take(said):
            raise _forged(call.carrier, "webhook", "it has been sent before")

    def _admitted(self, websocket: WebSocket) -> Call | None:
        """What the socket's ticket tells of the call, if it has one.

        Raises:
            CallNotVerified: neither a ticket nor a signature proves that it comes from a carrier.
        """
        secrets = self.secrets()
        given = websocket.path_params.get("ticket")
        ticket = tickets.unseal(given, secrets.values(), self._now()) if given is not None else None
        call = ticket.call if ticket is not None else None
        if not secrets:
            return call
        if given is not None and (ticket is None or not self._once.take(ticket.number)):
            raise _forged("a carrier", "socket", "its address holds no ticket that is still good")
        if call is not None and call.carrier not in NEEDS_BOTH:
            return call
        signing = [call.carrier] if call is not None else [name for name in SIGN_SOCKETS if name in secrets]
        request = as_signed(websocket, signed_urls(websocket, self._public_url))
        if any(name in secrets and SIGNED_BY[name](secrets[name], request, self._now()) for name in signing):
            return call
        raise _forged(" or ".join(signing) or "a carrier", "socket")


class Once:
    """What may be shown once only: the last ten thousand are remembered."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def take(self, key: str) -> bool:
        """Whether it has not been taken before."""
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > ONCE_KEPT:
            del self._seen[next(iter(self._seen))]
        return True


def secrets_of_environment() -> dict[str, str]:
    """The carriers' secrets that the environment holds."""
    found = {carrier: os.environ.get(name, "") for carrier, name in SECRETS.items()}
    return {carrier: secret for carrier, secret in found.items() if secret}


async def _deny(websocket: WebSocket, error: RtstreamError) -> None:
    """Answer a socket's handshake with 403: with the error where the server can, else without a word."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(JSONResponse(error.body(), status_code=error.status))
    else:
        await websocket.close()


def _logged(error: RtstreamError) -> RtstreamError:
    logger.warning("%s: %s (%s)", error.code, error.what, error.why)
    return error


def _forged(carrier: str, what: str, why: str = "") -> CallNotVerified:
    return CallNotVerified(
        f"the {what} does not prove that it comes from {carrier}",
        why=why or "its signature is absent, or made with another secret or for another address",
        fix="Check the secret, and set stream.public_url to the address that the carrier calls",
    )
