"""What is known of a session from outside: what it counted, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

STOPPING = "The server is stopping"  # what a client is told with `SERVER_STOPPING`


class EndReason(Enum):
    """Why a session ended; the value is the `reason` of the message `end_stream`."""

    CLIENT_LEFT = "client_left"
    HANDLER_CLOSED = "handler"
    SOURCE_ENDED = "source_ended"
    TIME_LIMIT = "time_limit"
    SERVER_STOPPING = "server_stopping"
    NEVER_CONNECTED = "never_connected"
    FAILED = "failed"


@dataclass
class Stats:
    """What a session counts. Seconds are seconds of sound; frames are of all kinds."""

    frames_in: int = 0
    frames_out: int = 0
    seconds_in: float = 0.0
    seconds_out: float = 0.0
    dropped: int = 0
    errors: int = 0
