"""Calls of all carriers on one route: each in its own dialect, sent nothing that is not of it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from rtstream import AsyncStreamHandler, CloseStream, Dtmf, Stream, get_current_context, wait_for_item
from rtstream.context import Call
from rtstream.media.dtmf import Detector
from rtstream.media.frames import AudioFrame
from rtstream.media.g711 import ulaw_decode
from tests.conftest import run
from tests.helpers.carriers import CARRIERS, EXOTEL, PARAMETERS, PLIVO, VONAGE, Carrier
from tests.helpers.handlers import AsyncEcho, Interrupted, tone
from tests.helpers.server import mounted, serving, until
from tests.helpers.sockets import spoken_to
from tests.unit.signals import pitch
from tests.unit.signals import tone as sine

pytestmark = pytest.mark.network

EACH = pytest.mark.parametrize("carrier", CARRIERS, ids=[carrier.name for carrier in CARRIERS])
EVENTS = {  # all that a server may send, as each carrier documents it
    "twilio": {"media", "mark", "clear"},
    "telnyx": {"media", "mark", "clear"},
    "plivo": {"playAudio", "checkpoint", "clearAudio", "sendDTMF"},
    "vonage": {"notify", "clear"},
    "exotel": {"media", "mark", "clear"},
}


class Line:
    """A carrier's end of a socket: what it is sent lies in `said`."""

    def __init__(self, socket: ClientConnection, carrier: Carrier) -> None:
        self.socket = socket
        self.carrier = carrier
        self.said: list[dict[str, Any] | bytes] = []
        self.reading = asyncio.create_task(self._read())

    async def open(self) -> None:
        for text in self.carrier.texts:
            await self.socket.send(text)

    async def say(self, seconds: float) -> None:
        """Send a sine of 440 Hz in real time."""
        whole, loop = sine(440, seconds, 8000), asyncio.get_running_loop()
        begun = loop.time()
        for number in range(whole.size // 160):
            await asyncio.sleep(max(0.0, begun + number * 0.02 - loop.time()))
            await self.socket.send(self.carrier.sound(whole[number * 160 : (number + 1) * 160]))

    @property
    def events(self) -> list[str]:
        """The messages that are not bare sound, by name."""
        return [str(each.get("event") or each.get("action")) for each in self.said if isinstance(each, dict)]

    @property
    def sound(self) -> NDArray[np.int16]:
        """All sound that came."""
        parts = [self._samples(each) for each in self.said]
        return np.concatenate([np.zeros(0, np.int16), *parts])

    def _samples(self, said: dict[str, Any] | bytes) -> NDArray[np.int16]:
        if isinstance(said, bytes):
            return np.frombuffer(said, "<i2")
        if "payload" not in said.get("media", {}):
            return np.zeros(0, np.int16)
        coded = b64decode(said["media"]["payload"])
        if self.carrier is EXOTEL:
            assert len(coded) % 320 == 0 and len(coded) >= 1600
            return np.frombuffer(coded, "<i2")
        return ulaw_decode(coded)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for said in self.socket:
                self.said.append(said if isinstance(said, bytes) else json.loads(said))


class Dialled:
    """A carrier that has called a server: use as a context."""

    def __init__(self, server: Any, carrier: Carrier) -> None:
        self._dial = server.dial("/telephone/handler")
        self._carrier = carrier

    async def __aenter__(self) -> Line:
        self.line = Line(await self._dial, self._carrier)
        await self.line.open()
        return self.line

    async def __aexit__(self, *_: object) -> None:
        await self.line.socket.close()
        await self.line.reading
        assert set(self.line.events) <= EVENTS[self._carrier.name]


@EACH
def test_an_echo_comes_back_in_the_carriers_own_dialect(carrier: Carrier) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        async with serving(stream) as server:
            async with Dialled(server, carrier) as line:
                await line.say(0.6)
                await until(lambda: line.sound.size >= 3200)
                assert pitch(line.sound[800:], 8000) == pytest.approx(440, abs=6)
                if carrier.stop is not None:
                    await line.socket.send(json.dumps(carrier.stop))
                    await line.socket.wait_closed()
            await server.empty()

    run(main())


class Notes(AsyncStreamHandler):
    """Notes the call and its keys."""

    calls: list[Call | None] = []
    keys: list[str] = []

    async def start_up(self) -> None:
        Notes.calls.append(get_current_context().call)

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        await asyncio.sleep(1)

    async def on_dtmf(self, digit: str) -> Any:
        Notes.keys.append(digit)
        return (tone(3000, seconds=0.1), Dtmf("5")) if digit == "1" else CloseStream()


@EACH
def test_keys_and_numbers_reach_the_handler_which_presses_keys_and_hangs_up(carrier: Carrier) -> None:
    async def main() -> None:
        Notes.calls, Notes.keys = [], []
        async with serving(Stream(Notes(), modality="audio")) as server:
            async with Dialled(server, carrier) as line:
                await line.socket.send(json.dumps(carrier.key))
                if carrier is PLIVO:
                    await until(lambda: {"event": "sendDTMF", "dtmf": "5"} in line.said)
                else:
                    await until(lambda: line.sound.size >= 800 + 1600)
                    sound = np.concatenate([line.sound, np.zeros(800, np.int16)])
                    assert Detector().push(AudioFrame(sound[None], 8000)) == "5"
                await line.socket.send(json.dumps(carrier.key).replace('"digit": "1"', '"digit": "#"'))
                await line.socket.wait_closed()
                assert line.socket.close_code == 1000
            await server.empty()
        assert Notes.keys == ["1", "#"]
        assert Notes.calls == [
            Call(carrier.name, carrier.call_id, carrier.caller, carrier.callee, PARAMETERS)
        ]

    run(main())


@EACH
def test_an_interruption_clears_what_the_carrier_holds_before_any_new_sound(carrier: Carrier) -> None:
    async def main() -> None:
        async with serving(Stream(Interrupted(), modality="audio")) as server:
            async with Dialled(server, carrier) as line:
                await until(lambda: line.sound.size >= 1600)
                await line.socket.send(carrier.sound(np.zeros(160, np.int16)))
                await until(lambda: line.sound[-1] < 0)
                clear = next(
                    at
                    for at, said in enumerate(line.said)
                    if isinstance(said, dict) and "clear" in str(said.get("event") or said.get("action"))
                )
                before = np.concatenate([line._samples(said) for said in line.said[:clear]])
                after = np.concatenate([line._samples(said) for said in line.said[clear:]])
                assert (before > 0).all() and (after <= 0).all()

    run(main())


@EACH
@pytest.mark.parametrize("late", [False, True])
def test_hostile_input_closes_the_socket_without_a_foreign_word(carrier: Carrier, late: bool) -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        hostile: list[str | bytes] = ["no json", "{}", "[]", '{"event": 7}', "x" * 70_000]
        hostile.append(b"\x00" * 70_000 if carrier is VONAGE else b"\x00")
        if carrier is VONAGE:
            hostile.append(b"\x00")
        for said in hostile:
            closed = await spoken_to(
                mounted(stream), "/telephone/handler", [*(carrier.texts if late else []), said]
            )
            assert closed.code == (1009 if len(said) > 65_536 else 1003)
            assert closed.said == []
            assert len(stream.sessions) == 0

    run(main())


def test_a_stranger_to_all_carriers_is_told_in_the_log_and_closed() -> None:
    async def main() -> None:
        stream = Stream(AsyncEcho(), modality="audio")
        closed = await spoken_to(mounted(stream), "/telephone/handler", ['{"event": "start", "id": "x"}'])
        assert (closed.code, closed.reason) == (1003, "invalid_message")

    run(main())


def test_a_hundred_keys_at_once_are_all_heard() -> None:
    async def main() -> None:
        keys: asyncio.Queue[str | None] = asyncio.Queue()
        stream = Stream(lambda frame: None, modality="audio", on_dtmf=keys.put_nowait)
        async with serving(stream) as server, Dialled(server, CARRIERS[0]) as line:
            for _ in range(50):
                await line.socket.send(json.dumps(CARRIERS[0].key))
            assert [await wait_for_item(keys, 5) for _ in range(50)] == ["1"] * 50

    run(main())
