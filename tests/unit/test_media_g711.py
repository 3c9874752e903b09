from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rtstream.media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from tests.unit.signals import speechlike

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = bytes(range(256))

Encode = Callable[[NDArray[np.int16]], bytes]
Decode = Callable[[bytes], NDArray[np.int16]]
laws = pytest.mark.parametrize(
    ("encode", "decode"), [(ulaw_encode, ulaw_decode), (alaw_encode, alaw_decode)], ids=["ulaw", "alaw"]
)


def audioop() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("audioop", reason="this Python has no audioop (it left in 3.13)")


@pytest.mark.parametrize(
    ("sample", "code"),
    [(0, 0xFF), (-1, 0xFE - 0x80), (8, 0xFE), (32767, 0x80), (-32768, 0x00), (1000, 0xCE), (-1000, 0x4E)],
)
def test_ulaw_gives_the_codes_of_the_standard(sample: int, code: int) -> None:
    assert ulaw_encode(np.array([sample], np.int16)) == bytes([code])


@pytest.mark.parametrize(
    ("sample", "code"),
    [(0, 0xD5), (-1, 0x55), (16, 0xD4), (32767, 0xAA), (-32768, 0x2A), (1000, 0xFA), (-1000, 0x7A)],
)
def test_alaw_gives_the_codes_of_the_standard(sample: int, code: int) -> None:
    assert alaw_encode(np.array([sample], np.int16)) == bytes([code])


def test_the_ends_of_both_scales_decode_to_the_values_of_the_standard() -> None:
    assert ulaw_decode(bytes([0x00, 0x7F, 0x80, 0xFF])).tolist() == [-32124, 0, 32124, 0]
    assert alaw_decode(bytes([0x2A, 0x55, 0xAA, 0xD5])).tolist() == [-32256, -8, 32256, 8]


def test_all_samples_and_codes_agree_with_pythons_own_audioop() -> None:
    oracle = audioop()
    linear = EVERY_SAMPLE.tobytes()
    assert ulaw_encode(EVERY_SAMPLE) == oracle.lin2ulaw(linear, 2)
    assert alaw_encode(EVERY_SAMPLE) == oracle.lin2alaw(linear, 2)
    assert ulaw_decode(EVERY_CODE).tobytes() == oracle.ulaw2lin(EVERY_CODE, 2)
    assert alaw_decode(EVERY_CODE).tobytes() == oracle.alaw2lin(EVERY_CODE, 2)


@laws
def test_coding_what_was_decoded_changes_nothing_more(encode: Encode, decode: Decode) -> None:
    once = decode(encode(EVERY_SAMPLE))
    assert np.array_equal(decode(encode(once)), once)


@laws
def test_a_louder_sample_never_decodes_to_a_quieter_one(encode: Encode, decode: Decode) -> None:
    assert np.all(np.diff(decode(encode(EVERY_SAMPLE)).astype(np.int32)) >= 0)


@laws
def test_speech_keeps_a_telephones_distance_from_its_noise(encode: Encode, decode: Decode) -> None:
    said = speechlike(2, 8000)
    noise = decode(encode(said)).astype(np.float64) - said
    distance = 10 * np.log10(np.sum(said.astype(np.float64) ** 2) / np.sum(noise**2))
    assert distance > 35


@laws
def test_one_row_of_stereo_and_no_sound_at_all_can_be_coded(encode: Encode, decode: Decode) -> None:
    stereo = np.stack([EVERY_SAMPLE, -EVERY_SAMPLE // 2], axis=1).T  # rows with gaps between the samples
    assert encode(stereo[0]) == encode(EVERY_SAMPLE)
    assert encode(np.empty(0, np.int16)) == b""
    assert decode(b"").shape == (0,)
