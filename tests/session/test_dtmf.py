"""Keys: every kind of handler hears them, in its messages or in its sound, and can press some itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import (
    AsyncStreamHandler,
    CloseStream,
    Dtmf,
    ReplyOnPause,
    Stream,
    StreamHandler,
    get_current_context,
)
from rtstream.errors import OptionError
from rtstream.media.dtmf import Detector, tones
from rtstream.media.frames import AudioFrame, Digit
from rtstream.session.keypad import KEYS_KEPT, Keypad
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport

from ..helpers.dialogs import beep, frames, silence
from ..helpers.memory import Call, calling, stepped
from .test_turns import word

SHORT = (8000, np.full((1, 160), 9000, np.int16))


def phone() -> MemoryTransport:
    return MemoryTransport(phone=True, rate=8000)


def heard_keys(call: Call) -> str:
    """The keys in the sound that came back."""
    detector = Detector()
    return "".join(detector.push(frame) for frame in call.heard("audio") if isinstance(frame, AudioFrame))


class Keys(StreamHandler):
    """Notes keys; answers each with a short sound."""

    pressed: list[str] = []

    def receive(self, frame: Any) -> None:
        pass

    def emit(self) -> None:
        pass

    def on_dtmf(self, digit: str) -> Any:
        self.pressed.append(digit)
        assert threading.current_thread() is not threading.main_thread()
        assert get_current_context().webrtc_id == "caller"
        return SHORT


class AsyncKeys(AsyncStreamHandler):
    pressed: list[str] = []

    async def receive(self, frame: Any) -> None:
        pass

    async def emit(self) -> Any:
        await asyncio.sleep(1)

    async def on_dtmf(self, digit: str) -> Any:
        self.pressed.append(digit)
        assert get_current_context().webrtc_id == "caller"
        return SHORT


@pytest.mark.parametrize("kind", [Keys, AsyncKeys])
def test_a_handlers_own_method_is_called_with_each_key_and_its_answer_is_heard(kind: Any) -> None:
    async def main() -> None:
        kind.pressed = []
        async with calling(Stream(kind(), modality="audio"), phone()) as call:
            call.say(*map(Digit, "12#"))
            assert len(await call.until_heard(3)) == 3
            assert kind.pressed == ["1", "2", "#"]

    stepped(main())


def function(frame: Any) -> None:
    return None


def generator(frame: Any) -> Iterator[Any]:
    yield frame


async def async_generator(frame: Any) -> AsyncIterator[Any]:
    yield frame


def source() -> Iterator[Any]:
    while True:
        yield 8000, np.zeros((1, 160), np.int16)


@pytest.mark.parametrize(
    ("handler", "mode"),
    [
        (function, "send-receive"),
        (generator, "send-receive"),
        (async_generator, "send-receive"),
        (ReplyOnPause(generator), "send-receive"),
        (source, "receive"),
        (function, "send"),
    ],
)
def test_the_streams_function_is_called_where_a_handler_has_none(handler: Any, mode: Any) -> None:
    async def main() -> None:
        pressed: list[str] = []
        stream = Stream(handler, modality="audio", mode=mode, on_dtmf=pressed.append)
        async with calling(stream, phone()) as call:
            call.say(*map(Digit, "9*"))
            await asyncio.sleep(0.5)
            assert pressed == ["9", "*"]

    stepped(main())


def test_a_handlers_own_method_goes_before_the_streams_function() -> None:
    async def main() -> None:
        AsyncKeys.pressed, others = [], list[str]()
        stream = Stream(AsyncKeys(), modality="audio", on_dtmf=others.append)
        async with calling(stream, phone()) as call:
            call.say(Digit("5"))
            await call.until_heard(1)
        assert AsyncKeys.pressed == ["5"] and not others

    stepped(main())


def test_keys_that_nobody_wants_are_passed_over() -> None:
    async def main() -> None:
        async with calling(Stream(function, modality="audio"), phone()) as call:
            call.say(Digit("5"), tones("5"))
            await asyncio.sleep(0.1)
            assert not call.session.errors

    stepped(main())


def test_what_on_dtmf_raises_is_reported_and_the_next_key_is_heard() -> None:
    async def main() -> None:
        pressed: list[str] = []

        def key(digit: str) -> None:
            pressed.append(digit)
            raise ValueError(digit)

        async with calling(Stream(function, modality="audio", on_dtmf=key), phone()) as call:
            call.say(Digit("1"), Digit("2"))
            await asyncio.sleep(0.5)
            assert pressed == ["1", "2"]
            assert [error.what for error in call.session.errors] == ["1", "2"]

    stepped(main())


# Keys in the sound.


@pytest.mark.parametrize("rate", [8000, 24000, 48000])
def test_keys_are_found_in_the_sound_where_the_line_tells_none(rate: int) -> None:
    async def main() -> None:
        pressed: list[str] = []
        stream = Stream(function, modality="audio", on_dtmf=pressed.append)
        async with calling(stream) as call:
            await call.talk(*pieces(tones("159*0#D", rate)))
        assert "".join(pressed) == "159*0#D"

    stepped(main())


@pytest.mark.parametrize(
    ("wanted", "is_phone", "keys"),
    [(None, True, "1"), (None, False, "2"), (True, True, "2"), (False, False, "1"), (False, True, "1")],
)
def test_a_handler_may_say_where_its_keys_are_found(wanted: bool | None, is_phone: bool, keys: str) -> None:
    async def main() -> None:
        class Choosy(AsyncKeys):
            dtmf_in_audio = wanted
            pressed: list[str] = []

        line = MemoryTransport(phone=is_phone, rate=8000)
        async with calling(Stream(Choosy(), modality="audio"), line) as call:
            call.say(Digit("1"))
            await call.talk(*pieces(tones("2")))
            await asyncio.sleep(0.2)
        assert "".join(Choosy.pressed) == keys

    stepped(main())


def pieces(sound: AudioFrame) -> list[AudioFrame]:
    size = sound.rate // 50
    whole = np.concatenate([sound.samples, np.zeros((1, 2 * size), np.int16)], axis=1)
    return [
        AudioFrame(whole[:, at : at + size], sound.rate) for at in range(0, whole.shape[1] - size + 1, size)
    ]


def test_more_keys_than_anybody_presses_are_dropped() -> None:
    keypad = Keypad.of(AsyncKeys(), None, told=True)
    for _ in range(KEYS_KEPT + 7):
        keypad.push(Digit("1"))
    assert keypad.dropped == 7


# Keys and replies.


def test_a_key_interrupts_a_reply_and_what_it_gives_is_the_next_one() -> None:
    async def main() -> None:
        def long(said: Any) -> Iterator[Any]:
            yield beep(20)

        def key(digit: str) -> Iterator[Any]:
            yield 8000, np.full((1, 1600), 77, np.int16)

        handler = ReplyOnPause(long, startup_fn=lambda: (8000, np.full((1, 160_000), 1000, np.int16)))
        line = phone()
        async with calling(Stream(handler, modality="audio", on_dtmf=key), line) as call:
            await call.until_heard(20)
            call.say(Digit("1"))
            await call.until(lambda: levels(call)[-1] < 100)
            assert line.cleared == 1
            assert len(call.heard()) < 40
            await asyncio.sleep(0.5)
            assert levels(call)[-5:] == [77] * 5

    stepped(main())


def levels(call: Call) -> list[int]:
    return [int(frame.samples.max()) for frame in call.heard("audio") if isinstance(frame, AudioFrame)]


def test_no_key_is_lost_however_quickly_they_come() -> None:
    async def main() -> None:
        pressed: list[str] = []

        def key(digit: str) -> Iterator[Any]:
            pressed.append(digit)
            yield SHORT

        stream = Stream(ReplyOnPause(generator), modality="audio", on_dtmf=key)
        async with calling(stream, phone()) as call:
            call.say(*map(Digit, "1234567890"))
            await asyncio.sleep(1)
        assert "".join(pressed) == "1234567890"

    stepped(main())


def test_after_a_keys_reply_the_speaker_is_answered_again() -> None:
    async def main() -> None:
        turns: list[Any] = []

        def answer(said: Any) -> Iterator[Any]:
            turns.append(said)
            yield SHORT

        stream = Stream(ReplyOnPause(answer), modality="audio", on_dtmf=lambda digit: SHORT)
        async with calling(stream, phone()) as call:
            call.say(Digit("1"))
            await call.until_heard(1)
            await asyncio.sleep(0.5)
            await call.talk(*frames(np.concatenate([silence(0.3), word(0.6), silence(1.5)])))
            await asyncio.sleep(0.5)
        assert len(turns) == 1

    stepped(main())


# Keys to the far end.


class Keypress(MemoryTransport):
    """A line that has a message for keys."""

    def __init__(self, takes: bool = True) -> None:
        super().__init__(phone=True, rate=8000)
        self.takes = takes
        self.pressed: list[tuple[int, str]] = []

    async def press(self, digits: str) -> bool:
        if self.takes:
            self.pressed.append((len(self.heard), digits))
        return self.takes


def dialling(*given: Any) -> Stream:
    def source() -> Iterator[Any]:
        yield from given

    return Stream(source, modality="audio", mode="receive")


def test_keys_go_out_as_a_message_after_what_was_given_before_them() -> None:
    async def main() -> None:
        line = Keypress()
        async with calling(dialling(beep(0.4), Dtmf("12#"), beep(0.2), CloseStream("bye")), line) as call:
            session = await call.ended()
            assert line.pressed == [(20, "12#")]
            assert len(call.heard()) == 30
            assert session.reason is EndReason.HANDLER_CLOSED

    stepped(main())


def test_keys_wait_for_what_was_given_before_them_on_a_line_that_is_held_up() -> None:
    class HeldUp(Keypress):
        async def send(self, frame: Any) -> None:
            await asyncio.sleep(0.05)  # of each 20 ms
            await super().send(frame)

    async def main() -> None:
        line = HeldUp()
        async with calling(dialling(beep(1.0), Dtmf("1"), beep(0.1)), line) as call:
            await call.ended()
            assert line.pressed == [(50, "1")]
            assert len(call.heard()) == 55

    stepped(main())


def test_keys_are_pressed_on_a_line_that_never_falls_silent() -> None:
    async def main() -> None:
        line = Keypress()
        stream = Stream(lambda frame: frame, modality="audio", on_dtmf=lambda digit: Dtmf(digit))
        async with calling(stream, line) as call:
            echoed = asyncio.create_task(call.talk(*frames(np.full(48000 * 2, 5000, np.int16))))
            await call.until_heard(10)
            call.say(Digit("1"))
            await asyncio.sleep(0.5)
            assert [digits for _, digits in line.pressed] == ["1"]
            await echoed

    stepped(main())


def test_keys_that_were_interrupted_are_not_pressed() -> None:
    async def main() -> None:
        line = Keypress()
        async with calling(dialling([beep(0.3), Dtmf("1")], beep(0.1)), line) as call:
            await call.until_heard(10)
            call.session.clear()
            await call.ended()
            assert line.pressed == [] and line.cleared == 1

    stepped(main())


@pytest.mark.parametrize(
    ("line", "digits"), [(None, "1w2#"), (phone, "159"), (Keypress, "1w2"), (lambda: Keypress(False), "12")]
)
def test_where_there_is_no_message_the_far_end_hears_the_tones(line: Any, digits: str) -> None:
    async def main() -> None:
        made = line() if line is not None else MemoryTransport(rate=8000)
        async with calling(dialling(beep(0.1), Dtmf(digits)), made) as call:
            await call.ended()
            assert heard_keys(call) == digits.replace("w", "")
            assert not getattr(made, "pressed", [])

    stepped(main())


def test_keys_beside_sound_and_in_a_reply() -> None:
    async def main() -> None:
        stream = Stream(
            ReplyOnPause(generator), modality="audio", on_dtmf=lambda digit: (beep(0.1), Dtmf(digit))
        )
        async with calling(stream, phone()) as call:
            call.say(Digit("7"))
            await asyncio.sleep(1.5)
            assert heard_keys(call) == "7"

    stepped(main())


def test_keys_have_no_tones_where_no_sound_is_sent_and_that_is_told() -> None:
    async def main() -> None:
        def source() -> Iterator[Any]:
            yield np.zeros((8, 8, 3), np.uint8), Dtmf("1")

        async with calling(Stream(source, modality="video", mode="receive")) as call:
            session = await call.ended()
            assert [error.what for error in session.errors] == ["the handler gave back sound"]

    stepped(main())


@pytest.mark.parametrize("digits", ["x", "1 2", "E", "\u0661"])
def test_what_is_no_key_cannot_be_pressed(digits: str) -> None:
    with pytest.raises(OptionError, match="no key of a telephone"):
        Dtmf(digits)


def test_what_cannot_be_called_is_no_on_dtmf() -> None:
    with pytest.raises(OptionError, match="on_dtmf"):
        Stream(function, modality="audio", on_dtmf="press")  # type: ignore[arg-type]
