"""faster-whisper: speech to text in a hundred languages with a model that the user has downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .engines import OFFLINE_STT, Loading, Working, not_downloaded, package
from .protocols import Audio, Word
from .sound import as_float, hearing


class FasterWhisperSTT:
    """Speech to text, by the package `faster-whisper`.

    Args:
        model: the folder of a CTranslate2 model, or a name such as "tiny.en" or "small" of one that was
            downloaded before. Nothing is downloaded.
        language: such as "en"; None (default) lets the model find out, which costs time.

    Raises:
        MissingExtra: the package or the model is not on this machine.
        UsageError: the folder holds no such model.
        HandlerRaised: by its methods, when the engine fails.
    """

    def __init__(self, model: str = "tiny.en", language: str | None = None) -> None:
        whisper = package("faster_whisper", "faster-whisper", "whisper", OFFLINE_STT)
        self.language = language
        with Loading("faster-whisper", model):
            self.model: Any = whisper.WhisperModel(_folder(whisper, model), compute_type="auto")

    def stt(self, audio: Audio) -> str:
        """What is said in the sound; "" for nothing. Blocks: call it in a thread."""
        with Working("faster-whisper"):
            return "".join(part.text for part in self._parts(audio)).strip()

    def words(self, audio: Audio) -> list[Word]:
        """What is said in the sound, word by word."""
        with Working("faster-whisper"):
            return [
                Word(word.word.strip(), float(word.start), float(word.end))
                for part in self._parts(audio, word_timestamps=True)
                for word in part.words
            ]

    def _parts(self, audio: Audio, **more: Any) -> Any:
        return self.model.transcribe(as_float(hearing(audio)), language=self.language, beam_size=1, **more)[0]


def _folder(whisper: Any, model: str) -> str:
    """The folder of the model: a path as it is, else where an earlier download has put it."""
    if Path(model).expanduser().is_dir():
        return str(Path(model).expanduser())
    try:
        found: str = whisper.download_model(model, local_files_only=True)
    except OSError:  # huggingface_hub's LocalEntryNotFoundError is one
        repository = model if "/" in model else f"Systran/faster-whisper-{model}"
        raise not_downloaded(f"faster-whisper/{model}", f"hf download {repository}", OFFLINE_STT) from None
    return found
