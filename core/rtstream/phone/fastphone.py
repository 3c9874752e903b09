"""The FastPhone service of FastRTC: a number and a code for whoever registers an address."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..carriers.hook import Hook, Number
from ..carriers.rest import ASK_SECONDS, UNDO_SECONDS
from ..errors import CarrierError, CarrierKeyRefused, QuotaSpent, RtstreamError
from ..tunnels.frpc import hugging_face_home

if TYPE_CHECKING:
    import httpx

VARIABLE = "RTSTREAM_FASTPHONE_URL"
ADDRESSES = "https://api.fastrtc.org,https://fastrtc-fastphone.hf.space"


class FastPhone(Hook):
    """Registers the public address of a stream that is mounted at the root of its server.

    The wire is FastRTC's: `POST /register {"url": host}`, answered with `code`, `phone`,
    `time_remaining` (seconds) and `reset_date`, or with 202 when the minutes are used up;
    `POST /unregister {"url": host, "code": code}`; the Hugging Face token as the whole of
    `Authorization`.

    Args:
        token: of Hugging Face; else HF_TOKEN, or the file of `hf auth login`.
        addresses: of the service, with commas between: a later one is asked when the first is away.
            Else RTSTREAM_FASTPHONE_URL, or FastRTC's two.
    """

    name = "fastphone"
    foreign = True

    def __init__(self, token: str | None = None, addresses: str = "") -> None:
        super().__init__()
        self._token = (token or hugging_face_token()).strip()
        given = addresses or os.environ.get(VARIABLE, "") or ADDRESSES
        self._bases = [one.strip().rstrip("/") for one in given.split(",") if one.strip()] or [given]
        if not self._token:
            raise CarrierKeyRefused(
                "FastPhone needs a token of Hugging Face, and there is none",
                why="neither HF_TOKEN nor the file of `hf auth login` has one",
                fix="Make one at huggingface.co/settings/tokens and set HF_TOKEN",
            )

    def _lead(self, url: str) -> Number:
        host = urlsplit(url).netloc
        while self._undo:  # the old address goes first: nobody is to reach it any more
            undo = self._undo.pop()
            try:
                undo()
            except CarrierError:
                pass  # the service forgets it by itself in time
        base, told = self._registered(host)
        code, left = str(told["code"]), told.get("time_remaining")
        self._undo.append(partial(self._unregister, base, host, code))
        return Number(
            str(told["phone"]),
            self.name,
            code,
            float(left) if isinstance(left, int | float) else None,
            str(told.get("reset_date") or ""),
        )

    def _registered(self, host: str) -> tuple[str, dict[str, Any]]:
        """The answer of the first address that gives one, and that address."""
        reasons: list[str] = []
        refused = CarrierError("FastPhone gave no number")
        for base in self._bases:
            try:
                return base, self._register(base, host)
            except (QuotaSpent, CarrierKeyRefused):
                raise  # these are answers, and another address would give the same
            except CarrierError as error:
                reasons.append(f"{urlsplit(base).netloc}: {error.why or error.what}")
                refused = error
        refused.what, refused.why = "FastPhone gave no number", "; ".join(reasons)
        refused.fix = "Try again later, or use a number of your own: --provider twilio"
        raise refused

    def _register(self, base: str, host: str) -> dict[str, Any]:
        answer = self._post(base, "/register", {"url": host}, ASK_SECONDS)
        if answer.status_code == 202:
            raise QuotaSpent(
                "the minutes of FastPhone are used up",
                why=_words(answer) or "the service answered 202",
                fix="Wait for the next month, or use a number of your own: --provider twilio",
            )
        told = _json(answer)
        if isinstance(told, dict) and told.get("code") and told.get("phone"):
            return told
        raise CarrierError("FastPhone answered something else", why="no code and no phone in its answer")

    def _unregister(self, base: str, host: str, code: str) -> None:
        self._post(base, "/unregister", {"url": host, "code": code}, UNDO_SECONDS)

    def _post(self, base: str, path: str, body: dict[str, str], seconds: float) -> httpx.Response:
        import httpx

        headers = {"Authorization": self._token}
        try:
            answer = httpx.post(base + path, json=body, headers=headers, timeout=seconds)
        except httpx.HTTPError as error:
            why = f"{type(error).__name__}: {error}".replace(self._token, "***")
            raise CarrierError("FastPhone cannot be reached", why=why, fix="Check the network") from None
        if answer.is_success:
            return answer
        status, said = answer.status_code, _words(answer).replace(self._token, "***")
        if status in (401, 403):
            raise _refused(
                CarrierKeyRefused,
                answer,
                "FastPhone does not take the token",
                f"HTTP {status}{f': {said}' if said else ''}",
                "Make another one at huggingface.co/settings/tokens and set HF_TOKEN",
            )
        raise _refused(
            CarrierError, answer, "FastPhone says no", f"HTTP {status}{f': {said}' if said else ''}", ""
        )


def hugging_face_token() -> str:
    """The token that Hugging Face's own libraries would find; "" for none."""
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := os.environ.get(variable, "").strip():
            return token
    path = os.environ.get("HF_TOKEN_PATH") or str(hugging_face_home() / "token")
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _refused(kind: type[CarrierError], answer: httpx.Response, what: str, why: str, fix: str) -> CarrierError:
    """An error that is also the `httpx.HTTPStatusError` which FastRTC raises."""
    import httpx

    class Refused(httpx.HTTPStatusError, kind):  # type: ignore[misc, valid-type]
        pass

    Refused.__name__ = Refused.__qualname__ = kind.__name__
    error = Refused(what, request=answer.request, response=answer)
    assert isinstance(error, RtstreamError)
    error.why, error.fix = why, fix
    del answer.request.headers["Authorization"]  # whoever looks at the error is not to find the token
    return error


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _words(answer: httpx.Response) -> str:
    """What an answer says to a person."""
    match _json(answer):
        case {"detail": str(said)} | {"message": str(said)} | {"error": str(said)}:
            return said[:300]
        case None:
            return answer.text.strip()[:300]
    return ""
