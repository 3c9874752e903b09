"""Sound as users hold it, numpy arrays and bytes, and the ways between its forms."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np

from rtstream.errors import HandlerReturnedNonsense
from rtstream.media.frames import AudioFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from numpy.typing import NDArray

    Layout = Literal["mono", "stereo"]

RATES = range(1000, 384001)  # samples a second: from below any telephone's to above any converter's
LOUDEST = 16.0  # of floats, 24 dB beyond full scale: what is beyond that was never counted from it

_WHOLE = (int, np.integer)
_SHAPES = "sound has the shape (n,), (1, n) or (2, n); (n, 1) and (n, 2) are turned round"


def to_frame(rate: object, array: object, layout: Layout | None = None) -> AudioFrame:
    """What a handler gives back as sound, as a frame with memory of its own.

    Args:
        rate: samples a second, a whole number from 1,000 to 384,000.
        array: int16, float32 or float64; floats are full scale at ±1, clipped there, and refused beyond
            ±16. Its shape is `(n,)`, `(1, n)` or `(2, n)`, one row a channel; `(n, 1)` and `(n, 2)` are
            turned round. An empty array is a frame without sound.
        layout: "stereo" says of a single row that left and right take turns in it, as in PyAV's packed
            formats.

    Raises:
        HandlerReturnedNonsense: it is no sound; the error says why and what to do.
    """
    if isinstance(rate, bool) or not isinstance(rate, _WHOLE) or int(rate) not in RATES:
        _refuse(
            f"{rate!r:.40} is no sample rate",
            why="a rate is a whole number of samples a second from 1,000 to 384,000",
            fix="Give the sound back as (rate, array), for example (24000, samples)",
        )
    if not isinstance(array, np.ndarray):
        _refuse(
            f"sound came as {type(array).__name__}, not as a numpy array",
            why="only an array says what its samples are",
            fix="Give back (rate, np.asarray(samples, dtype=np.float32)); "
            "for 16-bit bytes (rate, np.frombuffer(data, dtype=np.int16))",
        )
    if (
        array.dtype == np.int16
        and array.ndim == 2
        and array.shape[0] in (1, 2)
        and array.size
        and layout != "stereo"
    ):
        return AudioFrame(np.array(array, order="C"), int(rate))  # the usual form, before all the others
    return AudioFrame(_rows(_full_scale(array), layout), int(rate))


def _full_scale(array: NDArray[Any]) -> NDArray[np.int16]:
    """The samples as int16, in an array that nobody else holds."""
    if array.dtype == np.int16:
        return array.copy()
    if array.dtype not in (np.float32, np.float64):
        _refuse(
            f"sound came as {array.dtype}",
            why="samples are int16, or float32 or float64 between -1 and 1",
            fix="Convert it: 32-bit integers by (samples >> 16).astype(np.int16), "
            "other floats by samples.astype(np.float32)",
        )
    if not np.isfinite(array).all():
        _refuse(
            f"{np.count_nonzero(~np.isfinite(array))} of {array.size} samples are not a number or infinite",
            why="usually a division by zero, for example by the peak of silence",
            fix="Look where the samples are made; np.nan_to_num(samples) hides it",
        )
    if array.size and np.abs(array).max() > LOUDEST:
        _refuse(
            f"samples of {array.dtype} go far beyond 1",
            why="floats are full scale at ±1; these seem to be 16-bit samples that a factor made floats of",
            fix="Give back samples.clip(-32768, 32767).astype(np.int16)",
        )
    scaled: NDArray[np.floating[Any]] = np.rint(np.clip(array, -1.0, 1.0) * 32767)
    return scaled.astype(np.int16)


def _rows(samples: NDArray[np.int16], layout: Layout | None) -> NDArray[np.int16]:
    """The samples as `(channels, n)`."""
    if not samples.size:
        return np.empty((1, 0), np.int16)
    rows = np.atleast_2d(samples)
    if samples.ndim == 0 or rows.ndim > 2 or min(rows.shape) > 2:
        _refuse(
            f"sound came in the shape {samples.shape}",
            why=_SHAPES,
            fix="Mix further channels down first: samples.mean(axis=0) for one row a channel",
        )
    if rows.shape[0] > 2:
        rows = rows.T
    if layout == "stereo" and rows.shape[0] == 1:
        if rows.shape[1] % 2:
            _refuse(
                f"{rows.shape[1]} samples came as interleaved stereo",
                why="left and right take turns, so their number is even",
                fix='Leave layout="stereo" out for one channel, or give two rows of the shape (2, n)',
            )
        rows = rows.reshape(-1, 2).T
    return np.ascontiguousarray(rows)


def _refuse(what: str, *, why: str, fix: str) -> NoReturn:
    raise HandlerReturnedNonsense(what, why=why, fix=fix)


def audio_to_float32(audio: NDArray[Any] | tuple[int, NDArray[Any]]) -> NDArray[np.float32]:
    """int16 as float32 between -1 and 1 (divided by 32768); float32 is given back as it is.

    Args:
        audio: the samples, of any shape. A tuple `(rate, samples)` is deprecated.

    Raises:
        TypeError: any other dtype.
    """
    samples = _without_rate(audio, "audio_to_float32")
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32768)
    if samples.dtype == np.float32:
        return samples
    raise TypeError(f"Unsupported audio data type: {samples.dtype}")


def audio_to_int16(audio: NDArray[Any] | tuple[int, NDArray[Any]]) -> NDArray[np.int16]:
    """float32 as int16 (clipped to ±1, multiplied by 32767); int16 is given back as it is.

    Args:
        audio: the samples, of any shape. A tuple `(rate, samples)` is deprecated.

    Raises:
        TypeError: any other dtype.
    """
    samples = _without_rate(audio, "audio_to_int16")
    if samples.dtype == np.int16:
        return samples
    if samples.dtype == np.float32:
        scaled: NDArray[np.float32] = np.clip(samples, -1, 1) * np.float32(32767)
        return scaled.astype(np.int16)
    raise TypeError(f"Unsupported audio data type: {samples.dtype}")


def _without_rate(audio: NDArray[Any] | tuple[int, NDArray[Any]], function: str) -> NDArray[Any]:
    if not isinstance(audio, tuple):
        return audio
    warnings.warn(
        f"Passing a (rate, samples) tuple to {function}() is deprecated: pass the samples alone.",
        UserWarning,
        stacklevel=3,
    )
    return audio[1]


def aggregate_bytes_to_16bit(chunks_iterator: Iterable[bytes]) -> Iterator[NDArray[np.int16]]:
    """Bytes of 16-bit little-endian sound, cut anywhere, as arrays of shape `(1, n)`.

    Half a sample at the end of a chunk waits for the next one; one at the very end is dropped.
    """
    half = b""
    for chunk in chunks_iterator:
        samples, half = _whole_samples(half + chunk)
        if samples.size:
            yield samples


async def async_aggregate_bytes_to_16bit(
    chunks_iterator: AsyncIterable[bytes],
) -> AsyncIterator[NDArray[np.int16]]:
    """`aggregate_bytes_to_16bit` for chunks that are awaited."""
    half = b""
    async for chunk in chunks_iterator:
        samples, half = _whole_samples(half + chunk)
        if samples.size:
            yield samples


def _whole_samples(data: bytes) -> tuple[NDArray[np.int16], bytes]:
    whole = len(data) & ~1
    return np.frombuffer(data[:whole], "<i2").astype(np.int16).reshape(1, -1), data[whole:]
