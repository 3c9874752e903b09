"""Sound as mp3: the form that speech services take."""

from __future__ import annotations

import io
import tempfile
from typing import TYPE_CHECKING, Any

import av

from rtstream.errors import HandlerReturnedNonsense
from rtstream.media.audio import to_frame
from rtstream.media.tracks import AudioTrack

if TYPE_CHECKING:
    from numpy.typing import NDArray


def audio_to_bytes(audio: tuple[int, NDArray[Any]]) -> bytes:
    """Sound as the bytes of an mp3 file, for example to send it to a speech service.

    Args:
        audio: `(rate, samples)` in the forms that `to_frame` takes. A rate that MP3 does not have
            becomes the next higher one of 8 to 48 kHz, a higher one becomes 48 kHz.

    Raises:
        HandlerReturnedNonsense: it is no sound.
    """
    if not isinstance(audio, tuple | list):
        raise HandlerReturnedNonsense(
            f"sound came as {type(audio).__name__}, without its rate",
            why="samples alone do not say how fast they are played",
            fix="Pass both: audio_to_bytes((rate, samples))",
        )
    frame = to_frame(*audio)
    written = io.BytesIO()
    with av.open(written, "w", format="mp3") as container:
        track = AudioTrack(container, "libmp3lame", frame.rate, frame.channels)
        track.push(frame)
        track.end()
    return written.getvalue()


def audio_to_file(audio: tuple[int, NDArray[Any]]) -> str:
    """Sound as an mp3 file in the folder for temporary files; deleting it is up to the caller.

    Args:
        audio: as for `audio_to_bytes`.

    Returns:
        The path of the file.

    Raises:
        HandlerReturnedNonsense: it is no sound.
    """
    written = audio_to_bytes(audio)
    with tempfile.NamedTemporaryFile(suffix=".mp3", delete=False) as file:
        file.write(written)
    return file.name
