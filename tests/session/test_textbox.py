"""Text and speech in one conversation: what a reply is given in the textbox variant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np

from rtstream import AdditionalOutputs, Stream, UIArgs, WebRTCData
from rtstream.clock import Clock
from rtstream.transports.memory import MemoryTransport
from tests.helpers.dialogs import made, silence, talk
from tests.helpers.recordings import go_forward

ONE = np.concatenate([silence(0.5), go_forward().samples, silence(1.5)])
TEXTBOX = UIArgs(variant="textbox")


class Reply:
    """Notes what it is given: the id, the text, the seconds of sound, and the rest."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def __call__(self, data: WebRTCData, history: str = "none") -> Iterator[Any]:
        assert data.audio is not None
        rate, samples = data.audio
        self.given.append((data.webrtc_id, data.textbox, round(samples.size / rate), history))
        yield AdditionalOutputs(data.textbox)


async def types(stream: Stream, text: str, *inputs: Any) -> None:
    stream.set_input("dialog", WebRTCData("dialog", text), *inputs)
    stream.handlers["dialog"].trigger_response()  # type: ignore[attr-defined]
    await Clock().sleep(0.5)


def test_a_text_that_was_sent_is_answered_at_once_and_has_no_sound() -> None:
    reply = Reply()

    async def page(stream: Stream, _: MemoryTransport) -> None:
        await types(stream, "hello", "history 1")
        await types(stream, "again", "history 2")

    talk(made(reply), silence(0.1), meanwhile=page, mode="send", ui_args=TEXTBOX)
    assert reply.given == [("dialog", "hello", 0, "history 1"), ("dialog", "again", 0, "history 2")]


def test_a_spoken_turn_has_its_sound_and_no_text() -> None:
    reply = Reply()
    talk(made(reply), ONE, mode="send", ui_args=TEXTBOX)
    assert reply.given == [("dialog", "", 2, "none")]


def test_a_text_is_given_to_one_turn_only() -> None:
    """A client that answers no `send_input` has sent its text once and for all."""
    reply = Reply()

    async def page(stream: Stream, _: MemoryTransport) -> None:
        await types(stream, "hello", "history")

    talk(made(reply), ONE, meanwhile=page, mode="send", ui_args=TEXTBOX)
    assert reply.given == [("dialog", "hello", 0, "history"), ("dialog", "", 2, "history")]


def test_inputs_without_a_text_leave_the_place_of_the_media_as_it_is() -> None:
    """Such as those that a program sends by `stream.set_input(id, …)`."""
    reply = Reply()

    async def program(stream: Stream, _: MemoryTransport) -> None:
        await asyncio.sleep(0)
        stream.set_input("dialog", "history")

    talk(made(reply), ONE, meanwhile=program, mode="send", ui_args=TEXTBOX)
    assert reply.given == [("dialog", "", 2, "history")]
