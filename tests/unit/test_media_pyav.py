from __future__ import annotations

import av
import numpy as np
import pytest

from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.media.pyav import audio_from_av, audio_to_av, video_from_av, video_to_av

LEFT, RIGHT = [0, 1000, -32768, 32767], [5, -5, 256, -256]


@pytest.mark.parametrize("rows", [[LEFT], [LEFT, RIGHT], [LEFT, RIGHT, LEFT, RIGHT, LEFT, RIGHT]])
def test_sound_comes_back_from_pyav_as_it_went_in(rows: list[list[int]]) -> None:
    frame = AudioFrame(np.array(rows, np.int16), 24000)
    packed = audio_to_av(frame)
    assert (packed.format.name, packed.sample_rate, packed.samples) == ("s16", 24000, 4)
    assert len(packed.layout.channels) == len(rows)
    back = audio_from_av(packed)
    assert back.rate == 24000
    assert np.array_equal(back.samples, rows)


def test_rows_with_gaps_between_the_samples_go_in_as_well() -> None:
    interleaved = np.array([LEFT, RIGHT], np.int16).T.copy()
    back = audio_from_av(audio_to_av(AudioFrame(interleaved.T, 8000)))
    assert np.array_equal(back.samples, [LEFT, RIGHT])


def test_an_empty_frame_survives() -> None:
    back = audio_from_av(audio_to_av(AudioFrame(np.empty((2, 0), np.int16), 8000)))
    assert back.samples.shape == (2, 0)


@pytest.mark.parametrize("form", ["u8", "s16", "s32", "flt", "dbl"])
@pytest.mark.parametrize("planar", [False, True])
def test_every_sample_format_becomes_int16_rows(form: str, planar: bool) -> None:
    scale = {"u8": 1 / 256, "s16": 1, "s32": 65536, "flt": 1 / 32768, "dbl": 1 / 32768}[form]
    dtype = {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}[form]
    rows = np.array([[0, 1024, -32768, 32512], [256, -256, 512, -512]])
    values = (rows * scale + (128 if form == "u8" else 0)).astype(dtype)
    array = values if planar else np.ascontiguousarray(values.T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(array, format=form + "p" * planar, layout="stereo")
    frame.sample_rate = 16000
    out = audio_from_av(frame)
    assert out.samples.dtype == np.int16
    assert np.array_equal(out.samples, rows)


def test_floats_beyond_full_scale_are_clipped_and_do_not_wrap() -> None:
    array = np.array([[1.5, -1.5, 1.0]], np.float32)
    frame = av.AudioFrame.from_ndarray(array, format="fltp", layout="mono")
    frame.sample_rate = 16000
    assert audio_from_av(frame).samples.tolist() == [[32767, -32768, 32767]]


def test_floats_that_are_no_numbers_are_silence() -> None:
    array = np.array([[np.nan, 0.5, np.inf, -np.inf]], np.float32)
    frame = av.AudioFrame.from_ndarray(array, format="fltp", layout="mono")
    frame.sample_rate = 8000
    assert audio_from_av(frame).samples.tolist() == [[0, 16384, 0, 0]]


def test_sound_from_pyav_has_memory_of_its_own_that_may_be_written() -> None:
    source = audio_to_av(AudioFrame(np.array([LEFT], np.int16), 8000))
    audio_from_av(source).samples[:] = 7
    assert audio_from_av(source).samples.tolist() == [LEFT]


def test_more_channels_than_ffmpeg_has_layouts_for_are_refused() -> None:
    with pytest.raises(ValueError, match="9 channels"):
        audio_to_av(AudioFrame(np.zeros((9, 4), np.int16), 8000))


@pytest.mark.parametrize("size", [(48, 64), (33, 47), (1, 1)])
def test_a_picture_comes_back_from_pyav_as_it_went_in(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert np.array_equal(video_from_av(video_to_av(VideoFrame(pixels))).pixels, pixels)


def test_a_mirrored_picture_goes_in_as_well() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 12, 3)).astype(np.uint8)
    mirrored = np.flip(pixels, axis=1)
    assert np.array_equal(video_from_av(video_to_av(VideoFrame(mirrored))).pixels, mirrored)


def test_a_yuv_picture_becomes_blue_green_red() -> None:
    blue = np.zeros((16, 16, 3), np.uint8)
    blue[..., 0] = 200
    yuv = video_to_av(VideoFrame(blue)).reformat(format="yuv420p")
    assert np.allclose(video_from_av(yuv).pixels, blue, atol=6)
