"""A number of Vonage's: led to an application of our own (Vonage, "Application API v2" and "Numbers API")."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from .hook import Hook, Number
from .rest import Rest, keys, not_of_account

APPLICATIONS = "https://api.nexmo.com"
NUMBERS = "https://rest.nexmo.com"


class Vonage(Hook):
    """Keys: VONAGE_API_KEY and VONAGE_API_SECRET. Takes and means the same as `Twilio`.

    `base` stands for both of Vonage's addresses.
    """

    name = "vonage"

    def __init__(self, number: str, path: str, base: str = "") -> None:
        super().__init__()
        pair = keys("Vonage", "VONAGE_API_KEY", "VONAGE_API_SECRET")
        self._applications = Rest("Vonage", base or APPLICATIONS, (pair[0], pair[1]))
        self._numbers = Rest("Vonage", base or NUMBERS, (pair[0], pair[1]))
        self._number = number
        self._path = path
        self._application = ""

    def _lead(self, url: str) -> Number:
        webhook = {"address": url + self._path, "http_method": "POST"}
        settings = {
            "name": f"rtstream {self._number}",
            "capabilities": {"voice": {"webhooks": {"answer_url": webhook}}},
        }
        if self._application:
            self._applications.ask("PUT", f"/v2/applications/{self._application}", json=settings)
            return Number(self._number, self.name)
        before = self._found()
        made = self._applications.ask("POST", "/v2/applications", json=settings)
        self._application = quote(str(made.get("id", "")), safe="")
        path = f"/v2/applications/{self._application}"
        self._undo.append(partial(self._applications.ask, "DELETE", path, last=True))
        self._move(before, {"app_id": self._application})
        self._undo.append(partial(self._restore, before))
        return Number(self._number, self.name)

    def _restore(self, before: dict[str, Any]) -> None:
        if self._found(last=True).get("app_id") != self._application:
            return
        theirs = {name: str(before[name]) for name in ("app_id", *VOICE) if before.get(name)}
        self._move(before, theirs, last=True)  # without an `app_id` the number is led to none

    def _found(self, last: bool = False) -> dict[str, Any]:
        digits = self._number.lstrip("+")
        params = {"pattern": digits, "search_pattern": "0"}  # 0: begins with it
        answer = self._numbers.ask("GET", "/account/numbers", params=params, last=last)
        for found in answer.get("numbers") or []:
            if isinstance(found, dict) and found.get("msisdn") == digits:
                return found
        raise not_of_account(self._number, "Vonage")

    def _move(self, number: dict[str, Any], to: dict[str, str], last: bool = False) -> None:
        """Set where the number leads; what is not said anew is lost, so its messages go along."""
        kept = {name: str(number[name]) for name in KEPT if number.get(name)}
        form = {"country": str(number.get("country", "")), "msisdn": number["msisdn"], **kept, **to}
        self._numbers.ask("POST", "/number/update", data=form, last=last)


KEPT = ("moHttpUrl",)
VOICE = ("voiceCallbackType", "voiceCallbackValue")
