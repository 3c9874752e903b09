"""What a handler may give back, and the one place that tells its forms apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from .context import current_line
from .errors import HandlerReturnedNonsense
from .media.audio import to_frame
from .media.dtmf import dialled
from .media.frames import AudioFrame, VideoFrame


class AdditionalOutputs:
    """Values for the client beside the media: a transcript, a count, a chat history.

    Yield it, or return it beside a frame: `return frame, AdditionalOutputs(boxes)`. It is announced to
    the client by the message `fetch_output` and is read with `Stream.output_stream(id)`.
    """

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"AdditionalOutputs{self.args!r}"


class CloseStream:
    """Ends the connection, after what was given before it has been played.

    The client is told by the message `end_stream` with `msg` as data; then the server hangs up.
    """

    def __init__(self, msg: str = "Stream closed") -> None:
        self.msg = msg

    def __repr__(self) -> str:
        return f"CloseStream({self.msg!r})"


class Dtmf:
    """Presses keys at the far end, after what was given before it has been played: `yield Dtmf("1w2#")`.

    `w` waits half a second, `W` a whole one. A carrier that has a message for it is sent that; elsewhere the
    tones are heard.

    Raises:
        OptionError: a character is no key of a telephone.
    """

    def __init__(self, digits: str) -> None:
        dialled(digits)
        self.digits = digits

    def __repr__(self) -> str:
        return f"Dtmf({self.digits!r})"


class WebRTCError(Exception):
    """An error for the eyes of the client: raise it in a handler, and its message is shown there.

    The connection lives on, with the next frame or turn.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def Warning(message: str = "Warning issued.") -> None:
    """Show a warning to the client of the connection that the calling handler serves.

    Outside a handler it does nothing.
    """
    if (line := current_line.get()) is not None:
        line.send_text(json.dumps({"type": "warning", "message": message}))


Item: TypeAlias = AudioFrame | VideoFrame | AdditionalOutputs | Dtmf | CloseStream


def parse(value: Any, *, frame_seconds: float = 0.0) -> list[Item]:
    """The frames and side outputs in what a handler gave back, in their order.

    Forms: None; `AdditionalOutputs`; `Dtmf`; `CloseStream`; sound as `(rate, array)` or `(rate, array,
    layout)`; a picture as an array of shape `(height, width[, channels])`; any of these beside an
    `AdditionalOutputs`, `Dtmf` or `CloseStream` in a tuple. `frame_seconds` is for how long a picture stays.

    Raises:
        HandlerReturnedNonsense: for anything else.
    """
    # Sound, most of the time.
    if type(value) is tuple and len(value) == 2 and isinstance(value[1], np.ndarray):
        return [to_frame(*value)]
    match value:
        case None:
            return []
        case AdditionalOutputs() | Dtmf() | CloseStream() | AudioFrame():
            return [value]
        case list():
            return [item for part in value for item in parse(part, frame_seconds=frame_seconds)]
        case VideoFrame():
            return [replace(value, duration=value.duration or frame_seconds)]
        case np.ndarray():
            return [VideoFrame(_pixels(value), frame_seconds)]
        case (np.ndarray() | None | tuple() as media, AdditionalOutputs() | Dtmf() | CloseStream() as beside):
            return [*parse(media, frame_seconds=frame_seconds), beside]
        case _:
            return [_sound(value)]


def out_of_place(frame: AudioFrame | VideoFrame, modality: str) -> HandlerReturnedNonsense:
    """The error for a frame of a kind that the stream is not made of."""
    return HandlerReturnedNonsense(
        f"the handler gave back {'sound' if frame.kind == 'audio' else 'a picture'}",
        why=f"the stream's modality is {modality!r}",
        fix=f"Return {modality}, or pass modality='audio-video'",
    )


def _sound(value: Any) -> AudioFrame:
    match value:
        case (rate, np.ndarray() as samples):
            return to_frame(rate, samples)
        case (rate, np.ndarray() as samples, ("mono" | "stereo" | None) as layout):
            return to_frame(rate, samples, layout)
        case (int() | float() | np.number() as rate, samples) if not isinstance(samples, int | float):
            return to_frame(rate, samples)  # which says what to make of lists, bytes and tensors
    raise HandlerReturnedNonsense(
        f"the handler gave back {_describe(value)}, which is neither media nor an output",
        why="sound is `(rate, array)`, a picture is an array of shape (height, width, 3)",
        fix=_way_out(value),
    )


def _way_out(value: Any) -> str:
    """What people meant who gave that back."""
    match value:
        case (np.ndarray(), int() | float() | np.number()):
            return "Give it back the other way round: `(rate, samples)`"
        case (AdditionalOutputs() | Dtmf() | CloseStream(), _):
            return "Give the media first: `media, AdditionalOutputs(...)`; or yield one after the other"
        case str():
            return "Send text with `AdditionalOutputs(text)`, or to the client alone with `send_message`"
        case BaseException():
            return "Raise it, instead of giving it back"
    if hasattr(value, "__array_interface__"):
        return "For a picture of Pillow give back `np.asarray(image.convert('RGB'))[:, :, ::-1]`"
    return "Return or yield one of these, `AdditionalOutputs(...)`, `Dtmf(...)`, `CloseStream()` or None"


def _pixels(array: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if array.dtype != np.uint8 and array.ndim < 3:
        raise HandlerReturnedNonsense(
            f"the handler gave back an array of {array.dtype} without a rate",
            why="sound is `(rate, array)`; an array alone is a picture, which is uint8",
            fix="Return `(rate, array)`, with the rate that came in; a picture as `picture.astype(np.uint8)`",
        )
    if array.dtype != np.uint8:
        raise HandlerReturnedNonsense(
            f"the handler gave back a picture of dtype {array.dtype}",
            why="pictures are uint8, from 0 to 255",
            fix="Return `picture.clip(0, 255).astype(np.uint8)`",
        )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise HandlerReturnedNonsense(
            f"the handler gave back an array of shape {array.shape}, which is no picture",
            why="a picture has the shape (height, width, 3), in the order blue, green, red",
            fix="Return an array like the one that came in; sound goes with its rate: `(rate, samples)`",
        )
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def _describe(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} ({', '.join(type(part).__name__ for part in value)})"
    return f"{type(value).__name__} {value!r:.40}"
