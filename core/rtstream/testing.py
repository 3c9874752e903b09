"""What tests of handlers are made of: call one with a recording, and look at what comes back.

from rtstream.testing import call

def test_the_whole_sentence_comes_back():
    result = call(echo, "sample.wav", modality="audio")
    assert not result.errors
    assert result.level > 0.01
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rtstream.clock import Clock, run_stepped
from rtstream.errors import HandlerHung, OptionError
from rtstream.loopback.compare import audio_likeness, is_silent, level, video_likeness
from rtstream.loopback.result import Result
from rtstream.loopback.run import run_file
from rtstream.media.files import Clip
from rtstream.stream import Stream
from rtstream.transports.memory import MemoryTransport

__all__ = [
    "Clip",
    "Clock",
    "HandlerHung",
    "MemoryTransport",
    "Result",
    "audio_likeness",
    "call",
    "is_silent",
    "level",
    "run_stepped",
    "video_likeness",
]


def call(
    handler: Any,
    clip: str | Path | Clip,
    via: str = "direct",
    *,
    realtime: bool = False,
    linger: float = 1.0,
    timeout: float | None = None,
    dtmf: str = "",
    **options: Any,
) -> Result:
    """Send a recording through a handler, as a caller would, and return what came of it.

    Directly it takes no longer than the handler needs: a minute of sound passes in well under a second,
    and a deterministic handler gives the same samples each time. What a handler raises does not come
    through: it is in `result.errors`, as it would be in a server's log.

    Args:
        handler: whatever `Stream` takes, or a Stream.
        clip: the recording, or its file.
        via: "direct" (default), "websocket", "phone" or "webrtc": the latter three through a real server
            on 127.0.0.1, in real time. "phone:plivo" and the like speak another carrier's dialect.
        realtime: let "direct" take as long as the recording lasts.
        linger: for how many seconds the handler must have been quiet before the caller hangs up.
        timeout: real seconds after which the handler is given up (default 60 and twice the recording).
        dtmf: keys that the caller presses from the beginning on, as in "1w2#"; `w` waits half a second.
        options: of the Stream, such as `modality="audio"`.

    Raises:
        MediaFileError: the recording cannot be read, or does not fit the handler.
        OptionError, HandlerUnfit: as of `Stream`; also options beside a Stream, or an unfit `via`.
        HandlerHung: the handler did not come back.
    """
    if isinstance(handler, Stream) and options:
        raise OptionError(
            f"a Stream brings its own {', '.join(options)}",
            fix="Pass the handler itself, or leave the options out",
        )
    stream = handler if isinstance(handler, Stream) else Stream(handler, verbose=False, **options)
    report = run_file(stream, clip, [via], realtime=realtime, linger=linger, timeout=timeout, dtmf=dtmf)
    return report.results[0]
