"""Requests to a carrier's REST API, its refusals told in its own words and with its own code."""

from __future__ import annotations

import os
from typing import Any

from ..errors import CarrierError, CarrierKeyRefused

ASK_SECONDS = 10.0
UNDO_SECONDS = 2.0  # at the end of the program nobody wants to wait


def keys(carrier: str, *variables: str) -> tuple[str, ...]:
    """The values of environment variables: credentials come from nowhere else.

    Raises:
        CarrierKeyRefused: one is not set, or holds what no key holds.
    """
    found = tuple(os.environ.get(name, "").strip() for name in variables)
    if missing := [
        name
        for name, value in zip(variables, found, strict=True)
        if not (value and value.isascii() and value.isprintable())
    ]:
        raise CarrierKeyRefused(
            f"{carrier} needs {' and '.join(variables)}",
            why=f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            fix=f"Set {'it' if len(missing) == 1 else 'them'} in the environment",
        )
    return found


def not_of_account(number: str, carrier: str, why: str = "") -> CarrierError:
    """The error for a number that the account of the keys does not have."""
    return CarrierError(
        f"{number} is no number of this {carrier} account",
        why=why,
        fix="Give one of its numbers in the form +14155550100",
    )


class Rest:
    """One carrier's API.

    Args:
        carrier: its name, for people.
        base: the address that paths are added to.
        key: a token for `Authorization: Bearer`, or a pair for HTTP's basic authentication.
    """

    def __init__(self, carrier: str, base: str, key: str | tuple[str, str]) -> None:
        self._carrier = carrier
        self._base = base.rstrip("/")
        self._key = key

    def __repr__(self) -> str:
        return f"Rest({self._carrier!r}, {self._base!r})"

    def ask(self, method: str, path: str, *, last: bool = False, **request: Any) -> dict[str, Any]:
        """Send a request and return the JSON object of the answer. Blocks.

        Args:
            path: added to the base; a whole address takes its place.
            last: at the end of the program, when there is little time.
            request: httpx's `params`, `data` or `json`.

        Raises:
            CarrierKeyRefused: the keys are not those of an account that may.
            CarrierError: it cannot be reached, or says no.
        """
        import httpx

        if isinstance(self._key, str):
            request["headers"] = {"Authorization": f"Bearer {self._key}"}
        else:
            request["auth"] = self._key
        address = path if "://" in path else self._base + path
        try:
            answer = httpx.request(method, address, timeout=UNDO_SECONDS if last else ASK_SECONDS, **request)
        except httpx.HTTPError as error:
            raise CarrierError(
                f"{self._carrier} cannot be reached",
                why=self._safe(f"{self._base}: {str(error) or type(error).__name__}"),
                fix="Check the network of this machine",
            ) from None
        body = _object(answer)
        if answer.is_success:
            return body
        code, message = _said(body, answer.reason_phrase)
        kind = CarrierKeyRefused if answer.status_code in (401, 403) else CarrierError
        raise kind(
            f"{self._carrier} says no (HTTP {answer.status_code}{f', its code {code}' if code else ''})",
            why=self._safe(message),
            fix="Check that the keys are right and belong to this account"
            if kind is CarrierKeyRefused
            else f"Look the code up at {self._carrier}",
            provider_code=code,
        )

    def _safe(self, text: str) -> str:
        """A text without our secrets, should the far end repeat them."""
        for secret in (self._key,) if isinstance(self._key, str) else self._key[1:]:
            text = text.replace(secret, "***")
        return text[:500]


def _object(answer: Any) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _said(body: dict[str, Any], otherwise: str) -> tuple[str, str]:
    """The code and the words of a refusal, in each carrier's own form."""
    match body:
        case {"errors": [{"code": code, **more}, *_]}:  # Telnyx
            return str(code), str(more.get("detail") or more.get("title") or otherwise)
        case {"code": code, "message": str(message)}:  # Twilio
            return str(code), message
        case {"error-code": code, "error-code-label": str(message)}:  # Vonage, numbers
            return str(code), message
        case {"title": str(title), **more}:  # Vonage, applications: RFC 9457
            return str(more.get("type", "")).rpartition("#")[2], str(more.get("detail") or title)
        case {"error": str(message)} | {"error": {"error": str(message)}}:  # Plivo
            return "", message
    return "", otherwise
