"""The classes that users subclass: their options, copies and members before and beside a connection."""

from __future__ import annotations

import asyncio
import copy
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from rtstream import Context, StreamHandler
from rtstream.context import Channel
from rtstream.errors import OptionError
from rtstream.handlers.base import StreamHandlerBase
from rtstream.handlers.data import PLACEHOLDER


class Plain(StreamHandler):
    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> Any:
        pass


class Configured(Plain):
    def __init__(self, voice: str, *, speed: float = 1.0) -> None:
        super().__init__(input_sample_rate=16000)
        self.voice, self.speed = voice, speed


class Careless(Plain):
    """Forgets its base."""

    def __init__(self) -> None:
        self.mine = True


@dataclass
class Line:
    """A line that keeps what it is told."""

    phone: bool = False
    context: Context = Context("one")
    seconds_played: float = 0.0
    speaks: bool = True

    def __post_init__(self) -> None:
        self.texts: list[str] = []
        self.cleared = 0

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    def hear_text(self, fn: Any) -> None:
        self.heard = fn

    def clear(self) -> None:
        self.cleared += 1

    async def all_played(self) -> None:
        pass


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000, 50])
def test_usual_rates_are_taken(rate: int) -> None:
    handler = StreamHandlerBase(output_sample_rate=rate, input_sample_rate=rate)
    assert handler.output_frame_size == rate // 50


@pytest.mark.parametrize("name", ["output_sample_rate", "input_sample_rate"])
@pytest.mark.parametrize("rate", [0, -8000, 11025, 1, 24001])
def test_a_rate_whose_frames_would_be_broken_is_refused(name: str, rate: int) -> None:
    with pytest.raises(OptionError, match=f"`{name}` is {rate}") as caught:
        Plain(**{name: rate})  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)


def test_another_layout_is_refused() -> None:
    with pytest.raises(OptionError, match="expected_layout"):
        Plain(expected_layout="quadro")  # type: ignore[arg-type]


def test_another_frame_size_warns_and_the_usual_one_does_not() -> None:
    with pytest.warns(UserWarning, match="output_frame_size=960 is ignored"):
        Plain(output_frame_size=960)
    assert Plain(output_frame_size=480).output_frame_size == 480


def test_the_defaults_are_fastrtcs() -> None:
    handler = Plain()
    assert (handler.expected_layout, handler.output_sample_rate, handler.input_sample_rate) == (
        "mono",
        24000,
        48000,
    )
    assert handler.fps == 30 and not handler.phone_mode and handler.channel is None


def test_a_copy_is_made_with_the_same_arguments() -> None:
    made = Configured("high", speed=2.0).copy()
    assert isinstance(made, Configured)
    assert (made.voice, made.speed, made.input_sample_rate) == ("high", 2.0, 16000)


def test_a_handler_can_be_copied_by_pythons_own_means() -> None:
    original = Configured("high")
    for twin in (copy.copy(original), copy.deepcopy(original)):
        assert (twin.voice, twin.copy().voice) == ("high", "high")


def test_a_handler_that_forgets_its_base_has_the_defaults() -> None:
    handler = Careless()
    assert (handler.output_sample_rate, handler.input_sample_rate, handler.fps) == (24000, 48000, 30)
    assert handler.latest_args == [PLACEHOLDER]


def test_a_class_without_its_methods_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (StreamHandler,), {})()


def test_a_base_has_nothing_to_listen_to_and_nothing_to_ask() -> None:
    base = StreamHandlerBase()
    assert (base.listeners(), tuple(base.sources())) == ({}, ())
    asyncio.run(base.ready())
    assert base.start_up() is None and base.shutdown() is None


def test_before_there_is_a_connection_there_is_no_loop_and_nobody_to_talk_to() -> None:
    handler = Plain()
    with pytest.raises(RuntimeError, match="no connection yet"):
        _ = handler.loop
    handler.send_message_sync("nobody hears")
    handler.clear_queue()
    assert handler.channel is None and handler._clear_queue is None


def test_inputs_set_before_the_connection_are_there_at_once() -> None:
    handler = Plain()
    handler.set_args([1, 2])
    assert handler.latest_args == [PLACEHOLDER, 1, 2]
    assert handler.args_set.is_set()
    handler.reset()
    assert not handler.args_set.is_set()


def test_latest_args_can_be_set_as_some_of_fastrtcs_users_do() -> None:
    handler = Plain()
    handler.latest_args = [None, 5]
    assert handler.latest_args == [None, 5]


def test_bound_to_its_line_it_has_defaults_a_loop_and_a_voice() -> None:
    async def main() -> None:
        handler, line = Plain(), Line(phone=True)
        handler.bind(line, [1, 2])
        assert handler.loop is asyncio.get_running_loop()
        assert handler.latest_args == [PLACEHOLDER, 1, 2] and not handler.args_set.is_set()
        assert handler.phone_mode and handler.channel == Channel(line)
        await handler.send_message("hello")
        handler.clear_queue()
        assert handler._clear_queue is not None
        handler._clear_queue()  # as programs do that were written for FastRTC
        assert line.texts == ["hello"] and line.cleared == 2
        await handler.wait_for_args()
        assert line.texts == ["hello"]

    asyncio.run(main())


def test_wait_for_args_asks_and_waits_and_is_woken_from_another_thread() -> None:
    async def main() -> None:
        handler, line = Plain(), Line()
        handler.bind(line)
        waiting = asyncio.create_task(handler.wait_for_args())
        await asyncio.sleep(0)
        assert line.texts == ['{"type": "send_input", "data": []}'] and not waiting.done()
        threading.Thread(target=handler.set_args, args=([7],)).start()
        await waiting
        assert handler.latest_args == [PLACEHOLDER, 7]

    asyncio.run(main())
