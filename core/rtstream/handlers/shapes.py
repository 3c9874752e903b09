"""What a handler asks to be called for: what it listens to, and what it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..media.frames import Kind

WHOLE_REPLY = 60.0  # seconds: a handler that emits a reply in one go may; clear_queue() then drops all of it


@dataclass(frozen=True)
class Listener:
    """What is called with each frame heard: `fn` is the user's; `args` gives what it takes beyond the
    media, None while they are awaited; `replies` says whether what it returns is sent to the client.
    """

    fn: Callable[..., Any]
    args: Callable[[], tuple[Any, ...] | None] = tuple
    replies: bool = False


@dataclass(frozen=True)
class Source:
    """What is asked for output, again and again.

    `kind` is the kind of media that it gives, None for any; `ahead` is how many seconds of sound may be
    queued before it is asked again; `frame_seconds` is for how long each picture stays.
    """

    fn: Callable[[], Any]
    kind: Kind | None = None
    ahead: float = WHOLE_REPLY
    frame_seconds: float = 0.0
