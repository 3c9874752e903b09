"""The FastPhone service on loopback, as strict as its documented contract."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Registry:
    """Gives one number and a code for each address; what does not fit the contract is in `breaches`.

    Attributes:
        live: the addresses that are registered, with their codes.
        told: what happened, as in `["register 127.0.0.1:80", "unregister 127.0.0.1:80"]`.
        answer: when set, what the next registrations are answered.
        hold: while it is not set, requests wait.
    """

    TOKEN = "hf_canary"

    def __init__(self) -> None:
        self.live: dict[str, str] = {}
        self.told: list[str] = []
        self.breaches: list[str] = []
        self.answer: Response | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.app = Starlette(
            routes=[
                Route("/register", self._register, methods=["POST"]),
                Route("/unregister", self._unregister, methods=["POST"]),
            ]
        )

    async def _register(self, request: Request) -> Response:
        body = await self._body(request, {"url"})
        self.told.append(f"register {body.get('url')}")
        await self.hold.wait()
        if self.answer is not None:
            return self.answer
        if request.headers.get("authorization") != self.TOKEN:
            return JSONResponse({"detail": f"not a token: {request.headers['authorization']}"}, 401)
        if "://" in body["url"] or "/" in body["url"]:
            self.breaches.append(f"an address and not a host: {body['url']}")
        code = f"{100000 + len(self.told)}"
        self.live[body["url"]] = code
        return JSONResponse(
            {"code": code, "phone": "+18775713471", "time_remaining": 599.6, "reset_date": "2026-12-01"}
        )

    async def _unregister(self, request: Request) -> Response:
        body = await self._body(request, {"url", "code"})
        self.told.append(f"unregister {body.get('url')}")
        await self.hold.wait()
        if self.live.pop(body.get("url", ""), None) != body.get("code"):
            self.breaches.append(f"unregistered what was not registered: {body}")
            return JSONResponse({"detail": "unknown"}, 404)
        return JSONResponse({"status": "ok"})

    async def _body(self, request: Request, fields: set[str]) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(await request.body())
        if body.keys() != fields:
            self.breaches.append(f"{request.url.path} with {sorted(body)}")
        if request.headers.get("content-type") != "application/json":
            self.breaches.append("no JSON")
        return body
