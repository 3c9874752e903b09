"""What a handler is given in the place of the media: the media themselves, or a page's text with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = "__webrtc_value__"  # FastRTC's first argument: the place of the media itself


@dataclass
class WebRTCData:
    """What the textbox variant of the page gives in place of the sound alone.

    `webrtc_id` is the connection's id; `textbox` the text that was sent, "" for a spoken turn; `audio`
    the sound as `(rate, samples)`, int16 of shape `(1, n)` and empty when text was sent.
    """

    webrtc_id: str
    textbox: str = ""
    audio: Any | None = None


def arranged(args: Sequence[Any], place: Any) -> list[Any]:
    """New inputs behind the place of the media, which `place` was until now."""
    if args and isinstance(args[0], WebRTCData):
        return list(args)
    return [WebRTCData(place.webrtc_id) if isinstance(place, WebRTCData) else PLACEHOLDER, *args]


def filled(place: Any, sound: Any) -> Any:
    """The place of the media with the sound of a turn in it; a text is given to one turn only."""
    if not isinstance(place, WebRTCData):
        return sound
    return WebRTCData(place.webrtc_id, place.textbox if place.audio is None else "", sound)
