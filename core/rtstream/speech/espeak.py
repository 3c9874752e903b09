"""espeak-ng: text to speech and pronunciations in a hundred languages, with no download and no key.

The library (GPL-3, in the wheel of `espeakng-loader`) has one global state, so one thread owns it and
speaks piece after piece for everybody who asks.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MachineError, UsageError
from ..worker import Worker
from .engines import package
from .speaking import TTS
from .text import paragraphs

Samples = NDArray[np.int16]

# espeak-ng's speak_lib.h
SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: sound goes to a callback while `espeak_Synth` runs
DONT_EXIT = 0x8000
UTF8 = 1
RATE, PITCH = 1, 3  # espeak_PARAMETER
IPA = 0x02
BUFFER_MS = 60
WORDS_A_MINUTE = 175  # at speed 1

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class EspeakTTSOptions:
    """How espeak-ng speaks.

    Args:
        voice: a language or voice of espeak-ng, with a variant if one likes: "en-us" (default), "de",
            "en-us+f3".
        speed: from 0.5 to 2.5 (default 1: 175 words a minute).
        pitch: from 0 to 100 (default 50).
    """

    voice: str = "en-us"
    speed: float = 1.0
    pitch: int = 50

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.5 or not 0 <= self.pitch <= 100:
            raise UsageError(
                f"EspeakTTSOptions cannot have speed {self.speed!r} and pitch {self.pitch!r}",
                fix="Pass a speed from 0.5 to 2.5 and a pitch from 0 to 100",
            )


class EspeakTTS(TTS):
    """Text to speech with espeak-ng: int16 at 22,050 Hz, the first 60 ms of it within a millisecond.

    Raises:
        MissingExtra: espeakng-loader is not installed.
        UsageError: by its methods, when there is no such voice.
    """

    def __init__(self) -> None:
        self._engine = engine()

    def stream_tts_sync(
        self, text: str, options: EspeakTTSOptions | None = None
    ) -> Generator[tuple[int, Samples], None, None]:
        """The text as pieces of sound of up to 60 ms, as the engine makes them."""
        spoken = _Spoken()
        try:
            for piece in paragraphs(text):
                self._engine.speak(piece, options or EspeakTTSOptions(), spoken)
                while (samples := spoken.pieces.get()) is not None:
                    if isinstance(samples, UsageError):
                        raise samples
                    yield self._engine.rate, samples
        finally:
            spoken.wanted = False


class _Spoken:
    """Where the engine's thread puts what it speaks: pieces, then None, or an error."""

    def __init__(self) -> None:
        # A SimpleQueue waits in C, which the stepped clock takes for work, as it should.
        self.pieces: SimpleQueue[Samples | UsageError | None] = SimpleQueue()
        self.wanted = True


class Engine:
    """The library, in the thread that owns it."""

    def __init__(self, library: str, data: str) -> None:
        self._worker = Worker("espeak-ng")
        self._into: _Spoken | None = None
        self._callback = _Callback(self._take)  # the library keeps its address
        self._voice = ""
        self.rate = self._ask(self._open, library, data)

    def speak(self, text: str, options: EspeakTTSOptions, into: _Spoken) -> None:
        """Let the text be spoken; returns at once."""
        self._worker.submit(self._speak, text, options, into)

    def phonemes(self, text: str, voice: str = "en-us") -> list[str]:
        """How the text is pronounced: the phonemes of its words in IPA, stress marks and all."""
        found: list[str] = self._ask(self._phonemes, text, voice)
        return found

    def _ask(self, fn: Callable[..., Any], *args: Any) -> Any:
        answered: SimpleQueue[Future[Any]] = SimpleQueue()  # as above: `Future.result` would wait in Python
        self._worker.submit(fn, *args).add_done_callback(answered.put)
        return answered.get().result()

    def _open(self, library: str, data: str) -> int:
        self._lib = ctypes.CDLL(library)
        rate = int(self._lib.espeak_Initialize(SYNCHRONOUS, BUFFER_MS, data.encode(), DONT_EXIT))
        if rate <= 0:
            raise MachineError(
                "espeak-ng does not start",
                why=f"it cannot read its data in {data}",
                fix="Install it again: pip install --force-reinstall espeakng-loader",
            )
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        return rate

    def _speak(self, text: str, options: EspeakTTSOptions, into: _Spoken) -> None:
        refused: UsageError | None = None
        try:
            self._take_voice(options.voice)
            self._lib.espeak_SetParameter(RATE, round(WORDS_A_MINUTE * options.speed), 0)
            self._lib.espeak_SetParameter(PITCH, options.pitch, 0)
            words = text.replace("\0", " ").encode(errors="replace")
            self._into = into
            self._lib.espeak_Synth(words, len(words) + 1, 0, 1, 0, UTF8, None, None)
            if not into.wanted:  # it keeps the letter at which it was stopped, for whoever comes next
                self._lib.espeak_TextToPhonemes(ctypes.byref(ctypes.c_char_p(b" ")), UTF8, 0)
        except UsageError as error:
            refused = error
        finally:
            into.pieces.put(refused)

    def _take(self, samples: Any, count: int, events: Any) -> int:
        """What the library calls with each piece of sound; 1 tells it to stop."""
        assert self._into is not None
        if samples and count > 0:
            self._into.pieces.put(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0 if self._into.wanted else 1

    def _phonemes(self, text: str, voice: str) -> list[str]:
        self._take_voice(voice)
        rest = ctypes.c_char_p(text.encode(errors="replace"))
        found: list[str] = []
        while rest.value:  # it takes one clause at a time
            spoken = self._lib.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA | ord("_") << 8)
            found += spoken.decode().replace("_", " ").split()
        return found

    def _take_voice(self, voice: str) -> None:
        if voice != self._voice and self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise UsageError(
                f"espeak-ng has no voice `{voice}`",
                why="a voice is a language such as en-us, de or fr, and may have a variant: en-us+f3",
                fix="Pass EspeakTTSOptions(voice='en-us')",
            )
        self._voice = voice


@lru_cache(maxsize=1)
def engine() -> Engine:
    """The one engine of the program.

    Raises:
        MissingExtra: espeakng-loader is not installed.
    """
    loader = package("espeakng_loader", "espeak", "offline")
    return Engine(loader.get_library_path(), loader.get_data_path())
