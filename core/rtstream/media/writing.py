"""Writing media files: sound and pictures into the formats people ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, NamedTuple, Self

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError

from rtstream.errors import MediaFileError
from rtstream.media.frames import AudioFrame, VideoFrame
from rtstream.media.tracks import AudioTrack, VideoTrack

if TYPE_CHECKING:
    from av.container import OutputContainer


class _Form(NamedTuple):
    """A container and its encoders, by FFmpeg's names."""

    container: str
    audio: str
    video: str | None = None


_FORMS = {
    ".wav": _Form("wav", "pcm_s16le"),
    ".mp3": _Form("mp3", "libmp3lame"),
    ".ogg": _Form("ogg", "libopus"),
    ".opus": _Form("opus", "libopus"),
    ".flac": _Form("flac", "flac"),
    ".m4a": _Form("ipod", "aac"),
    ".mp4": _Form("mp4", "aac", "libx264"),
    ".webm": _Form("webm", "libopus", "libvpx"),
}
SUFFIXES_AUDIO = tuple(suffix for suffix, form in _FORMS.items() if form.video is None)
SUFFIXES_VIDEO = tuple(suffix for suffix, form in _FORMS.items() if form.video is not None)

_RATE = 48_000  # of the sound in a video file whose pictures come first


class ClipWriter:
    """A media file that is being written; the suffix of its name says what it becomes.

    Use it as a context manager: the file is whole when the block ends. A file to which nothing was
    written is not left behind. The same frames give the same bytes in a wav file.

    Args:
        path: the file; one that is there is replaced. Suffixes: `SUFFIXES_AUDIO`, `SUFFIXES_VIDEO`.
        rate: of the sound, in samples a second, as far as its codec has it; by default that of the
            first frame (48,000 in a video file whose pictures come first).
        fps: pictures a second, as far as it is known; it is how long the last picture stands.
        channels: of the sound.
        audio: False for a video file without a stream of sound.
        video: False for a video file without a stream of pictures. Sound waits in memory for the
            first picture, for only that tells the size.

    Raises:
        MediaFileError: nothing with that suffix can be written, or not in that place.
    """

    def __init__(
        self,
        path: str | Path,
        rate: int | None = None,
        fps: float = 30.0,
        *,
        channels: int = 1,
        audio: bool = True,
        video: bool = True,
    ) -> None:
        self.path = Path(path)
        self._form = _form(self.path)
        self._rate, self._fps, self._channels = rate, fps, channels
        self._takes_audio = audio
        self._takes_video = video and self._form.video is not None
        self._file = _created(self.path)
        self._container: OutputContainer | None = None
        self._audio: AudioTrack | None = None
        self._video: VideoTrack | None = None
        self._waiting: list[AudioFrame] = []
        self._heard = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def audio(self, frame: AudioFrame, at: float | None = None) -> None:
        """Append sound.

        Args:
            frame: of any rate and number of channels.
            at: the second it starts at: silence fills the time up to there. What comes earlier than
                the end of the sound so far is appended to it all the same.

        Raises:
            MediaFileError: the file takes no sound, or it cannot be written.
        """
        if not self._takes_audio:
            raise MediaFileError(f"'{self.path}' takes no sound", why="it was opened with audio=False")
        missing = 0 if at is None else round((at - self._heard) * frame.rate)
        if missing > 0:
            self._append(AudioFrame(np.zeros((frame.channels, missing), np.int16), frame.rate))
        self._append(frame)

    def video(self, frame: VideoFrame, at: float) -> None:
        """Show a picture from the second `at` on; all are scaled to the size of the first, made even.

        Raises:
            MediaFileError: the file takes no pictures, or it cannot be written.
        """
        if not self._takes_video:
            raise MediaFileError(
                f"'{self.path}' takes no pictures",
                why="its suffix is one of sound, or it was opened with video=False",
                fix=f"Write to a file with the suffix {' or '.join(SUFFIXES_VIDEO)}",
            )
        with _writing(self.path):
            if self._container is None:
                self._start(frame)
            if self._video is not None:
                self._video.push(frame, at)

    def close(self) -> None:
        """Write what is still held and close the file; a second time does nothing.

        Raises:
            MediaFileError: it cannot be written.
        """
        if self._file.closed:
            return
        with _writing(self.path), self._file:
            if self._container is None and self._waiting:
                self._start(None)
            if self._container is not None:
                if self._audio is not None:
                    self._audio.end()
                if self._video is not None:
                    self._video.end()
                self._container.close()
        if self._container is None:
            self.path.unlink()

    def _append(self, frame: AudioFrame) -> None:
        self._heard += frame.duration
        if self._container is None:
            self._waiting.append(frame)
            if self._takes_video:
                return
        with _writing(self.path):
            if self._container is None:
                self._start(None)
            elif self._audio is not None:
                self._audio.push(frame)

    def _start(self, first: VideoFrame | None) -> None:
        """Declare the streams, which must all be there before the header, and write what has waited."""
        container = av.open(self._file, "w", format=self._form.container, options={"fflags": "+bitexact"})
        self._container = container
        if self._takes_audio:
            rate = self._rate or (self._waiting[0].rate if self._waiting else _RATE)
            self._audio = AudioTrack(container, self._form.audio, rate, self._channels)
        if first is not None and self._form.video is not None:
            self._video = VideoTrack(container, self._form.video, self._fps, first)
        for frame in self._waiting:
            if self._audio is not None:
                self._audio.push(frame)
        self._waiting.clear()


def _form(path: Path) -> _Form:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise MediaFileError(
            f"'{path}' has no suffix that can be written",
            why="the suffix says what kind of file it becomes",
            fix=f"Sound: {', '.join(SUFFIXES_AUDIO)}; video: {', '.join(SUFFIXES_VIDEO)}",
        )
    return form


def _created(path: Path) -> IO[bytes]:
    with _writing(path):
        return path.open("wb")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Errors of the disk and of FFmpeg as ours."""
    try:
        yield
    except UnknownCodecError as error:
        raise MediaFileError(
            f"the FFmpeg of this machine cannot write '{path.suffix}'",
            why=f"it lacks an encoder: {error}",
            fix="Install PyAV as a wheel, which has it: pip install --force-reinstall --only-binary av av",
        ) from error
    except (FFmpegError, OSError) as error:
        raise MediaFileError(
            f"'{path}' cannot be written",
            why=str(error.strerror),
            fix="Choose a folder that is there and that may be written to, on a disk with room",
        ) from error
