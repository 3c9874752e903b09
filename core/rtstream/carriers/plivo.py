"""A number of Plivo's: led to an application of our own (Plivo, "Application" and "Account phone number")."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from ..errors import CarrierError
from .hook import Hook, Number
from .rest import Rest, keys, not_of_account

API = "https://api.plivo.com"


class Plivo(Hook):
    """Keys: PLIVO_AUTH_ID and PLIVO_AUTH_TOKEN. Takes and means the same as `Twilio`."""

    name = "plivo"

    def __init__(self, number: str, path: str, base: str = "") -> None:
        super().__init__()
        id, token = keys("Plivo", "PLIVO_AUTH_ID", "PLIVO_AUTH_TOKEN")
        self._account = f"/v1/Account/{quote(id, safe='')}"
        self._rest = Rest("Plivo", base or API, (id, token))
        self._number = number
        self._path = path
        self._application = ""

    @property
    def _own(self) -> str:
        return f"{self._account}/Number/{quote(self._number.lstrip('+'), safe='')}/"

    def _lead(self, url: str) -> Number:
        settings = {"answer_url": url + self._path, "answer_method": "POST"}
        if self._application:
            self._rest.ask("POST", f"{self._account}/Application/{self._application}/", json=settings)
            return Number(self._number, self.name)
        before = self._linked()
        name = f"rtstream {self._number.lstrip('+')}"
        made = self._rest.ask("POST", f"{self._account}/Application/", json={"app_name": name, **settings})
        self._application = quote(_id(made.get("app_id")), safe="")
        self._undo.append(partial(self._delete, f"{self._account}/Application/{self._application}/"))
        self._rest.ask("POST", self._own, json={"app_id": self._application})
        self._undo.append(partial(self._restore, before))
        return Number(self._number, self.name)

    def _delete(self, path: str) -> None:
        # Numbers that are still led to it are not to follow a default application's call.
        self._rest.ask("DELETE", path, json={"cascade": False}, last=True)

    def _restore(self, before: str) -> None:
        if self._linked(last=True) == self._application:
            self._rest.ask("POST", self._own, json={"app_id": before}, last=True)

    def _linked(self, last: bool = False) -> str:
        """The application that the number is led to; "" for none."""
        try:
            answer = self._rest.ask("GET", self._own, last=last)
        except CarrierError as error:
            if "HTTP 404" in error.what:
                raise not_of_account(self._number, "Plivo", error.why) from None
            raise
        return _id(answer.get("application"))


def _id(application: Any) -> str:
    """The id of an application, which Plivo gives alone or as a path: `/v1/Account/…/Application/123/`."""
    return str(application or "").rstrip("/").rpartition("/")[2]
