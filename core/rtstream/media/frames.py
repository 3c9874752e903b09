"""What travels between a transport and a handler: a piece of sound, a picture, a message, a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["audio", "video"]

FRAME_SECONDS = 0.02  # the packet time of every telephone and browser (RFC 7587 §4.2: Opus default)


class AudioFrame:
    """A piece of sound.

    `samples` is int16 of shape `(channels, n)`, one row a channel; `rate` is in samples a second, and
    `duration` in seconds. Nobody changes any of them: several may hold the same frame.
    """

    # No dataclass: a packet makes two of these and asks six times how long they sound.
    __slots__ = ("duration", "rate", "samples")

    kind: Kind = "audio"

    def __init__(self, samples: NDArray[np.int16], rate: int) -> None:
        self.samples = samples
        self.rate = rate
        self.duration: float = samples.shape[1] / rate

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A picture.

    `pixels` is uint8 of shape `(height, width, 3)` in the order blue, green, red. `duration` is for
    how many seconds it holds the floor: 0 for a picture that goes out as soon as it is there.
    """

    pixels: NDArray[np.uint8]
    duration: float = 0.0

    @property
    def kind(self) -> Kind:
        return "video"


@dataclass(frozen=True, slots=True)
class Message:
    """A message beside the media: on a data channel, or as text on a WebSocket.

    `text` is what goes over the line: a JSON document in rtstream's own messages, anything in the
    user's.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Digit:
    """A key that a caller has pressed: one of `0` to `9`, `*`, `#`, and `A` to `D` (ITU-T Q.23)."""

    digit: str


Frame = AudioFrame | VideoFrame
Heard = AudioFrame | VideoFrame | Message | Digit


def message(type: str, data: Any = None, **more: Any) -> dict[str, Any]:
    """A message in FastRTC's form: `{"type": …, "data": …}`."""
    return {"type": type, "data": data, **more}


def joined(parts: list[AudioFrame]) -> AudioFrame | None:
    """Pieces of one stream of sound as one; None if there are none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return AudioFrame(np.concatenate([part.samples for part in parts], axis=1), parts[0].rate)
