"""What a handler gives goes out whole, in time, and not at all when it takes it back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rtstream import CloseStream, Dtmf, Stream
from rtstream.clock import Clock
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.media.resample import Resampler
from rtstream.session import mouth
from rtstream.session.outcome import EndReason
from rtstream.transports.memory import MemoryTransport
from tests.helpers.handlers import AsyncEcho, Echo, Saying, tone
from tests.helpers.media import Picture, Sound, samples, sound, sounds, values
from tests.helpers.memory import Call, calling, stepped
from tests.unit.signals import pieces, pitch, signal_to_noise
from tests.unit.signals import tone as sine

STREAM: dict[str, Any] = {"modality": "audio"}


def times(call: Call) -> list[float]:
    return [at for at, _ in call.line.heard]


@pytest.mark.parametrize("lead", [0.0, 0.04, 0.2])
def test_sound_goes_out_no_more_than_the_lead_ahead_of_its_time(lead: float) -> None:
    async def main() -> None:
        async with calling(Stream(Saying(tone(seconds=3)), **STREAM), MemoryTransport(lead=lead)) as call:
            await call.until_heard(150)
        begun = times(call)[0]
        ahead = [number * 0.02 - (at - begun) for number, at in enumerate(times(call))]
        assert max(ahead) == pytest.approx(lead, abs=0.001) if lead else max(ahead) < 0.001
        assert times(call)[-1] - begun == pytest.approx(2.98 - lead, abs=0.001)

    stepped(main())


def test_a_long_sound_is_resampled_a_second_at_a_time_and_comes_out_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[float] = []

    class Watched(Resampler):
        def push(self, frame: AudioFrame) -> AudioFrame | None:
            taken.append(frame.duration)
            return super().push(frame)

    monkeypatch.setattr(mouth, "Resampler", Watched)
    speech = AudioFrame(sine(440, 3.5, 16000)[None], 16000)

    async def main() -> None:
        async with calling(Stream(Saying((speech.rate, speech.samples)), **STREAM)) as call:
            await call.until_heard(175)
        assert taken == [1.0, 1.0, 1.0, 0.5]
        assert signal_to_noise(samples(call.heard())[0][4800:158400], 440, 48000) > 60

    stepped(main())


def test_a_line_that_stalls_in_a_sound_does_not_mix_up_its_pieces() -> None:
    ramp = np.arange(1, 3121, dtype=np.int16)

    class Stalling(MemoryTransport):
        async def send(self, frame: Any) -> None:
            await Clock().sleep(0.05)
            await super().send(frame)

    class InTwo(Saying):
        async def emit(self) -> Any:
            self.asked += 1
            await Clock().sleep(0.04 if self.asked == 2 else 0.0)
            parts = {1: ramp[:720], 2: ramp[720:]}  # the first leaves 10 ms that wait for more
            return (24000, parts[self.asked]) if self.asked in parts else await asyncio.Event().wait()

    async def main() -> None:
        async with calling(Stream(InTwo(), **STREAM), Stalling(rate=24000, lead=0.5)) as call:
            await call.until_heard(7)
        heard = samples(call.heard())[0]
        assert heard[heard > 0].tolist() == ramp.tolist()

    stepped(main())


class Prompt(MemoryTransport):
    """A line on which nothing has to be waited for, as over WebRTC."""

    def send(self, frame: Any) -> None:  # type: ignore[override]
        self.told = asyncio.ensure_future(super().send(frame))


@pytest.mark.parametrize("lead", [0.0, 60.0])
def test_a_line_that_takes_frames_at_once_gets_a_long_sound_whole_and_in_time(lead: float) -> None:
    ramp = np.arange(1, 24001, dtype=np.int16)

    async def main() -> None:
        line = Prompt(rate=24000, lead=lead)
        async with calling(Stream(Saying((24000, ramp)), **STREAM), line) as call:
            await call.until_heard(50)
        assert samples(call.heard())[0].tolist() == ramp.tolist()
        assert times(call)[-1] - times(call)[0] == pytest.approx(max(0.0, 0.98 - lead), abs=0.001)

    stepped(main())


def test_a_line_that_has_to_be_waited_for_once_gets_the_rest_at_once() -> None:
    ramp = np.arange(1, 24001, dtype=np.int16)

    class Slow(Prompt):
        def send(self, frame: Any) -> Any:
            return super().send(frame) if self.heard else MemoryTransport.send(self, frame)

    async def main() -> None:
        line = Slow(rate=24000, lead=60.0)
        async with calling(Stream(Saying((24000, ramp)), **STREAM), line) as call:
            await call.until_heard(50)
        assert samples(call.heard())[0].tolist() == ramp.tolist()

    stepped(main())


def test_keys_are_heard_on_a_line_that_takes_frames_at_once() -> None:
    async def main() -> None:
        async with calling(Stream(Saying(Dtmf("1")), **STREAM), Prompt(rate=24000, lead=60.0)) as call:
            await call.until_heard(1)
        assert np.abs(samples(call.heard())).max() > 1000

    stepped(main())


def test_sound_that_comes_in_time_goes_out_in_time() -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), **STREAM)) as call:
            await call.talk(*sounds(50))
            await call.until_heard(50)
        assert times(call) == pytest.approx([0.02 * number for number in range(50)], abs=0.001)

    stepped(main())


def test_sound_that_comes_late_goes_out_at_once_and_what_follows_is_timed_from_there() -> None:
    class Late(Saying):
        async def emit(self) -> Any:
            self.asked += 1
            await Clock().sleep(1.0 if self.asked == 2 else 0.0)
            return tone() if self.asked <= 5 else await asyncio.Event().wait()

    async def main() -> None:
        async with calling(Stream(Late(), **STREAM)) as call:
            await call.until_heard(5)
        assert times(call) == pytest.approx([0.0, 1.0, 1.02, 1.04, 1.06], abs=0.001)

    stepped(main())


@pytest.mark.parametrize("size", [1, 7, 333, 479, 480, 481, 24000])
def test_sound_in_pieces_of_any_size_goes_out_in_frames_of_20_ms_and_no_sample_is_lost(size: int) -> None:
    whole = sine(440, 0.5, 24000)

    async def main() -> None:
        parts = [(24000, whole[start : start + size]) for start in range(0, whole.size, size)][-2000:]
        async with calling(Stream(Saying(*parts, rate=24000), **STREAM), MemoryTransport()) as call:
            await Clock().sleep(1.5)
        said = np.concatenate([part for _, part in parts])
        heard = samples(call.heard())[0]
        assert {frame.samples.shape for frame in call.heard("audio")} == {(1, 480)}  # type: ignore[union-attr]
        assert np.array_equal(heard[: said.size], said)
        assert not heard[said.size :].any() and heard.size - said.size < 480

    stepped(main())


@pytest.mark.parametrize(
    ("rate_in", "rate_out"), [(24000, 48000), (8000, 48000), (22050, 48000), (24000, 8000)]
)
def test_all_of_a_reply_is_heard_at_another_rate_to_its_last_sample(rate_in: int, rate_out: int) -> None:
    async def main() -> None:
        reply = rate_in, sine(300, 0.5, rate_in)
        async with calling(Stream(Saying(reply), **STREAM), MemoryTransport(rate=rate_out)) as call:
            await Clock().sleep(1.0)
        heard = samples(call.heard())[0]
        assert heard.size == pytest.approx(0.5 * rate_out, abs=0.02 * rate_out)
        loud = np.flatnonzero(np.abs(heard) > 500)
        assert loud[-1] > 0.5 * rate_out - 0.003 * rate_out
        assert pitch(heard, rate_out) == pytest.approx(300, abs=3)

    stepped(main())


def test_an_utterance_does_not_begin_with_the_rest_of_the_one_before() -> None:
    """The resampler's last samples belong to the reply that they were made of."""

    async def main() -> None:
        class Two(Saying):
            async def emit(self) -> Any:
                self.asked += 1
                if self.asked == 1:
                    return tone(20000, seconds=0.1, rate=24000)
                if self.asked == 2:
                    await Clock().sleep(1)
                    return tone(0, seconds=0.1, rate=24000)
                await asyncio.Event().wait()

        async with calling(Stream(Two(), **STREAM), MemoryTransport(rate=48000)) as call:
            await Clock().sleep(2)
        second = [frame for at, frame in call.line.heard if at > 0.9]
        assert len(second) >= 5
        assert not samples(second).any()

    stepped(main())


def test_an_echo_through_two_rates_stays_clean() -> None:
    async def main() -> None:
        echo = AsyncEcho(input_sample_rate=16000, output_sample_rate=16000)
        async with calling(Stream(echo, **STREAM), MemoryTransport(rate=48000)) as call:
            await call.talk(*pieces(AudioFrame(sine(1000, 2.0, 48000)[None], 48000)))
            await call.until_heard(99)
        heard = samples(call.heard())[0][4800 : 4800 + 48000]
        assert signal_to_noise(heard, 1000, 48000) > 70

    stepped(main())


@pytest.mark.parametrize(("channels", "expected"), [(1, 1), (2, 2)])
def test_stereo_goes_out_as_stereo_where_the_line_takes_it(channels: int, expected: int) -> None:
    async def main() -> None:
        stereo = 48000, np.stack([np.full(960, 100, np.int16), np.full(960, 300, np.int16)])
        async with calling(Stream(Saying(stereo), **STREAM), MemoryTransport(channels=channels)) as call:
            (frame,) = await call.until_heard(1)
        assert isinstance(frame, AudioFrame)
        assert frame.channels == expected
        assert frame.samples[:, 0].tolist() == ([200] if channels == 1 else [100, 300])

    stepped(main())


@pytest.mark.parametrize(("layout", "shape"), [("mono", (1, 960)), ("stereo", (1, 1920))])
def test_a_handler_hears_the_layout_that_it_expects(layout: Any, shape: tuple[int, int]) -> None:
    heard: list[Sound] = []

    class Listening(AsyncEcho):
        async def receive(self, frame: Sound) -> None:
            heard.append(frame)

        def copy(self) -> Any:
            return Listening(expected_layout=layout)

    async def main() -> None:
        both = np.stack([np.full(960, 100, np.int16), np.full(960, 300, np.int16)])
        async with calling(Stream(Listening(), **STREAM)) as call:
            await call.talk(AudioFrame(both, 48000))
            await call.hung_up()
        ((rate, given),) = heard
        assert rate == 48000 and given.shape == shape and given.dtype == np.int16
        assert set(given[0].tolist()) == ({200} if layout == "mono" else {100, 300})
        assert given[0, :4].tolist() == ([200] * 4 if layout == "mono" else [100, 300, 100, 300])

    stepped(main())


def test_a_handler_hears_the_rate_that_it_asked_for() -> None:
    heard: list[Sound] = []

    class Listening(AsyncEcho):
        async def receive(self, frame: Sound) -> None:
            heard.append(frame)

    async def main() -> None:
        handler = Listening(input_sample_rate=16000)
        async with calling(Stream(handler, **STREAM)) as call:
            await call.talk(*sounds(50, rate=8000), *sounds(50, rate=48000))
            await call.hung_up()
        assert {rate for rate, _ in heard} == {16000}
        assert sum(given.shape[1] for _, given in heard) == pytest.approx(32000, abs=100)

    stepped(main())


class Interruptible(Saying):
    """Gives one long reply; what `act` does is done one second into it."""

    def __init__(self, *things: Any, rate: int = 48000, at: float = 1.0) -> None:
        super().__init__(*things, rate=rate)
        self.at = at

    def copy(self) -> Any:
        return Interruptible(*self.things, rate=self.output_sample_rate, at=self.at)

    async def start_up(self) -> None:
        await Clock().sleep(self.at)
        self.clear_queue()
        self.things = [tone(-1, seconds=0.1)]

    async def emit(self) -> Any:
        self.asked += 1
        while not self.things:
            await Clock().sleep(0.001)
        return self.things.pop(0)


@pytest.mark.parametrize("seconds", [5.0, 100.0], ids=["a queue", "more than the queue holds"])
@pytest.mark.parametrize("phone", [False, True])
def test_clear_queue_drops_all_that_waits_and_tells_the_far_end_before_it_sends_anew(
    seconds: float, phone: bool
) -> None:
    class Watched(MemoryTransport):
        def __init__(self) -> None:
            super().__init__(rate=48000, lead=0.2, phone=phone)
            self.order: list[str] = []

        async def send(self, frame: Any) -> None:
            self.order.append("new" if values([frame]) == [-1] else "old")
            await super().send(frame)

        async def clear(self) -> None:
            self.order.append("clear")
            await super().clear()

    async def main() -> None:
        line = Watched()
        async with calling(Stream(Interruptible(tone(1, seconds=seconds)), **STREAM), line) as call:
            await Clock().sleep(3)
        assert line.cleared == 1
        old, new = line.order[: line.order.index("clear")], line.order[line.order.index("clear") + 1 :]
        assert set(old) == {"old"} and len(old) == pytest.approx(60, abs=2)
        assert new == ["new"] * 5
        assert [at for at, frame in call.line.heard if values([frame]) == [-1]][0] < 1.05

    stepped(main())


@pytest.mark.parametrize("where", ["receive", "emit"])
def test_clear_queue_works_from_the_threads_of_a_sync_handler(where: str) -> None:
    class Clearing(Echo):
        cleared = 0

        def receive(self, frame: Sound) -> None:
            if int(frame[1].flat[0]) == 20:
                if where == "receive":
                    self.clear_queue()
                self.queue.put("clear")
                self.queue.put(tone(-1))
            else:
                self.queue.put(tone(1, seconds=30))

        def emit(self) -> Any:
            thing = self.queue.get()
            if thing != "clear":
                return thing
            if where == "emit":
                self.clear_queue()

    async def main() -> None:
        async with calling(Stream(Clearing(), **STREAM)) as call:
            await call.talk(*sounds(1))
            await Clock().sleep(1)
            await call.talk(*sounds(1, start=2))
            await Clock().sleep(1)
        assert call.line.cleared == 1
        assert values(call.heard())[-1] == -1
        assert len(call.heard()) < 60

    stepped(main())


def test_after_clear_nothing_of_the_old_sound_hangs_in_the_resampler() -> None:
    class Clearing(Interruptible):
        def copy(self) -> Any:
            return Clearing(*self.things, rate=24000, at=0.51)

        async def start_up(self) -> None:
            await Clock().sleep(self.at)
            self.clear_queue()
            self.things = [tone(0, seconds=0.2, rate=24000)]

    async def main() -> None:
        stream = Stream(Clearing(tone(20000, seconds=5, rate=24000), rate=24000), **STREAM)
        async with calling(stream, MemoryTransport(rate=48000)) as call:
            await Clock().sleep(2)
        after = [frame for at, frame in call.line.heard if at > 0.505]
        assert len(after) == 10
        assert not samples(after).any()

    stepped(main())


def test_a_picture_of_a_source_stays_for_its_time() -> None:
    def source() -> Iterator[Picture]:
        for number in range(20):
            yield np.full((4, 4, 3), number, np.uint8)

    async def main() -> None:
        from rtstream import VideoStreamHandler

        stream = Stream(VideoStreamHandler(source, fps=5), modality="video", mode="receive")
        async with calling(stream) as call:
            await call.ended()
        assert values(call.heard()) == list(range(20))
        assert times(call) == pytest.approx([number / 5 for number in range(20)], abs=0.001)

    stepped(main())


def test_a_picture_that_answers_one_goes_out_at_once() -> None:
    async def main() -> None:
        async def same(picture: Picture) -> Picture:
            return picture

        async with calling(Stream(same, modality="video")) as call:
            frames = [VideoFrame(np.full((4, 4, 3), n, np.uint8)) for n in range(30)]
            await call.talk(*frames, every=1 / 30)
        assert times(call) == pytest.approx([n / 30 for n in range(30)], abs=0.001)

    stepped(main())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((4, 6), (4, 6, 3)), ((4, 6, 1), (4, 6, 3)), ((4, 6, 4), (4, 6, 3)), ((4, 6, 3), (4, 6, 3))],
)
def test_a_picture_of_one_or_four_colours_goes_out_with_three(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    async def main() -> None:
        async def answer(picture: Picture) -> Any:
            return np.full(shape, 9, np.uint8)

        async with calling(Stream(answer, modality="video")) as call:
            call.say(VideoFrame(np.zeros((2, 2, 3), np.uint8)))
            (frame,) = await call.until_heard(1)
        assert isinstance(frame, VideoFrame)
        assert frame.pixels.shape == expected

    stepped(main())


def test_a_minute_goes_there_and_back_in_much_less_and_is_the_same_each_time() -> None:
    def minute(echo: Any) -> tuple[bytes, list[float]]:
        async def main() -> tuple[bytes, list[float]]:
            async with calling(Stream(echo, **STREAM)) as call:
                await call.talk(*(sound(number % 30000) for number in range(3000)))
                await call.until_heard(3000)
            return samples(call.heard()).tobytes(), times(call)

        return stepped(main())

    runs = [minute(AsyncEcho()) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert runs[0][1][-1] == pytest.approx(59.98, abs=0.05)


def test_a_sync_echo_gives_the_same_bytes_at_the_same_times_in_three_runs() -> None:
    def call_once() -> tuple[bytes, list[float]]:
        async def main() -> tuple[bytes, list[float]]:
            async with calling(Stream(Echo(), **STREAM)) as call:
                await call.talk(*(sound(number % 30000) for number in range(250)))
                await call.until_heard(250)
            return samples(call.heard()).tobytes(), times(call)

        return stepped(main())

    runs = [call_once() for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]


def test_stats_count_what_went_in_and_out() -> None:
    async def main() -> None:
        async with calling(Stream(AsyncEcho(), **STREAM)) as call:
            await call.talk(*sounds(50))
            await call.until_heard(50)
            session = await call.hung_up()
        stats = session.stats
        assert (stats.frames_in, stats.frames_out, stats.dropped, stats.errors) == (50, 50, 0, 0)
        assert stats.seconds_in == pytest.approx(1.0) == stats.seconds_out

    stepped(main())


def test_seconds_played_follow_the_clock_and_forget_what_was_cleared() -> None:
    async def main() -> None:
        line = MemoryTransport(lead=0.2)
        async with calling(Stream(Interruptible(tone(1, seconds=10)), **STREAM), line) as call:
            session = call.session
            await Clock().sleep(0.9)
            assert session.seconds_played == pytest.approx(0.9, abs=0.03)
            await Clock().sleep(2)
            assert session.seconds_played == pytest.approx(1.1, abs=0.03)

    stepped(main())


def test_a_stream_of_pictures_has_played_no_sound() -> None:
    async def main() -> None:
        async with calling(Stream(lambda picture: picture, modality="video")) as call:
            assert call.session.seconds_played == 0.0

    stepped(main())


def test_tiny_pieces_of_sound_are_heard_as_a_whole() -> None:
    """The filter gives nothing for the first ones."""
    heard: list[Sound] = []

    class Listening(AsyncEcho):
        async def receive(self, frame: Sound) -> None:
            heard.append(frame)

    async def main() -> None:
        async with calling(Stream(Listening(input_sample_rate=16000), **STREAM)) as call:
            await call.talk(*(sound(100, seconds=5 / 48000) for _ in range(300)), every=0.001)
            await call.hung_up()
        assert sum(given.shape[1] for _, given in heard) == pytest.approx(500, abs=20)

    stepped(main())


def test_clearing_before_anything_was_said_is_no_error() -> None:
    class Clearing(Saying):
        async def start_up(self) -> None:
            self.clear_queue()

    async def main() -> None:
        async with calling(Stream(Clearing(), **STREAM)) as call:
            await call.until(lambda: call.line.cleared == 1)
            session = await call.hung_up()
        assert session.stats.errors == 0

    stepped(main())


def test_clearing_while_less_than_a_frame_is_held_forgets_that_too() -> None:
    class Clearing(Saying):
        async def start_up(self) -> None:
            await Clock().sleep(0.03)
            self.clear_queue()

    async def main() -> None:
        async with calling(Stream(Clearing(tone(seconds=0.005)), **STREAM)) as call:
            await Clock().sleep(1)
            assert call.heard() == []
            await call.session.all_played()

    stepped(main())


def test_a_short_piece_before_a_long_one_is_joined_to_it() -> None:
    async def main() -> None:
        async with calling(Stream(Saying(tone(1, seconds=0.005), tone(2, seconds=1)), **STREAM)) as call:
            await Clock().sleep(2)
        heard = samples(call.heard())[0]
        assert np.count_nonzero(heard == 1) == 240 and np.count_nonzero(heard == 2) == 48000
        assert heard[:240].max() == 1 and heard[240:48240].min() == 2

    stepped(main())


def test_two_short_pieces_that_make_a_frame_leave_nothing_to_wait_for() -> None:
    class Halves(Saying):
        async def emit(self) -> Any:
            if self.asked == 1:
                await Clock().sleep(0.04)
            return await super().emit()

    async def main() -> None:
        parts = tone(1, seconds=0.005), tone(2, seconds=0.015)
        async with calling(Stream(Halves(*parts), **STREAM)) as call:
            await call.until_heard(1)
            await call.session.all_played()
            assert Clock().now() == pytest.approx(0.1, abs=0.05)
            assert len(call.heard()) == 1

    stepped(main())


def test_of_a_list_that_is_interrupted_nothing_more_is_given() -> None:
    class Listing(Saying):
        async def start_up(self) -> None:
            await Clock().sleep(0.5)
            self.clear_queue()

    async def main() -> None:
        parts = [tone(1, seconds=70), tone(2, seconds=1), tone(3, seconds=1)]
        async with calling(Stream(Listing(parts), **STREAM)) as call:
            await Clock().sleep(5)
        assert set(values(call.heard())) == {1}

    stepped(main())


def test_a_stream_that_only_listens_asks_no_more_than_sound_would_last() -> None:
    """What it gives is thrown away, but in its time."""

    class Endless(Saying):
        async def emit(self) -> Any:
            self.asked += 1
            return tone(seconds=1)

    async def main() -> None:
        async with calling(Stream(Endless(), **STREAM, mode="send")) as call:
            handler = call.session.handler
            await Clock().sleep(10)
        assert isinstance(handler, Endless)
        assert handler.asked < 100

    stepped(main())


def test_a_sound_that_is_shorter_than_the_filter_does_not_hold_up_the_end() -> None:
    async def main() -> None:
        saying = Saying((8000, np.ones((1, 4), np.int16)), CloseStream("done"))
        async with calling(Stream(saying, **STREAM)) as call:
            session = await call.ended()
        assert session.reason is EndReason.HANDLER_CLOSED

    stepped(main())


def test_an_echo_is_sent_as_fast_as_the_far_ends_clock_goes_and_nothing_piles_up() -> None:
    """A far end whose clock is 0.5 ‰ faster says 40 s of sound; the last is heard as soon as the first."""

    async def main() -> None:
        line = MemoryTransport(lead=0.01)
        line.drift = 0.0005
        async with calling(Stream(AsyncEcho(), **STREAM), line) as call:
            await call.talk(*sounds(2000), every=0.02 / 1.0005)
            await call.until_heard(2000)
        late = [at - number * 0.02 / 1.0005 for number, at in enumerate(times(call))]
        assert late[-1] - late[0] == pytest.approx(0, abs=0.001)
        assert max(late) < 0.001

    stepped(main())


def test_an_echo_is_in_time_again_behind_a_moment_in_which_nothing_went() -> None:
    """The line stalls for 0.2 s; what it held up comes at once, and what follows in time."""

    async def main() -> None:
        async with calling(Stream(AsyncEcho(), **STREAM), MemoryTransport(lead=0.04)) as call:
            await call.talk(*sounds(60))
            await Clock().sleep(0.2)
            call.say(*sounds(10))
            await call.talk(*sounds(20))
            await call.until_heard(90)
        behind = times(call)[-1] - times(call)[59]
        assert behind == pytest.approx(0.2 + 20 * 0.02, abs=0.021)

    stepped(main())


def test_a_sound_of_nothing_at_another_rate_holds_nothing_up() -> None:
    nothing = np.zeros((1, 0), np.int16)

    async def main() -> None:
        async with calling(Stream(Saying((16000, nothing), CloseStream("done")), **STREAM)) as call:
            begun = Clock().now()
            await call.session.over
            assert Clock().now() - begun < 0.2

    stepped(main())
