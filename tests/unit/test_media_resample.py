from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rtstream.media import libswresample
from rtstream.media.frames import AudioFrame
from rtstream.media.libswresample import Converter
from rtstream.media.rate_filter import GraphConverter, RateFilter
from rtstream.media.resample import Chunker, Resampler
from tests.unit.signals import joined, pieces, pitch, signal_to_noise, sound, tone

ways = pytest.mark.parametrize(
    ("rate_in", "rate_out"),
    [(8000, 48000), (48000, 8000), (24000, 48000), (16000, 24000), (44100, 48000), (48000, 16000)],
)


@ways
def test_a_tone_in_frames_of_20_ms_stays_70_db_above_its_noise(rate_in: int, rate_out: int) -> None:
    resampler = Resampler(rate_out)
    heard = joined([resampler.push(frame) for frame in pieces(sound(1000, 2, rate_in))])
    settled = heard[0, rate_out // 10 :]
    assert signal_to_noise(settled, 1000, rate_out) >= 70


@ways
def test_sixty_seconds_come_out_as_sixty_seconds_to_the_sample(rate_in: int, rate_out: int) -> None:
    resampler, frame = Resampler(rate_out), sound(440, 0.02, rate_in)
    heard = joined([*(resampler.push(frame) for _ in range(3000)), resampler.flush()])
    assert heard.shape == (1, 60 * rate_out)


@ways
def test_the_filter_holds_back_less_than_3_ms(rate_in: int, rate_out: int) -> None:
    resampler, frame = Resampler(rate_out), sound(440, 0.02, rate_in)
    held = 0.0
    for _ in range(10):
        out = resampler.push(frame)
        assert out is not None
        held += frame.duration - out.duration
        assert held < 0.003


def test_frames_of_any_length_give_the_same_sound_as_one_long_frame() -> None:
    whole, lengths = sound(700, 1, 24000), np.random.default_rng(7)
    once, often = Resampler(48000), Resampler(48000)
    at, parts = 0, []
    while at < whole.samples.shape[1]:
        step = int(lengths.integers(1, 700))
        parts.append(often.push(AudioFrame(whole.samples[:, at : at + step], whole.rate)))
        at += step
    expected = joined([once.push(whole), once.flush()])
    assert np.array_equal(joined([*parts, often.flush()]), expected)


def test_sound_that_fits_goes_through_as_the_same_object() -> None:
    resampler, frame = Resampler(48000, 2), sound(440, 0.02, 48000, channels=2)
    assert resampler.push(frame) is frame
    assert resampler.flush() is None


def test_a_frame_too_short_for_the_filter_gives_nothing_yet() -> None:
    resampler, frame = Resampler(48000), sound(440, 0.002, 8000)
    assert resampler.push(frame) is None
    heard = joined([resampler.push(frame), resampler.flush()])
    assert heard.shape == (1, 192)


def test_an_empty_frame_gives_nothing() -> None:
    assert Resampler(48000).push(AudioFrame(np.empty((1, 0), np.int16), 8000)) is None
    assert Resampler(8000).push(AudioFrame(np.empty((1, 0), np.int16), 8000)) is None


def test_one_channel_becomes_two_equal_ones_and_two_become_their_average() -> None:
    left, right = tone(440, 0.02, 48000), tone(880, 0.02, 48000)
    mono = AudioFrame(left[np.newaxis], 48000)
    stereo = AudioFrame(np.stack([left, right]), 48000)
    wide, narrow = Resampler(48000, 2).push(mono), Resampler(48000, 1).push(stereo)
    assert wide is not None and narrow is not None
    assert np.array_equal(wide.samples, [left, left])
    assert np.array_equal(narrow.samples, [(left.astype(int) + right) // 2])


def test_the_loudest_stereo_does_not_wrap_round_when_it_is_averaged() -> None:
    loud = AudioFrame(np.full((2, 4), 32767, np.int16), 48000)
    out = Resampler(48000, 1).push(loud)
    assert out is not None
    assert out.samples.tolist() == [[32767] * 4]


def test_two_channels_keep_their_own_sounds_through_the_filter() -> None:
    resampler = Resampler(48000, 2)
    stereo = AudioFrame(np.stack([tone(500, 1, 24000), tone(1500, 1, 24000)]), 24000)
    heard = joined([resampler.push(frame) for frame in pieces(stereo)])
    assert pitch(heard[0], 48000) == pytest.approx(500, abs=2)
    assert pitch(heard[1], 48000) == pytest.approx(1500, abs=2)


@pytest.mark.parametrize("later", [(16000, 1), (48000, 1), (8000, 2), (48000, 2)])
def test_when_the_incoming_form_changes_nothing_is_lost(later: tuple[int, int]) -> None:
    rate, channels = later
    resampler = Resampler(48000, 2)
    frames = pieces(sound(440, 1, 8000)) + pieces(sound(440, 1, rate, channels))
    heard = joined([*(resampler.push(frame) for frame in frames), resampler.flush()])
    assert heard.shape == (2, 96000)


def test_after_reset_nothing_of_the_old_sound_is_heard() -> None:
    resampler = Resampler(48000)
    resampler.push(sound(440, 0.02, 8000))
    resampler.reset()
    assert resampler.flush() is None
    silence = AudioFrame(np.zeros((1, 160), np.int16), 8000)
    assert not joined([resampler.push(silence), resampler.flush()]).any()


def test_after_flush_a_new_stream_may_begin() -> None:
    resampler = Resampler(48000)
    for _ in range(2):
        assert joined([resampler.push(sound(440, 1, 8000)), resampler.flush()]).shape == (1, 48000)


@ways
def test_when_nothing_follows_all_comes_out_to_the_sample_each_time(rate_in: int, rate_out: int) -> None:
    resampler, frames = Resampler(rate_out), pieces(sound(440, 0.1, rate_in))
    first = joined([*map(resampler.push, frames), resampler.drain()])
    assert first.shape == (1, round(0.1 * rate_out))
    assert resampler.drain() is None
    for _ in range(3):
        again = joined([*map(resampler.push, frames), resampler.drain()])
        assert again.shape == first.shape
        within = again[0, rate_out // 200 : -rate_out // 200]
        assert signal_to_noise(within, 440, rate_out) >= 70


def test_a_drain_after_less_than_the_filter_holds_gives_all_of_it() -> None:
    resampler, frame = Resampler(48000), sound(440, 0.0005, 8000)
    assert resampler.push(frame) is None
    for _ in range(2):
        heard = joined([resampler.drain()])
        assert heard.shape == (1, 24)
        assert resampler.push(frame) is None


def test_what_follows_comes_out_of_the_same_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    init = RateFilter.__init__

    def counted(self: RateFilter, *args: Any) -> None:
        made.append(self)
        init(self, *args)

    monkeypatch.setattr(RateFilter, "__init__", counted)
    resampler, frame = Resampler(8000), sound(440, 0.02, 24000)
    for _ in range(3):
        resampler.push(frame)
        resampler.drain()
    assert len(made) == 1
    resampler.push(frame)
    resampler.flush()
    resampler.push(frame)
    assert len(made) == 2


def test_a_resampler_that_changes_no_rate_holds_nothing_to_drain() -> None:
    resampler = Resampler(48000, 2)
    resampler.push(sound(440, 0.02, 48000))
    assert resampler.drain() is None


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
def test_a_resampler_starts_no_threads() -> None:
    program = (
        "import os, numpy as np\n"
        "from rtstream.media.frames import AudioFrame\n"
        "from rtstream.media.resample import Resampler\n"
        "def threads(): return len(os.listdir('/proc/self/task'))\n"
        "frame = AudioFrame(np.zeros((1, 160), np.int16), 8000)\n"
        "Resampler(48000).push(frame)\n"
        "before = threads()\n"
        "kept = [Resampler(48000) for _ in range(50)]\n"
        "[resampler.push(frame) for resampler in kept]\n"
        "print(threads() - before)\n"
    )
    # A process of its own: the test runner's threads come and go.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_the_chunker_gives_exact_pieces_whatever_comes() -> None:
    chunker, sizes = Chunker(24000), np.random.default_rng(3)
    counted = np.arange(20000, dtype=np.int16)[np.newaxis]
    out: list[AudioFrame | None] = []
    at = 0
    while at < counted.shape[1]:
        step = int(sizes.integers(0, 3000))
        out += chunker.push(AudioFrame(counted[:, at : at + step], 24000))
        at += step
    assert {piece.samples.shape for piece in out if piece is not None} == {(1, 480)}
    assert chunker.held == pytest.approx((20000 % 480) / 24000)
    heard = joined([*out, chunker.flush()])
    assert np.array_equal(heard[:, :20000], counted)
    assert not heard[:, 20000:].any()
    assert heard.shape[1] % 480 == 0


def test_the_chunker_holds_nothing_after_flush_and_after_reset() -> None:
    chunker, half = Chunker(8000, 2), sound(440, 0.01, 8000, channels=2)
    assert chunker.push(half) == []
    assert chunker.held == pytest.approx(0.01)
    rest = chunker.flush()
    assert rest is not None and rest.samples.shape == (2, 160)
    assert (chunker.held, chunker.flush()) == (0, None)
    chunker.push(half)
    chunker.reset()
    assert (chunker.held, chunker.flush()) == (0, None)


def test_pieces_do_not_change_when_the_sender_reuses_his_buffer() -> None:
    chunker, buffer = Chunker(8000), np.ones((1, 400), np.int16)
    first, second = chunker.push(AudioFrame(buffer, 8000))
    buffer[:] = 2
    assert first.samples.max() == second.samples.max() == 1


def test_a_long_reply_is_cut_in_linear_time() -> None:
    chunker = Chunker(48000)
    assert len(chunker.push(AudioFrame(np.zeros((1, 48000 * 300), np.int16), 48000))) == 15000


@pytest.mark.skipif(libswresample.library() is None, reason="PyAV brings no libswresample that can be called")
@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
@ways
def test_libswresample_itself_gives_what_pyavs_graph_gives(
    rate_in: int, rate_out: int, layout: str, channels: int
) -> None:
    noise = np.random.default_rng(channels).integers(-20000, 20000, (rate_in // 2, channels)).astype(np.int16)
    short, long = (
        Converter(rate_in, rate_out, layout, channels),
        GraphConverter(rate_in, rate_out, layout, channels),
    )
    at = 0
    for size in (rate_in // 50, 7, rate_in // 10, 1, rate_in // 50):
        piece = noise[at : at + size].T
        at += size
        ours, theirs = short.push(piece), long.push(piece)
        if ours is None or theirs is None:
            assert ours is theirs
        else:
            assert ours.flags.c_contiguous and np.array_equal(ours, theirs)
    ours, theirs = short.end(), long.end()
    assert ours is not None and theirs is not None and np.array_equal(ours, theirs)


def test_without_it_pyavs_graph_changes_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = list(pieces(sound(1000, 0.2, 8000)))
    expected = [Resampler(48000).push(frame) for frame in frames[:1]]
    monkeypatch.setattr(libswresample, "library", lambda: None)
    out = [Resampler(48000).push(frame) for frame in frames[:1]]
    assert np.array_equal(joined(out), joined(expected))


def test_what_libswresample_refuses_is_an_error() -> None:
    if libswresample.library() is None:
        pytest.skip("PyAV brings no libswresample that can be called")
    with pytest.raises(OSError, match="libswresample"):
        Converter(8000, 48000, "no layout", 1)
