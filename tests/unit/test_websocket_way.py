"""The way through the app: what is said behind a message that has to wait, and to a far end that has gone."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.websockets import WebSocket

from rtstream.clock import run_stepped
from rtstream.transports.websocket_way import Way


class Server:
    """Takes no message before `reads` is set; `lost` is whether it then finds that the far end has gone."""

    def __init__(self) -> None:
        self.reads, self.lost = asyncio.Event(), False
        self.taken: list[Any] = []

    async def receive(self) -> Any:
        return {"type": "websocket.connect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.accept":
            return
        await self.reads.wait()
        if self.lost:
            raise OSError("it has gone")
        self.taken.append(message.get("text") or message.get("bytes") or message["type"])

    async def way(self) -> Way:
        websocket = WebSocket({"type": "websocket", "headers": []}, self.receive, self.send)
        await websocket.accept()
        return Way(websocket)


def test_messages_leave_one_behind_the_other_where_the_first_has_to_wait() -> None:
    async def main() -> None:
        server = Server()
        way = await server.way()
        way.send("first")
        way.send(b"second")
        room = way.room()
        assert room is not None and way.room() is None, "one who has sent waits, and nobody else"
        asyncio.get_running_loop().call_later(1, server.reads.set)
        await room
        assert server.taken == ["first", b"second"]
        way.send("third")
        assert way.room() is None and server.taken[2:] == ["third"], "what need not wait is sent at once"

    run_stepped(main())


def test_to_a_far_end_that_has_gone_nothing_is_said() -> None:
    async def main() -> None:
        server = Server()
        way = await server.way()
        server.lost = True
        server.reads.set()
        way.send("lost")
        server.lost = False
        way.send("after it")
        assert way.room() is None
        await way.close(1000, "")
        assert server.taken == []

    run_stepped(main())
