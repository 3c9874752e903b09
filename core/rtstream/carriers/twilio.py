"""A number of Twilio's: its voice webhook is pointed at us (Twilio, "IncomingPhoneNumbers resource")."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from .hook import Hook, Number
from .rest import Rest, keys, not_of_account

API = "https://api.twilio.com"


class Twilio(Hook):
    """Keys: TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.

    Args:
        number: in the international form, `+14155550100`.
        path: of the webhook.
        base: another address of the API.
    """

    name = "twilio"

    def __init__(self, number: str, path: str, base: str = "") -> None:
        super().__init__()
        sid, token = keys("Twilio", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
        self._numbers = f"/2010-04-01/Accounts/{quote(sid, safe='')}/IncomingPhoneNumbers"
        self._rest = Rest("Twilio", base or API, (sid, token))
        self._number = number
        self._path = path
        self._ours: set[str] = set()  # the webhooks that were set here

    def _lead(self, url: str) -> Number:
        before = self._found()
        webhook = url + self._path
        self._ours.add(webhook)
        # A number with an application takes that one's webhook, and its own only without.
        ours = {"VoiceUrl": webhook, "VoiceMethod": "POST", "VoiceApplicationSid": ""}
        if not self._undo:  # before it is set: the answer could be lost on its way
            theirs = {
                "VoiceUrl": before.get("voice_url") or "",
                "VoiceMethod": before.get("voice_method") or "POST",
                "VoiceApplicationSid": before.get("voice_application_sid") or "",
            }
            self._undo.append(partial(self._restore, theirs))
        self._set(before, ours)
        return Number(self._number, self.name)

    def _restore(self, theirs: dict[str, str]) -> None:
        now = self._found(last=True)
        if now.get("voice_url") in self._ours:  # else somebody has pointed it elsewhere meanwhile
            self._set(now, theirs, last=True)

    def _found(self, last: bool = False) -> dict[str, Any]:
        answer = self._rest.ask(
            "GET", self._numbers + ".json", params={"PhoneNumber": self._number}, last=last
        )
        for found in answer.get("incoming_phone_numbers") or []:
            if isinstance(found, dict) and isinstance(found.get("sid"), str):
                return found
        raise not_of_account(self._number, "Twilio")

    def _set(self, number: dict[str, Any], form: dict[str, str], last: bool = False) -> None:
        path = f"{self._numbers}/{quote(number['sid'], safe='')}.json"
        self._rest.ask("POST", path, data=form, last=last)
