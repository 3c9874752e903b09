"""The turns of a call over every wire, to our own server and to one at an address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rtstream import AdditionalOutputs, ReplyOnPause, Stream
from rtstream.loopback.expected import Expected
from rtstream.loopback.house import House
from rtstream.loopback.interrupting import Interruption
from rtstream.loopback.report import Row
from rtstream.loopback.run import run_file
from rtstream.media.files import Clip
from tests.conftest import SAMPLE
from tests.helpers.media import Sound
from tests.unit.signals import sound

pytestmark = [pytest.mark.network, pytest.mark.timeout(120)]

WIRES = ("websocket", "phone", "webrtc")
STUMBLE = 400.0  # ms that a busy machine and the caller's own jitter buffer may add


def reply(audio: Sound) -> Iterator[Any]:
    yield AdditionalOutputs({"role": "user", "content": "go forward"})
    for _ in range(30):
        yield 24000, sound(400, 0.1, 24000).samples


def call(target: Stream | str, way: str, **more: Any) -> Row:
    """Say the sample, and say it again a second after the reply began."""
    over = Interruption(1.0, Clip.open(SAMPLE))
    expected = Expected(turns=2, max_latency_ms=1000, interrupted_after=1.0)
    (row,) = run_file(target, SAMPLE, [way], interruption=over, expected=expected, **more).rows
    return row


def check(row: Row) -> None:
    assert (row.verdict, row.why) == ("pass", "")
    first, second = row.turns
    late = STUMBLE / 1000  # what is said late, begins late
    assert [first.began, first.ended] == pytest.approx([0.5, 2.28], abs=late)
    assert first.latency_ms is not None and 200 < first.latency_ms < 450 + STUMBLE
    assert first.interrupted and first.silence_ms is not None and 0 < first.silence_ms < 250 + STUMBLE
    assert first.heard == pytest.approx(1.6, abs=0.4)
    assert not second.interrupted and second.heard == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("way", WIRES)
def test_turns_and_an_interruption_are_seen_over_every_wire(way: str) -> None:
    row = call(Stream(ReplyOnPause(reply), modality="audio", verbose=False), way)
    check(row)
    assert row.outputs == [[{"role": "user", "content": "go forward"}]] * 2


@pytest.mark.parametrize("way", WIRES)
def test_at_an_address_they_are_seen_by_its_messages_and_on_the_telephone_by_ear(way: str) -> None:
    with House(Stream(ReplyOnPause(reply), modality="audio", verbose=False)) as house:
        row = call(house.url, way)
    check(row)
    assert row.outputs == []


def test_an_echo_at_an_address_takes_no_turns(speech: Path) -> None:
    async def echo(audio: Sound) -> Sound:
        return audio

    with House(Stream(echo, modality="audio", verbose=False)) as house:
        report = run_file(house.url, speech, ["phone", "websocket"], linger=0.4)
    assert [(row.verdict, row.turns) for row in report.rows] == [("pass", []), ("pass", [])]
