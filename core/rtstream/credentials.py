"""Short-lived credentials for TURN servers, which carry media where no direct way exists.

Each provider has a function and its `_async` form; both give what a browser's `RTCPeerConnection` and
`Stream(rtc_configuration=...)` take: `{"iceServers": [...], ...}`. The plain functions block: inside a
running event loop use the `_async` ones.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from rtstream.errors import OptionError, RemoteError

if TYPE_CHECKING:
    import httpx

Credentials = dict[str, Any]
Method = Literal["hf", "twilio", "cloudflare"]

HF_URL = "https://turn.fastrtc.org"
CLOUDFLARE_URL = "https://rtc.live.cloudflare.com"
TWILIO_URL = "https://api.twilio.com"

_ARGUMENTS = {
    "hf": {"token", "ttl"},
    "cloudflare": {"turn_key_id", "turn_key_api_token", "hf_token", "ttl"},
    "twilio": {"twilio_sid", "twilio_token"},
}


@dataclass(frozen=True, slots=True)
class _Request:
    """One request for credentials, not sent yet; its secret must never be seen in a text."""

    provider: str
    method: str
    url: str
    options: dict[str, Any] = field(repr=False)
    secret: str = field(repr=False)


def get_hf_turn_credentials(token: str | None = None, ttl: int = 600) -> Credentials:
    """Deprecated: credentials of FastRTC's service for holders of a Hugging Face token.

    Args:
        token: the Hugging Face token; default: the environment's `HF_TOKEN`.
        ttl: how long they hold, in seconds.

    Raises:
        OptionError: there is no token.
        RemoteError: the service cannot be reached or refuses.
    """
    _deprecated("get_hf_turn_credentials", "get_cloudflare_turn_credentials")
    return _send(_hf(token, ttl))


async def get_hf_turn_credentials_async(
    token: str | None = None, ttl: int = 600, client: httpx.AsyncClient | None = None
) -> Credentials:
    """Deprecated: `get_hf_turn_credentials` for coroutines; `client` is used and left open if given."""
    _deprecated("get_hf_turn_credentials_async", "get_cloudflare_turn_credentials_async")
    return await _send_async(_hf(token, ttl), client)


def get_cloudflare_turn_credentials(
    turn_key_id: str | None = None,
    turn_key_api_token: str | None = None,
    hf_token: str | None = None,
    ttl: int = 600,
) -> Credentials:
    """Credentials of Cloudflare's TURN service, by a key of your own or by a Hugging Face token.

    What is given as an argument goes before the environment, and in either place a Hugging Face token
    goes before a key.

    Args:
        turn_key_id: the key's id; default: `CLOUDFLARE_TURN_KEY_ID`.
        turn_key_api_token: the key's token; default: `CLOUDFLARE_TURN_KEY_API_TOKEN`.
        hf_token: a Hugging Face token, for FastRTC's service; default: `HF_TOKEN`.
        ttl: how long they hold, in seconds.

    Raises:
        OptionError: there is neither a whole key nor a token.
        RemoteError: the service cannot be reached or refuses.

    Source: Cloudflare Realtime TURN, "Generate credentials" (generate-ice-servers).
    """
    return _send(_cloudflare(turn_key_id, turn_key_api_token, hf_token, ttl))


async def get_cloudflare_turn_credentials_async(
    turn_key_id: str | None = None,
    turn_key_api_token: str | None = None,
    hf_token: str | None = None,
    ttl: int = 600,
    client: httpx.AsyncClient | None = None,
) -> Credentials:
    """`get_cloudflare_turn_credentials` for coroutines; `client` is used and left open if given."""
    return await _send_async(_cloudflare(turn_key_id, turn_key_api_token, hf_token, ttl), client)


def get_twilio_turn_credentials(
    twilio_sid: str | None = None, twilio_token: str | None = None
) -> Credentials:
    """Credentials of Twilio's Network Traversal Service; needs no `twilio` package.

    The answer says `"iceTransportPolicy": "relay"`: all media goes through Twilio.

    Args:
        twilio_sid: the account's SID; default: `TWILIO_ACCOUNT_SID`.
        twilio_token: the account's token; default: `TWILIO_AUTH_TOKEN`.

    Raises:
        OptionError: SID or token are missing.
        RemoteError: the service cannot be reached or refuses.

    Source: Twilio, "Network Traversal Service Tokens" (Tokens.json).
    """
    return _send(_twilio(twilio_sid, twilio_token))


async def get_twilio_turn_credentials_async(
    twilio_sid: str | None = None, twilio_token: str | None = None, client: httpx.AsyncClient | None = None
) -> Credentials:
    """`get_twilio_turn_credentials` for coroutines; `client` is used and left open if given."""
    return await _send_async(_twilio(twilio_sid, twilio_token), client)


def get_turn_credentials(method: Method = "cloudflare", **kwargs: Any) -> Credentials:
    """Credentials of the provider that `method` names.

    Args:
        method: "cloudflare", "twilio" or (deprecated) "hf".
        kwargs: the arguments of the providers' functions; those of the others are left aside, so that
            one call serves a method that is chosen elsewhere.

    Raises:
        OptionError: there is no such method, or something is missing.
        RemoteError: the service cannot be reached or refuses.
    """
    return _send(_chosen(method, kwargs))


async def get_turn_credentials_async(
    method: Method = "cloudflare", client: httpx.AsyncClient | None = None, **kwargs: Any
) -> Credentials:
    """`get_turn_credentials` for coroutines; `client` is used and left open if given."""
    return await _send_async(_chosen(method, kwargs), client)


def _chosen(method: str, arguments: dict[str, Any]) -> _Request:
    if method not in _ARGUMENTS:
        raise OptionError(
            f"{method!r} is no method to get TURN credentials",
            why="no provider of that name is known",
            fix=f"Use one of {', '.join(map(repr, _ARGUMENTS))}",
        )
    if unknown := arguments.keys() - set().union(*_ARGUMENTS.values()):
        raise TypeError(f"no provider of TURN credentials takes {', '.join(sorted(unknown))}")
    if method == "hf":
        _deprecated("The method 'hf'", "the method 'cloudflare'")
    makers: dict[str, Callable[..., _Request]] = {"hf": _hf, "cloudflare": _cloudflare, "twilio": _twilio}
    return makers[method](**{name: arguments[name] for name in arguments.keys() & _ARGUMENTS[method]})


def _hf(token: str | None = None, ttl: int = 600) -> _Request:
    token = _given(token, "HF_TOKEN")
    if not token:
        raise _missing("Hugging Face's TURN credentials", "HF_TOKEN", "token=...")
    options = {"headers": {"Authorization": f"Bearer {token}"}, "params": {"ttl": ttl}}
    return _Request("turn.fastrtc.org", "GET", f"{HF_URL}/credentials", options, token)


def _cloudflare(
    turn_key_id: str | None = None,
    turn_key_api_token: str | None = None,
    hf_token: str | None = None,
    ttl: int = 600,
) -> _Request:
    if hf_token or (not (turn_key_id and turn_key_api_token) and _given(None, "HF_TOKEN")):
        return _hf(hf_token, ttl)
    key = _given(turn_key_id, "CLOUDFLARE_TURN_KEY_ID")
    token = _given(turn_key_api_token, "CLOUDFLARE_TURN_KEY_API_TOKEN")
    if not (key and token):
        raise _missing(
            "Cloudflare's TURN credentials",
            "CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_KEY_API_TOKEN (or HF_TOKEN)",
            "turn_key_id=..., turn_key_api_token=... (or hf_token=...)",
        )
    url = f"{CLOUDFLARE_URL}/v1/turn/keys/{quote(key, safe='')}/credentials/generate-ice-servers"
    options = {"headers": {"Authorization": f"Bearer {token}"}, "json": {"ttl": ttl}}
    return _Request("Cloudflare", "POST", url, options, token)


def _twilio(twilio_sid: str | None = None, twilio_token: str | None = None) -> _Request:
    sid = _given(twilio_sid, "TWILIO_ACCOUNT_SID")
    token = _given(twilio_token, "TWILIO_AUTH_TOKEN")
    if not (sid and token):
        raise _missing(
            "Twilio's TURN credentials",
            "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
            "twilio_sid=..., twilio_token=...",
        )
    url = f"{TWILIO_URL}/2010-04-01/Accounts/{quote(sid, safe='')}/Tokens.json"
    return _Request("Twilio", "POST", url, {"auth": (sid, token)}, token)


def _given(argument: str | None, variable: str) -> str:
    """The argument, or else the environment's value; "" when there is neither."""
    value = (argument or os.environ.get(variable, "")).strip()
    if not (value.isascii() and value.isprintable()):  # refused here, where it cannot be quoted by mistake
        raise OptionError(
            f"the value for {variable} has characters that no key has",
            why="it was probably copied together with something else",
            fix="Copy it again",
        )
    return value


def _missing(what: str, variables: str, arguments: str) -> OptionError:
    return OptionError(
        f"{what} need {variables}",
        why="they are neither in the environment nor among the arguments",
        fix=f"Set {variables}, or pass {arguments}",
    )


def _deprecated(old: str, new: str) -> None:
    warnings.warn(f"{old} is deprecated. Use {new} instead.", UserWarning, stacklevel=3)


def _send(request: _Request) -> Credentials:
    import httpx

    try:
        response = httpx.request(request.method, request.url, **request.options)
    except httpx.HTTPError as error:
        raise _unreachable(request, error) from error
    return _answer(request, response)


async def _send_async(request: _Request, client: httpx.AsyncClient | None) -> Credentials:
    import httpx

    try:
        if client is not None:
            response = await client.request(request.method, request.url, **request.options)
        else:
            async with httpx.AsyncClient() as own:
                response = await own.request(request.method, request.url, **request.options)
    except httpx.HTTPError as error:
        raise _unreachable(request, error) from error
    return _answer(request, response)


def _unreachable(request: _Request, error: Exception) -> RemoteError:
    said = str(error).replace(request.secret, "***")
    return RemoteError(
        f"{request.provider} cannot be asked for TURN credentials",
        why=f"{type(error).__name__}: {said}",
        fix="Check the network of this machine, and whether it needs a proxy (HTTPS_PROXY)",
    )


def _answer(request: _Request, response: httpx.Response) -> Credentials:
    try:
        answer = response.json()
    except ValueError:
        answer = response.text
    if response.is_success:
        match answer:
            case {"iceServers": list()}:
                return dict(answer)
            case {"ice_servers": list(servers)}:  # Twilio's spelling; its servers only relay
                return {"iceServers": servers, "iceTransportPolicy": "relay"}
        said = "nothing about servers"  # its text may hold credentials: it is not repeated
    else:
        said = _message(answer).replace(request.secret, "***") or response.reason_phrase
    raise RemoteError(
        f"{request.provider} gave no TURN credentials (HTTP {response.status_code})",
        why=f"it says: {said}",
        fix="Check that the key is right, belongs to this account and has not been revoked",
    )


def _message(answer: Any) -> str:
    """A provider's own words: Cloudflare's `errors[0].message`, Twilio's `message`, others' `error`."""
    match answer:
        case {"errors": [{"message": str(said)}, *_]}:
            return said
        case {"message": str(said)} | {"error": str(said)} | {"detail": str(said)}:
            return said
        case _:
            return str(answer).strip()[:300]
