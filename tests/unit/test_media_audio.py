from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from rtstream.errors import HandlerReturnedNonsense
from rtstream.media.audio import (
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_float32,
    audio_to_int16,
    to_frame,
)
from rtstream.media.files import Clip
from rtstream.media.mp3 import audio_to_bytes, audio_to_file
from tests.unit.signals import pitch, tone

COUNTED = np.arange(6, dtype=np.int16)


@pytest.mark.parametrize(
    "array",
    [COUNTED, COUNTED[np.newaxis], COUNTED[:, np.newaxis]],
    ids=["(n,)", "(1, n)", "(n, 1)"],
)
def test_one_channel_is_taken_in_every_shape(array: Any) -> None:
    frame = to_frame(24000, array)
    assert frame.rate == 24000
    assert frame.samples.dtype == np.int16
    assert np.array_equal(frame.samples, COUNTED[np.newaxis])


@pytest.mark.parametrize("array", [np.stack([COUNTED, -COUNTED]), np.stack([COUNTED, -COUNTED], axis=1)])
def test_two_channels_are_taken_as_rows_and_as_columns(array: Any) -> None:
    frame = to_frame(24000, array)
    assert np.array_equal(frame.samples, [COUNTED, -COUNTED])
    assert frame.samples.flags.c_contiguous


@pytest.mark.parametrize("shape", [(6,), (1, 6), (6, 1)])
def test_one_row_with_the_layout_stereo_is_interleaved(shape: tuple[int, ...]) -> None:
    frame = to_frame(24000, COUNTED.reshape(shape), "stereo")
    assert np.array_equal(frame.samples, [[0, 2, 4], [1, 3, 5]])


@pytest.mark.parametrize("layout", [None, "mono", "stereo"])
def test_two_rows_are_two_channels_under_every_layout(layout: Literal["mono", "stereo"] | None) -> None:
    rows = np.stack([COUNTED, -COUNTED])
    assert np.array_equal(to_frame(24000, rows, layout).samples, rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_reach_full_scale_at_one_and_are_clipped_beyond(dtype: Any) -> None:
    frame = to_frame(24000, np.array([0.0, 0.5, 1.0, -1.0, 1.5, -7.0], dtype))
    assert frame.samples.tolist() == [[0, 16384, 32767, -32767, 32767, -32767]]


@pytest.mark.parametrize("rate", [1000, 384000, np.int64(24000), np.uint16(8000)])
def test_whole_numbers_of_python_and_numpy_are_rates(rate: Any) -> None:
    frame = to_frame(rate, COUNTED)
    assert type(frame.rate) is int
    assert frame.rate == rate


@pytest.mark.parametrize("rate", [0, -1, 999, 384001, 24000.0, "24000", None, True, np.float32(8000)])
def test_anything_else_is_no_rate(rate: Any) -> None:
    with pytest.raises(HandlerReturnedNonsense, match="is no sample rate") as refused:
        to_frame(rate, COUNTED)
    assert refused.value.code == "RT3006"
    assert refused.value.why and refused.value.fix


@pytest.mark.parametrize("empty", [np.array([]), np.empty((1, 0), np.int16), np.empty((0, 2), np.float32)])
def test_an_empty_array_is_a_frame_without_sound(empty: Any) -> None:
    assert to_frame(24000, empty).samples.shape == (1, 0)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(4, np.int32), "int32"),
        (np.zeros(4, np.float16), "float16"),
        (np.zeros(4, bool), "bool"),
        (np.zeros(4, complex), "complex128"),
        ([0, 0, 0], "list"),
        (b"\0\0", "bytes"),
        (None, "NoneType"),
        (np.zeros((3, 480), np.int16), r"\(3, 480\)"),
        (np.zeros((480, 3), np.int16), r"\(480, 3\)"),
        (np.zeros((1, 1, 480), np.int16), r"\(1, 1, 480\)"),
        (np.array(7, np.int16), r"\(\)"),
        (np.array([0, np.nan, np.inf, 0.5]), "2 of 4 samples"),
        (np.array([-np.inf], np.float32), "1 of 1 samples"),
        (np.array([0, -8000, 4000], np.int16) * 0.5, "float64 go far beyond 1"),
    ],
)
def test_what_is_no_sound_is_refused_with_its_name_a_reason_and_a_way_out(array: Any, said: str) -> None:
    with pytest.raises(HandlerReturnedNonsense, match=said) as refused:
        to_frame(24000, array)
    assert refused.value.why and refused.value.fix


def test_an_odd_number_of_samples_is_no_interleaved_stereo() -> None:
    with pytest.raises(HandlerReturnedNonsense, match="5 samples"):
        to_frame(24000, COUNTED[:5], "stereo")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_frame_does_not_change_when_the_handler_reuses_its_buffer(dtype: Any) -> None:
    buffer = np.zeros(4, dtype)
    frame = to_frame(24000, buffer)
    buffer[:] = 1
    assert not frame.samples.any()


def test_int16_becomes_float32_by_a_division_by_32768() -> None:
    floats = audio_to_float32(np.array([[-32768, 0, 16384, 32767]], np.int16))
    assert floats.dtype == np.float32
    assert floats.tolist() == [[-1.0, 0.0, 0.5, 32767 / 32768]]


def test_float32_becomes_int16_by_a_multiplication_by_32767_and_clips() -> None:
    samples = audio_to_int16(np.array([[-1, 0, 0.5, 1, 1.5, -1.5]], np.float32))
    assert samples.dtype == np.int16
    assert samples.tolist() == [[-32767, 0, 16383, 32767, 32767, -32767]]


def test_what_already_fits_is_given_back_as_it_is() -> None:
    floats, samples = np.zeros(3, np.float32), np.zeros(3, np.int16)
    assert audio_to_float32(floats) is floats
    assert audio_to_int16(samples) is samples


@pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8])
def test_other_types_are_refused_in_fastrtcs_words(convert: Any, dtype: Any) -> None:
    with pytest.raises(TypeError, match=f"Unsupported audio data type: {np.dtype(dtype)}"):
        convert(np.zeros(3, dtype))


@pytest.mark.parametrize("convert", [audio_to_float32, audio_to_int16])
def test_the_tuple_form_still_works_and_warns_at_the_callers_line(convert: Any) -> None:
    samples = np.array([0, 16384], np.int16)
    with pytest.warns(UserWarning, match=f"to {convert.__name__}.. is deprecated") as warned:
        assert np.array_equal(convert((24000, samples)), convert(samples))
    assert warned[0].filename == __file__


SOUND = np.array([1, -2, 300, -400, 32767], "<i2").tobytes()
CUTS = [[], [b""], [SOUND], [SOUND[:1], SOUND[1:]], [SOUND[:3], b"", SOUND[3:8], SOUND[8:]]]


@pytest.mark.parametrize("chunks", [*CUTS[2:], [bytes([byte]) for byte in SOUND]])
def test_bytes_cut_anywhere_become_the_same_samples(chunks: list[bytes]) -> None:
    arrays = list(aggregate_bytes_to_16bit(chunks))
    assert all(array.shape[0] == 1 and array.size and array.dtype == np.int16 for array in arrays)
    assert np.concatenate(arrays, axis=1).tolist() == [[1, -2, 300, -400, 32767]]


@pytest.mark.parametrize("chunks", [[], [b""], [b"\1"]])
def test_without_a_whole_sample_nothing_comes(chunks: list[bytes]) -> None:
    assert list(aggregate_bytes_to_16bit(chunks)) == []


@pytest.mark.parametrize("chunks", CUTS)
def test_awaited_chunks_give_the_same_arrays(chunks: list[bytes]) -> None:
    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def collected() -> list[Any]:
        return [array async for array in async_aggregate_bytes_to_16bit(arriving())]

    pairs = itertools.zip_longest(asyncio.run(collected()), aggregate_bytes_to_16bit(chunks))
    assert all(np.array_equal(awaited, plain) for awaited, plain in pairs)


@pytest.mark.parametrize("rate", [8000, 10000, 24000, 44100, 96000])
@pytest.mark.parametrize("form", [np.int16, np.float32, np.float64])
def test_sound_of_every_type_and_rate_becomes_an_mp3(rate: int, form: Any, tmp_path: Path) -> None:
    wave = tone(440, 1, rate).astype(form) if form is np.int16 else (tone(440, 1, rate) / 32768).astype(form)
    path = tmp_path / "tone.mp3"
    path.write_bytes(audio_to_bytes((rate, wave)))
    heard = Clip.open(path).audio(16000)
    assert heard.duration == pytest.approx(1, abs=0.06)
    assert pitch(heard.samples[0], 16000) == pytest.approx(440, abs=1)
    assert 14000 < np.abs(heard.samples.astype(int)).max() < 19000


@pytest.mark.parametrize("to_mp3", [audio_to_bytes, audio_to_file])
def test_samples_without_their_rate_become_no_mp3_and_no_file(
    to_mp3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(HandlerReturnedNonsense, match="ndarray, without its rate"):
        to_mp3(tone(440, 1, 24000))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("shape", "channels"), [((24000,), 1), ((1, 24000), 1), ((2, 12000), 2)])
def test_an_mp3_file_has_the_channels_of_the_array(shape: tuple[int, ...], channels: int) -> None:
    path = Path(audio_to_file((24000, tone(440, 1, 24000).reshape(shape))))
    try:
        clip = Clip.open(path)
        assert (clip.path.suffix, clip.rate, clip.channels) == (".mp3", 24000, channels)
        assert clip.duration == pytest.approx(1 / channels, abs=0.06)
    finally:
        path.unlink()


def test_no_sound_at_all_becomes_an_mp3_without_sound() -> None:
    assert isinstance(audio_to_bytes((24000, np.empty(0, np.int16))), bytes)


def test_an_mp3_is_not_made_of_nonsense() -> None:
    with pytest.raises(HandlerReturnedNonsense):
        audio_to_bytes((24000, np.array([np.nan])))
