"""The REST APIs of the carriers on loopback, as strict as their documentation."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NUMBER = "+14155550100"
KEYS = {
    "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "twilio-canary",
    "TELNYX_API_KEY": "telnyx-canary",
    "PLIVO_AUTH_ID": "MA" + "2" * 18,
    "PLIVO_AUTH_TOKEN": "plivo-canary",
    "VONAGE_API_KEY": "abcd1234",
    "VONAGE_API_SECRET": "vonage-canary",
}


class CarrierApi:
    """What one carrier's API shares with the others: who may, what was asked, and what does not fit.

    Attributes:
        asked: method and path of each request.
        fail: paths (their beginning) whose requests are answered with this carrier's refusal.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fail: str | None = None
        methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=methods)])

    async def _take(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(f"{request.method} {path}")
        if not self.may(request.headers):
            return self.stranger()
        if self.fail and f"{request.method} {path}".startswith(self.fail):
            return self.refusal()
        raw = (await request.body()).decode()
        if request.headers.get("content-type", "").startswith("application/json"):
            body = json.loads(raw) if raw else {}
        else:
            body = dict(parse_qsl(raw, keep_blank_values=True))
        return self.answer(request.method, path, dict(request.query_params), body)

    def may(self, headers: Mapping[str, str]) -> bool:
        raise NotImplementedError

    def stranger(self) -> Response:
        raise NotImplementedError

    def refusal(self) -> Response:
        raise NotImplementedError

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        raise NotImplementedError

    @property
    def leads_to(self) -> str:
        """The webhook that a call to the number goes to now, with its method before it."""
        raise NotImplementedError

    @property
    def before(self) -> Any:
        """All that is kept about the number and its applications."""
        raise NotImplementedError

    def lead_away(self) -> None:
        """Somebody else leads the number elsewhere."""
        raise NotImplementedError


def basic(headers: Mapping[str, str], user: str, password: str) -> bool:
    expected = base64.b64encode(f"{user}:{password}".encode()).decode()
    return headers.get("authorization") == f"Basic {expected}"


class TwilioApi(CarrierApi):
    """Twilio, "IncomingPhoneNumbers resource"; errors as in "Twilio's response: exceptions"."""

    def __init__(self) -> None:
        super().__init__()
        self.number = {
            "sid": "PN" + "3" * 32,
            "phone_number": NUMBER,
            "voice_url": "https://theirs.example.org/voice",
            "voice_method": "GET",
            "voice_application_sid": "AP" + "4" * 32,
        }

    def may(self, headers: Mapping[str, str]) -> bool:
        return basic(headers, KEYS["TWILIO_ACCOUNT_SID"], KEYS["TWILIO_AUTH_TOKEN"])

    def stranger(self) -> Response:
        return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, 401)

    def refusal(self) -> Response:
        return JSONResponse({"code": 21402, "message": "VoiceUrl is not valid", "status": 400}, 400)

    def lead_away(self) -> None:
        self.number["voice_url"] = "https://others.example.org"

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        root = f"/2010-04-01/Accounts/{KEYS['TWILIO_ACCOUNT_SID']}/IncomingPhoneNumbers"
        if method == "GET" and path == root + ".json":
            found = [self.number] if query.get("PhoneNumber") == NUMBER else []
            return JSONResponse({"incoming_phone_numbers": found})
        if method == "POST" and path == f"{root}/{self.number['sid']}.json":
            for name, field in (
                ("VoiceUrl", "voice_url"),
                ("VoiceMethod", "voice_method"),
                ("VoiceApplicationSid", "voice_application_sid"),
            ):
                if name in body:
                    self.number[field] = body[name]
            return JSONResponse(self.number)
        return JSONResponse({"code": 20404, "message": "not found", "status": 404}, 404)

    @property
    def leads_to(self) -> str:
        if self.number["voice_application_sid"]:
            return "the application"
        return f"{self.number['voice_method']} {self.number['voice_url']}"

    @property
    def before(self) -> Any:
        return dict(self.number)


class TelnyxApi(CarrierApi):
    """Telnyx API v2, "Phone numbers" and "TeXML applications"."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = "1001"
        self.applications: dict[str, dict[str, Any]] = {
            "1001": {"voice_url": "https://theirs.example.org", "voice_method": "get"}
        }

    def may(self, headers: Mapping[str, str]) -> bool:
        return headers.get("authorization") == f"Bearer {KEYS['TELNYX_API_KEY']}"

    def stranger(self) -> Response:
        return JSONResponse({"errors": [{"code": "10009", "title": "Authentication failed"}]}, 401)

    def refusal(self) -> Response:
        error = {"code": "10015", "title": "Bad", "detail": "The voice_url is not valid"}
        return JSONResponse({"errors": [error]}, 422)

    def lead_away(self) -> None:
        self.connection = "1001"

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        if (method, path) == ("GET", "/v2/phone_numbers"):
            number = {"id": "77", "phone_number": NUMBER, "connection_id": self.connection}
            return JSONResponse({"data": [number] if query.get("filter[phone_number]") == NUMBER else []})
        if (method, path) == ("PATCH", "/v2/phone_numbers/77"):
            assert body["connection_id"] in ("", *self.applications)
            self.connection = body["connection_id"]
            return JSONResponse({"data": {"id": "77", "connection_id": self.connection}})
        if (method, path) == ("POST", "/v2/texml_applications"):
            assert body["friendly_name"] and body["voice_url"]
            self.applications["2002"] = body
            return JSONResponse({"data": {"id": "2002", **body}}, 201)
        id = path.removeprefix("/v2/texml_applications/")
        if id not in self.applications:
            return JSONResponse({"errors": [{"code": "10005", "title": "Resource not found"}]}, 404)
        if method == "DELETE":
            assert self.connection != id, "an application is deleted while its number is led to it"
            return JSONResponse({"data": self.applications.pop(id)})
        self.applications[id] |= body
        return JSONResponse({"data": self.applications[id]})

    @property
    def leads_to(self) -> str:
        one = self.applications[self.connection]
        return f"{one['voice_method'].upper()} {one['voice_url']}"

    @property
    def before(self) -> Any:
        return self.connection, dict(self.applications)


class PlivoApi(CarrierApi):
    """Plivo, "Account phone number" and "Application"."""

    def __init__(self) -> None:
        super().__init__()
        self.linked = "501"
        self.applications: dict[str, dict[str, Any]] = {
            "501": {"answer_url": "https://theirs.example.org", "answer_method": "GET"}
        }

    def may(self, headers: Mapping[str, str]) -> bool:
        return basic(headers, KEYS["PLIVO_AUTH_ID"], KEYS["PLIVO_AUTH_TOKEN"])

    def stranger(self) -> Response:
        return Response("Could not verify your access level for that URL.", 401)

    def refusal(self) -> Response:
        return JSONResponse({"api_id": "x", "error": "answer_url parameter is not valid"}, 400)

    def lead_away(self) -> None:
        self.linked = "501"

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        account = f"/v1/Account/{KEYS['PLIVO_AUTH_ID']}"
        if path == f"{account}/Number/{NUMBER[1:]}/":
            if method == "POST":
                assert body["app_id"] in ("", *self.applications)
                self.linked = body["app_id"]
                return JSONResponse({"api_id": "x", "message": "changed"}, 202)
            link = f"{account}/Application/{self.linked}/" if self.linked else None
            return JSONResponse({"api_id": "x", "number": NUMBER[1:], "application": link})
        if (method, path) == ("POST", f"{account}/Application/"):
            assert body["app_name"].replace(" ", "").isalnum() and body["answer_url"]
            self.applications["602"] = body
            return JSONResponse({"api_id": "x", "message": "created", "app_id": "602"}, 201)
        id = path.removeprefix(f"{account}/Application/").rstrip("/")
        if id not in self.applications:
            return JSONResponse({"api_id": "x", "error": "not found"}, 404)
        if method == "DELETE":
            assert self.linked != id, "an application is deleted while its number is led to it"
            del self.applications[id]
            return Response(status_code=204)
        self.applications[id] |= body
        return JSONResponse({"api_id": "x", "message": "changed"}, 202)

    @property
    def leads_to(self) -> str:
        one = self.applications[self.linked]
        return f"{one['answer_method']} {one['answer_url']}"

    @property
    def before(self) -> Any:
        return self.linked, dict(self.applications)


class VonageApi(CarrierApi):
    """Vonage, "Numbers API" and "Application API v2"."""

    def __init__(self) -> None:
        super().__init__()
        self.number: dict[str, Any] = {
            "country": "US",
            "msisdn": NUMBER[1:],
            "moHttpUrl": "https://theirs.example.org/sms",
            "app_id": "aaaa-1",
        }
        self.applications: dict[str, Any] = {"aaaa-1": {"name": "theirs", "capabilities": {}}}

    def may(self, headers: Mapping[str, str]) -> bool:
        return basic(headers, KEYS["VONAGE_API_KEY"], KEYS["VONAGE_API_SECRET"])

    def stranger(self) -> Response:
        return JSONResponse({"error-code": "401", "error-code-label": "authentication failed"}, 401)

    def refusal(self) -> Response:
        kind = "https://developer.vonage.com/api-errors#invalid-json"
        return JSONResponse({"type": kind, "title": "Bad", "detail": "The answer_url is not valid"}, 400)

    def lead_away(self) -> None:
        self.number["app_id"] = "aaaa-1"

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Response:
        if (method, path) == ("GET", "/account/numbers"):
            found = [self.number] if NUMBER[1:].startswith(query["pattern"]) else []
            return JSONResponse({"count": len(found), "numbers": found})
        if (method, path) == ("POST", "/number/update"):
            assert (body.pop("country"), body.pop("msisdn")) == ("US", NUMBER[1:])
            assert body.get("app_id", "") in ("", *self.applications)
            self.number = {"country": "US", "msisdn": NUMBER[1:], **body}  # what is not said is lost
            return JSONResponse({"error-code": "200", "error-code-label": "success"})
        if (method, path) == ("POST", "/v2/applications"):
            self.applications["bbbb-2"] = body
            return JSONResponse({"id": "bbbb-2", **body}, 201)
        id = path.removeprefix("/v2/applications/")
        if id not in self.applications:
            return JSONResponse({"title": "Not found", "detail": "no such application"}, 404)
        if method == "DELETE":
            assert self.number.get("app_id") != id, "an application is deleted while its number is led to it"
            del self.applications[id]
            return Response(status_code=204)
        self.applications[id] = body
        return JSONResponse({"id": id, **body})

    @property
    def leads_to(self) -> str:
        voice = self.applications[self.number["app_id"]]["capabilities"]["voice"]["webhooks"]
        return f"{voice['answer_url']['http_method']} {voice['answer_url']['address']}"

    @property
    def before(self) -> Any:
        return dict(self.number), dict(self.applications)


APIS: dict[str, type[CarrierApi]] = {
    "twilio": TwilioApi,
    "telnyx": TelnyxApi,
    "plivo": PlivoApi,
    "vonage": VonageApi,
}
