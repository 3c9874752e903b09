"""The messages of one session beside its media: in order out, and what of those that come in is ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from ..transports.base import Transport
from ..wire import messages

KEPT = 1000  # texts that wait for a client that does not read; more are not taken


class Texts:
    """The text side of a connection. A telephone carrier is sent none of it.

    `overheard` is called with each text, for whoever watches a call on this machine (`test-file`);
    `listeners` are called with each text of the client.

    Args:
        answers: by the type of a client's message what is called with it.
    """

    def __init__(self, transport: Transport, answers: Mapping[str, Callable[[dict[str, Any]], None]]) -> None:
        self.overheard: Callable[[str], None] = _nobody
        self.listeners: list[Callable[[str], None]] = []
        self._transport = transport
        self._answers = answers
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    def put(self, text: str) -> None:
        """Queue a text; never waits."""
        self.overheard(text)
        if not self._transport.phone and self._waiting.qsize() < KEPT:
            self._waiting.put_nowait(text)

    async def run(self) -> None:
        """Send them, one after another, for as long as the session lasts."""
        while True:
            await self._transport.send_message(await self._waiting.get())

    async def say_goodbye(self, message: str, reason: str) -> None:
        """Send what still waits, and that the server ends the connection."""
        if self._transport.phone:
            return
        self._waiting.put_nowait(messages.ended(message, reason))
        while not self._waiting.empty():
            await self._transport.send_message(self._waiting.get_nowait())

    def hear(self, text: str) -> None:
        """Take a text from the client: answer `ping` and what is known, echo all else as FastRTC does."""
        for listener in self.listeners:
            listener(text)
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        match said:
            case {"type": "ping"}:
                self.put(messages.pong())
            case {"type": str(kind)} if kind in self._answers:
                self._answers[kind](said)
            case _:
                self.put(messages.log(f"Server received: {text}"))


def _nobody(text: str) -> None:
    """Nobody watches."""
