"""Live transcripts: what a speaker says, written down while it is said, as additional outputs."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import numpy as np

from ..errors import HandlerHung, HandlerReturnedNonsense, OptionError
from ..outputs import AdditionalOutputs
from ..speech.models import get_stt_model
from ..speech.protocols import StreamingSTTModel, STTModel, STTStream
from ..turns.machine import ONSET_SPAN, windows_in
from ..turns.windows import VAD_RATE, Window
from .asking import Asked

HUNG_AFTER = 30.0  # seconds for a piece of speech, or for the last look at the whole of it
BEFORE = windows_in(0.3) + ONSET_SPAN  # windows that are kept until it is known that somebody speaks
AT_ONCE = windows_in(0.1)  # windows that are handed over together: a thread is asked ten times a second
KEPT = windows_in(30.0)  # windows that wait for an engine slower than speech; then the oldest go

Heard = np.ndarray[Any, np.dtype[np.float32]]


class Partials:
    """One speaker's live transcripts.

    `emit` gives `AdditionalOutputs({"partial": text})` whenever more is understood of what is being said, and
    `AdditionalOutputs({"final": text})` when the speaker has paused; nothing for speech without words.

    Args:
        model: a speech-to-text model with partial transcripts, or its name for `get_stt_model`.

    Raises:
        OptionError: it has none.
        MissingExtra, UsageError: as of `get_stt_model`.
    """

    def __init__(self, model: STTModel | StreamingSTTModel | str) -> None:
        self._model = _checked(get_stt_model(model) if isinstance(model, str) else model)
        self._asked = Asked("live transcription", HUNG_AFTER)
        self._stream: STTStream | None = None
        self._speaking = False
        self._before: deque[Window] = deque(maxlen=BEFORE)
        self._waiting: deque[Window | None] = deque(maxlen=KEPT)  # None ends an utterance
        self._enough = asyncio.Event()
        self._told = ""

    def heard(self, window: Window, *, speaking: bool) -> None:
        """Take 32 ms of the speaker's sound, and whether it belongs to a turn."""
        was, self._speaking = self._speaking, speaking
        if speaking:
            self._waiting += [*self._before, window]
            self._before.clear()
        elif was:
            self._waiting.append(None)
        else:
            self._before.append(window)
        if len(self._waiting) >= AT_ONCE or (was and not speaking):
            self._enough.set()

    async def emit(self) -> AdditionalOutputs:
        """Wait for the next transcript.

        Raises:
            HandlerHung: the engine did not answer; a new one listens from here on.
            HandlerReturnedNonsense: it gave no text.
            Exception: what it raises; then too a new one listens.
        """
        while True:
            await self._enough.wait()
            sound, ended = self._next()
            text = await self._transcribed(sound, ended)
            if text and ended:
                return AdditionalOutputs({"final": text})
            if text != self._told and not ended:
                self._told = text
                return AdditionalOutputs({"partial": text})

    def close(self) -> None:
        """Give back what the engine holds."""
        self._asked.close()
        self._drop()

    def _next(self) -> tuple[Heard, bool]:
        """What waits of one utterance, and whether it ends with that."""
        heard: list[Heard] = []
        ended = False
        while self._waiting and not ended:
            if (window := self._waiting.popleft()) is None:
                ended = True
            else:
                heard.append(window.heard)
        if not self._waiting:
            self._enough.clear()
        return np.concatenate([np.zeros(0, np.float32), *heard]), ended

    async def _transcribed(self, sound: Heard, ended: bool) -> str:
        if ended:
            self._told = ""
        try:
            text: Any = await self._asked.ask(self._transcribe, sound, ended)
        except HandlerHung:
            self._stream = None  # its thread has been abandoned in it
            raise
        except BaseException:
            self._drop()
            raise
        if not isinstance(text, str):
            raise HandlerReturnedNonsense(
                f"the live transcription gave {text!r:.40}",
                why="it must give the text that was said so far",
                fix="Mend the model that was passed as `partials`, or leave it out",
            )
        return text

    def _transcribe(self, sound: Heard, ended: bool) -> Any:
        """Runs in the engine's thread."""
        if self._stream is None:
            self._stream = self._model.stream()
        text = self._stream.feed((VAD_RATE, sound)) if sound.size else ""
        return self._stream.final() if ended else text

    def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def _checked(model: Any) -> StreamingSTTModel:
    if isinstance(model, StreamingSTTModel):
        return model
    raise OptionError(
        f"`partials` is {model!r:.60}, which gives no partial transcripts",
        why="they come from a speech-to-text model with `stream()`",
        fix='Pass partials="pocketsphinx", or a StreamingSTTModel of your own',
    )
