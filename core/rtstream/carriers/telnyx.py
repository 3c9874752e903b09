"""A number of Telnyx's: led to a TeXML application of our own (Telnyx API v2, "TeXML Applications")."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from .hook import Hook, Number
from .rest import Rest, keys, not_of_account

API = "https://api.telnyx.com"


class Telnyx(Hook):
    """Keys: TELNYX_API_KEY. Takes and means the same as `Twilio`.

    A number has no webhook of its own but belongs to a connection, which others may share. So it is
    moved to an application that is made for it, and at the end back again.
    """

    name = "telnyx"

    def __init__(self, number: str, path: str, base: str = "") -> None:
        super().__init__()
        (key,) = keys("Telnyx", "TELNYX_API_KEY")
        self._rest = Rest("Telnyx", base or API, key)
        self._number = number
        self._path = path
        self._application = ""

    def _lead(self, url: str) -> Number:
        settings = {
            "friendly_name": f"rtstream {self._number}",
            "voice_url": url + self._path,
            "voice_method": "post",
        }
        if self._application:
            self._rest.ask("PATCH", self._application, json=settings)
            return Number(self._number, self.name)
        before = self._found()
        made = self._rest.ask("POST", "/v2/texml_applications", json=settings)
        id = str(made.get("data", {}).get("id", ""))
        self._application = f"/v2/texml_applications/{quote(id, safe='')}"
        self._undo.append(partial(self._rest.ask, "DELETE", self._application, last=True))
        self._move(before["id"], id)
        self._undo.append(partial(self._restore, str(before.get("connection_id") or ""), id))
        return Number(self._number, self.name)

    def _restore(self, connection: str, ours: str) -> None:
        now = self._found(last=True)
        if str(now.get("connection_id")) == ours:
            self._move(now["id"], connection, last=True)

    def _found(self, last: bool = False) -> dict[str, Any]:
        answer = self._rest.ask(
            "GET", "/v2/phone_numbers", params={"filter[phone_number]": self._number}, last=last
        )
        for found in answer.get("data") or []:
            if isinstance(found, dict) and found.get("phone_number") == self._number and found.get("id"):
                return found
        raise not_of_account(self._number, "Telnyx")

    def _move(self, number: str, connection: str, last: bool = False) -> None:
        path = f"/v2/phone_numbers/{quote(str(number), safe='')}"
        self._rest.ask("PATCH", path, json={"connection_id": connection}, last=last)
