"""Reading media files: whatever FFmpeg can, as sound and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Self

import av
import numpy as np
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition

from rtstream.errors import MediaFileError
from rtstream.media.audio import RATES
from rtstream.media.frames import FRAME_SECONDS, AudioFrame, VideoFrame, joined
from rtstream.media.pyav import audio_from_av, video_from_av
from rtstream.media.resample import Chunker, Resampler
from rtstream.media.writing import SUFFIXES_AUDIO, SUFFIXES_VIDEO

if TYPE_CHECKING:
    from av.container import InputContainer


@dataclass(frozen=True, slots=True)
class Clip:
    """A media file that can be read: `Clip.open(path)`.

    What the file does not have is 0: `rate` and `channels` without sound, `fps` and `size` (width,
    height) without pictures. `duration` is in seconds. The picture on the cover of a song is no video.
    """

    path: Path
    duration: float
    has_audio: bool
    has_video: bool
    rate: int
    channels: int
    fps: float
    size: tuple[int, int]

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Look into a file far enough to know that it has sound or pictures.

        Raises:
            MediaFileError: there is no such file, it is a folder, empty, a text, no media or damaged, holds
                neither sound nor pictures, or not one sample and not one picture of them.
        """
        path = Path(path)
        _must_hold_bytes(path)
        with _reading(path) as container:
            _must_be_no_text(path, container)
            sound, picture = _first_frames(path, container)
            if sound is not None and sound.sample_rate not in RATES:
                raise MediaFileError(
                    f"'{path}' says that its sound has {sound.sample_rate:,} samples a second",
                    why=f"no sound has: there are from {RATES.start:,} to {RATES.stop - 1:,}",
                    fix="Record it or export it again: its header is damaged",
                )
            video = _video_stream(container) if picture else None
            fps = (video.average_rate or video.guessed_rate or 0) if video else 0
            known = container.duration
        return cls(
            path=path,
            duration=known / av.time_base if known else _measured(path),
            has_audio=sound is not None,
            has_video=picture is not None,
            rate=sound.sample_rate if sound else 0,
            channels=len(sound.layout.channels) if sound else 0,
            fps=float(fps),
            size=(picture.width, picture.height) if picture else (0, 0),
        )

    def audio(self, rate: int | None = None, channels: int = 1) -> AudioFrame:
        """All its sound in one frame, by default at its own rate and in one channel.

        Raises:
            MediaFileError: it has no sound, or it cannot be read any more.
        """
        rate = rate or self.rate
        whole = joined(list(self._sound(rate, channels)))
        return whole or AudioFrame(np.empty((channels, 0), np.int16), rate)

    def audio_frames(
        self, rate: int | None = None, seconds: float = FRAME_SECONDS, channels: int = 1
    ) -> Iterator[AudioFrame]:
        """Its sound piece by piece as it is decoded, each `seconds` long, the last filled with silence.

        Raises:
            MediaFileError: it has no sound, or it cannot be read any more.
        """
        rate = rate or self.rate
        chunker = Chunker(rate, channels, seconds)
        for part in self._sound(rate, channels):
            yield from chunker.push(part)
        if rest := chunker.flush():
            yield rest

    def video_frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """Its pictures in the order they are seen, as they are decoded, each with its time in seconds.

        Raises:
            MediaFileError: it has no pictures, or it cannot be read any more.
        """
        if not self.has_video:
            raise MediaFileError(
                f"'{self.path}' has no pictures",
                why="it holds sound only",
                fix=f"Take a video file, for example one with the suffix {' or '.join(SUFFIXES_VIDEO)}",
            )
        with _reading(self.path) as container:
            stream = _video_stream(container)
            for packet in container.demux(stream) if stream else ():
                frames: list[av.VideoFrame] = []
                with suppress(InvalidDataError):  # a damaged picture is skipped, as players do
                    frames = packet.decode()
                for frame in frames:
                    yield max(0.0, (frame.time or 0.0) - _start(container)), video_from_av(frame)

    def _sound(self, rate: int, channels: int) -> Iterator[AudioFrame]:
        """Its sound at that rate, from the moment its pictures start if it has any."""
        if not self.has_audio:
            raise MediaFileError(
                f"'{self.path}' has no sound",
                why="it holds pictures only",
                fix="Take a file with sound",
            )
        resampler = Resampler(rate, channels)
        with _reading(self.path) as container:
            stream = container.streams.audio[0]
            late = float((stream.start_time or 0) * (stream.time_base or 0)) - _start(container)
            if self.has_video and late > 0:
                yield AudioFrame(np.zeros((channels, round(late * rate)), np.int16), rate)
            for packet in container.demux(stream):
                frames: list[av.AudioFrame] = []
                with suppress(InvalidDataError):  # a damaged packet is skipped, as players do
                    frames = packet.decode()
                for frame in frames:
                    if part := resampler.push(audio_from_av(frame)):
                        yield part
        if rest := resampler.flush():
            yield rest


def _must_hold_bytes(path: Path) -> None:
    try:
        if path.is_dir():
            raise MediaFileError(
                f"'{path}' is a folder", why="a media file is wanted", fix="Name a file in that folder"
            )
        status = path.stat()
    except FileNotFoundError:
        raise MediaFileError(
            f"there is no file '{path}'",
            why=f"nothing of that name was found, seen from '{Path.cwd()}'",
            fix="Check the spelling, or give the whole path",
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not S_ISREG(status.st_mode):
        raise MediaFileError(
            f"'{path}' is a pipe or a device",
            why="a recording is read several times, and those can be read once",
            fix="Write it to a file first, and name that",
        )
    if not status.st_size:
        raise MediaFileError(
            f"'{path}' is empty: it has 0 bytes",
            why="a recording or a download that was never finished leaves such a file",
            fix="Record it or copy it again",
        )


def _unreadable(path: Path, error: OSError) -> MediaFileError:
    return MediaFileError(
        f"'{path}' cannot be read", why=str(error.strerror), fix="Check who may read it: ls -l"
    )


def _must_be_no_text(path: Path, container: InputContainer) -> None:
    """FFmpeg takes a `.txt` for pictures: those of a terminal that shows it."""
    if container.format.name == "tty":
        raise MediaFileError(
            f"'{path}' is no media file, but a text", why="there is no sound in it", fix="Name the recording"
        )


@contextmanager
def _reading(path: Path) -> Iterator[InputContainer]:
    """The file, opened; FFmpeg's errors as ours."""
    try:
        with av.open(f"file:{path}") as container:  # the prefix: a name with a colon is no protocol
            yield container
    except PermissionError as error:
        raise _unreadable(path, error) from error
    except FFmpegError as error:
        raise MediaFileError(
            f"'{path}' is no media file, or a damaged one",
            why=f"FFmpeg says: {error.strerror}",
            fix=f"Take a file that a player plays, for example {', '.join(SUFFIXES_AUDIO + SUFFIXES_VIDEO)}",
        ) from error


def _video_stream(container: InputContainer) -> av.VideoStream | None:
    """The first stream of pictures that is not the cover of a song."""
    moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return next(moving, None)


def _start(container: InputContainer) -> float:
    """The moment the file's own clock starts with, in seconds."""
    return (container.start_time or 0) / av.time_base


def _first_frames(path: Path, container: InputContainer) -> tuple[av.AudioFrame | None, av.VideoFrame | None]:
    """The first piece of sound and the first picture, None for what there is none of."""
    video = _video_stream(container)
    streams = [*container.streams.audio[:1], *([video] if video else [])]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise MediaFileError(
            f"'{path}' holds neither sound nor pictures",
            why=f"FFmpeg finds {kinds} in it",
            fix="Take a file with sound or pictures",
        )
    sound: av.AudioFrame | None = None
    picture: av.VideoFrame | None = None
    for packet in container.demux(streams):
        with suppress(InvalidDataError):
            for frame in packet.decode():
                if isinstance(frame, av.AudioFrame):
                    sound = sound or frame
                elif isinstance(frame, av.VideoFrame):
                    picture = picture or frame
        if (sound is not None) + (picture is not None) == len(streams):
            break
    if sound is None and picture is None:
        raise MediaFileError(
            f"'{path}' lasts 0 seconds",
            why="it is a media file, but there is not one sample and not one picture in it",
            fix="Record it or export it again",
        )
    return sound, picture


def _measured(path: Path) -> float:
    """How long a file lasts that does not say so itself, such as a browser's recording, in seconds."""
    with _reading(path) as container:
        ends = [
            float((packet.pts + (packet.duration or 0)) * packet.time_base)
            for packet in container.demux()
            if packet.pts is not None and packet.time_base
        ]
        return max(ends, default=0.0) - _start(container)
