"""Runs a server file's `app` under uvicorn, in whichever interpreter the peer lives.

It keeps ICE on 127.0.0.1, which aioice would leave out, and adds one route, `GET /leftovers`: how many
tasks and threads there are once garbage is collected.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

SERVERS = Path(__file__).resolve().parent.parent / "servers"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SERVERS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def keep_ice_on_loopback() -> None:
    from aioice import ice

    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


def with_leftovers(app: Any) -> Any:
    async def outer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/leftovers":
            return await app(scope, receive, send)
        gc.collect()
        body = json.dumps({"tasks": len(asyncio.all_tasks()), "threads": threading.active_count()}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return outer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", help="the name of a file in servers/, without .py")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], default="asyncio")
    args = parser.parse_args()
    keep_ice_on_loopback()
    app = with_leftovers(load(args.app))

    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=args.port, loop=args.loop, log_level="warning")


if __name__ == "__main__":
    main()
