"""All that came of sending one recording through a stream, one way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtstream.errors import RtstreamError
from rtstream.loopback.compare import level
from rtstream.loopback.taken import ALLOWANCE, Taken, play, trimmed, waits
from rtstream.loopback.turns import Turn, turns_of
from rtstream.media.files import SUFFIXES_VIDEO, ClipWriter
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.outputs import AdditionalOutputs
from rtstream.session.session import Session


@dataclass
class Result:
    """One recording sent through a stream one way, and all that came of it.

    Attributes:
        via: "direct", "websocket", "phone" or "webrtc".
        seconds_in: of media that was sent.
        audio: what came back as a listener would have heard it from the moment when sending began,
            without the silence at its end; None when no sound came, not even silence.
        unbroken: the same without the silence before what came late.
        video: the pictures that came back, each with its time in seconds since sending began.
        messages: the texts beside the media, those in JSON read.
        outputs: the additional outputs; empty when the stream is on another machine.
        errors: what went wrong, in the handler or on the way; of a handler's the first 20.
        failures: how many there were in all.
        breaches: sentences on what the server did against the protocol.
        first_audio_ms: from the first sound sent to the first sound back; None when none came.
        first_picture_ms: from the first picture sent to the first one back.
        gaps: seconds by which each frame kept the listener waiting longer than the one before it lasted.
        frames: how many came back. `late`: how many of them came too late to be played in time.
        dropped: how many were lost on the way or thrown away by the server.
        heard: how many frames reached the handler; None when the stream is on another machine.
        said_nothing: whether what was sent held nothing but silence.
        took: real seconds from beginning to end.
        turns: those of the caller, if the handler takes turns.
        spoke_over: when the caller began to speak over a reply, as `test-file --interrupt-at` does, in
            seconds since sending began.
        keys: those that the server pressed by messages.
    """

    via: str
    seconds_in: float = 0.0
    audio: AudioFrame | None = None
    unbroken: AudioFrame | None = None
    video: list[tuple[float, VideoFrame]] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    outputs: list[AdditionalOutputs] = field(default_factory=list)
    errors: list[RtstreamError] = field(default_factory=list)
    failures: int = 0
    breaches: list[str] = field(default_factory=list)
    first_audio_ms: float | None = None
    first_picture_ms: float | None = None
    gaps: list[float] = field(default_factory=list)
    frames: int = 0
    late: int = 0
    dropped: int = 0
    heard: int | None = None
    said_nothing: bool = False
    took: float = 0.0
    turns: list[Turn] = field(default_factory=list)
    spoke_over: float | None = None
    keys: str = ""
    fps: float = 30.0

    @property
    def level(self) -> float:
        """The RMS of the sound that came back, 0 to 1."""
        return level(self.audio) if self.audio is not None else 0.0

    @property
    def seconds_out(self) -> float:
        """Of media that came back."""
        sound = self.audio.duration if self.audio is not None else 0.0
        pictures = self.video[-1][0] - self.video[0][0] + 1 / self.fps if self.video else 0.0
        return max(sound, pictures)

    def save(self, path: str | Path) -> None:
        """Write what came back to a media file; its suffix says in which format. Nothing makes no file.

        Raises:
            MediaFileError: it cannot be written there or in that format.
        """
        pictures = self.video if Path(path).suffix.lower() in SUFFIXES_VIDEO else []
        rate, channels = (self.audio.rate, self.audio.channels) if self.audio is not None else (None, 1)
        has_sound = self.audio is not None
        with ClipWriter(
            path, rate, self.fps, channels=channels, audio=has_sound, video=bool(pictures)
        ) as writer:
            if self.audio is not None:
                writer.audio(self.audio)
            for at, picture in pictures:
                writer.video(picture, at)


def from_taken(taken: Taken, *, said: bool, seconds: float, fps: float, by_ear: bool = False) -> Result:
    """What a caller brought home, put in order.

    Args:
        taken: it.
        said: whether the recording was said, or only listened for as long as it lasts.
        seconds: how long it lasts.
        fps: pictures a second that are expected.
        by_ear: find turns of which the far end tells nothing by what is heard.
    """
    played = play(taken.audio, taken.started)
    watched = waits(taken.video, 1 / fps)
    return Result(
        via=taken.via,
        seconds_in=seconds if said else 0.0,
        audio=trimmed(played.sound, seconds) if played.sound is not None else None,
        unbroken=played.unbroken,
        video=[(piece.at - taken.started, piece.frame) for piece in taken.video],
        messages=[_read(text) for text in taken.texts],
        errors=list(taken.errors),
        failures=len(taken.errors),
        breaches=taken.breaches,
        first_audio_ms=_between(taken.spoke, taken.first_sound, taken.started),
        first_picture_ms=_between(taken.shown, taken.video[0].at if taken.video else None, taken.started),
        gaps=played.gaps + watched,
        frames=len(taken.audio) + len(taken.video),
        late=played.late + sum(gap > ALLOWANCE for gap in watched),
        dropped=taken.lost,
        keys=taken.keys,
        said_nothing=taken.spoke is None and taken.shown is None,
        turns=turns_of(taken, by_ear=by_ear),
        fps=fps,
    )


def add_session(result: Result, session: Session, outputs: list[AdditionalOutputs]) -> None:
    """Add what only the server's side of the call knows."""
    told = {error.what for error in session.errors}
    others = [error for error in result.errors if error.what not in told]
    result.errors = [*session.errors, *others]
    result.failures = session.stats.errors + len(others)
    result.outputs = outputs
    result.dropped += session.stats.dropped
    result.heard = session.stats.frames_in


def _between(said: float | None, answered: float | None, started: float) -> float | None:
    """Milliseconds from the first thing said to the first thing back; from the start if that came first."""
    if answered is None:
        return None
    return (answered - (said if said is not None and said <= answered else started)) * 1000


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
