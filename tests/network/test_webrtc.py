"""Calls over real WebRTC: DTLS, SRTP, Opus and VP8 on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import Stream
from rtstream.options import KINDS, Modality, Mode
from tests.conftest import run
from tests.helpers.handlers import AsyncAudioVideoEcho, AsyncEcho, Log, tone
from tests.helpers.media import Picture
from tests.helpers.server import answering, until
from tests.helpers.webrtc import caller
from tests.unit.signals import pitch
from tests.unit.signals import tone as sine

pytestmark = pytest.mark.network

BLUE = np.full((120, 160, 3), (255, 0, 0), np.uint8)


def radio() -> Iterator[Any]:
    for number in range(10_000):
        moments = sine(440, 0.02 * (number + 1), 48000)[number * 960 :]
        yield 48000, moments


def show() -> Iterator[Picture]:
    while True:
        yield BLUE


def radio_and_show() -> Iterator[Any]:
    for sound in radio():
        yield sound
        yield BLUE


CELLS: list[Any] = [
    pytest.param(modality, mode, id=f"{modality} {mode}")
    for modality in ("audio", "video", "audio-video")
    for mode in ("send-receive", "receive", "send")
]


def handler_for(modality: Modality, mode: Mode, log: Log) -> Any:
    if mode == "receive":
        return {"audio": radio, "video": show, "audio-video": radio_and_show}[modality]
    if modality == "audio-video":
        return AsyncAudioVideoEcho(log)

    async def answer(frame: Any) -> Any:
        log.frames.append(frame)
        return frame

    return answer


@pytest.mark.parametrize(("modality", "mode"), CELLS)
def test_each_cell_of_mode_and_modality_works_over_webrtc(modality: Modality, mode: Mode) -> None:
    kinds = KINDS[modality]

    async def main() -> None:
        log = Log()
        async with answering(
            Stream(handler_for(modality, mode, log), modality=modality, mode=mode)
        ) as server:
            wanted: dict[str, Any] = {
                "audio": "audio" in kinds,
                "video": "video" in kinds,
                "listens": mode == "receive",
            }
            async with caller(server, **wanted) as client:
                await client.call()
                if "audio" in kinds and mode != "send":
                    assert pitch(await client.hears(0.5), 48000) == pytest.approx(440, abs=10)
                if "video" in kinds and mode != "send":
                    picture = await client.sees()
                    assert picture.shape == (120, 160, 3)
                    assert picture[60, 40, 0] > 200 and picture[60, 40, 2] < 60
                if mode != "receive":
                    await until(lambda: len(log.frames) >= 10)
                session = server.stream.sessions.get(client.id)
            await server.empty()
        assert session.stats.errors == 0, session.errors

    run(main())
