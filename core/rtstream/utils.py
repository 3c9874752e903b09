"""FastRTC's module of this name: the same names from their homes here."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from .context import Channel, Context, current_line, get_current_context
from .handlers.data import WebRTCData
from .media.audio import (
    aggregate_bytes_to_16bit,
    async_aggregate_bytes_to_16bit,
    audio_to_float32,
    audio_to_int16,
)
from .media.mp3 import audio_to_bytes, audio_to_file
from .options import RTCConfiguration
from .outputs import AdditionalOutputs, CloseStream, Warning, WebRTCError
from .waiting import wait_for_item

RTCConfigurationCallable = RTCConfiguration


class AudioChunk(TypedDict):
    """Where speech begins and ends, in samples: what a `PauseDetectionModel` tells."""

    start: int
    end: int


class CurrentChannel:
    """The way for text to the client of the connection that the calling handler serves, if there is one."""

    def get(self, default: Channel | None = None) -> Channel | None:
        """As of a context variable."""
        line = current_line.get()
        return default if line is None else Channel(line)


current_channel = CurrentChannel()


def create_message(type: str, data: Any) -> str:
    """A message for `send_message`: `{"type": …, "data": …}` as JSON."""
    return json.dumps({"type": type, "data": data})


__all__ = [
    "AdditionalOutputs",
    "AudioChunk",
    "CloseStream",
    "Context",
    "RTCConfigurationCallable",
    "Warning",
    "WebRTCData",
    "WebRTCError",
    "aggregate_bytes_to_16bit",
    "async_aggregate_bytes_to_16bit",
    "audio_to_bytes",
    "audio_to_file",
    "audio_to_float32",
    "audio_to_int16",
    "create_message",
    "current_channel",
    "get_current_context",
    "wait_for_item",
]
