"""`ReplyOnStopWords`: a `ReplyOnPause` that answers only who calls it by a word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..errors import HandlerHung
from ..speech.models import get_stt_model
from ..speech.protocols import Spotted, Spotter, SpotterStream, StreamingSTTModel, STTModel
from ..turns.options import AlgoOptions
from ..turns.states import User
from ..turns.stopwords import Gate, Phrases, Piece
from ..turns.windows import Window
from ..wire import messages
from .asking import Asked
from .reply import ReplyOnPause
from .spotting import spotter_for

LISTENING_SECONDS = 30.0  # for one piece of speech; then whoever listens is given up


class ReplyOnStopWords(ReplyOnPause):
    """Waits until a stop word is heard; what is said after it is a turn, answered as by `ReplyOnPause`.

    The words after the stop word in the same breath belong to the turn; so does what is said later, if
    the speaker pauses behind it. When the turn has ended, it waits for a stop word again. The client is
    told of each stop word by the message `{"type": "stopword", "data": ""}`. A stop word that is said
    over a reply stops it.

    By default the speaker is listened to by pocketsphinx (extra `offline`): in American English, in a
    process of its own, for 3 % of a core while somebody speaks and nothing in silence. Short words such
    as "stop" are also heard in others, unless `stt` confirms them.

    Args:
        fn: what answers a turn; see `ReplyOnPause`.
        stop_words: words and phrases, such as ["computer", "hey robot"]. Case does not matter.
        stt: a speech-to-text model, or its name for `get_stt_model`: a stop word counts only if it is in
            the transcript too. Without pocketsphinx, all speech is transcribed, as FastRTC does.
        spotter: another way to listen for phrases, such as `TextSpotter(stt)`.
        startup_fn, algo_options, model_options, can_interrupt, expected_layout, output_sample_rate,
        output_frame_size, input_sample_rate, model, needs_args, interrupt_on, partials: see `ReplyOnPause`.

    Raises:
        OptionError: there is no stop word.
        MissingExtra: nothing that can listen is installed.
        UsageError: nobody knows how a stop word is pronounced.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        stop_words: Sequence[str],
        startup_fn: Callable[..., Any] | None = None,
        algo_options: AlgoOptions | None = None,
        model_options: Any = None,
        can_interrupt: bool = True,
        expected_layout: Literal["mono", "stereo"] = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        model: Any = None,
        needs_args: bool = False,
        interrupt_on: Literal["speech", "pause"] = "speech",
        stt: STTModel | str | None = None,
        spotter: Spotter | None = None,
        partials: STTModel | StreamingSTTModel | str | None = None,
    ) -> None:
        super().__init__(
            fn,
            startup_fn,
            algo_options,
            model_options,
            can_interrupt,
            expected_layout,
            output_sample_rate,
            output_frame_size,
            input_sample_rate,
            model,
            needs_args,
            interrupt_on,
            partials=partials,
        )
        self.stop_words = Phrases(stop_words)
        self.stt: STTModel | None = get_stt_model(stt) if isinstance(stt, str) else stt
        self.spotter = spotter
        self.gate = Gate(getattr(self.model_options, "threshold", 0.5))
        self._listener = self._fresh_listener()
        self._asked = Asked("listening for stop words", LISTENING_SECONDS)
        self._waiting: tuple[Piece, asyncio.Task[Spotted | None]] | None = None
        self._spoke = False

    async def shutdown(self) -> None:
        if self._waiting is not None:
            self._waiting[1].cancel()
        self._listener.close()
        self._asked.close()
        await super().shutdown()

    def _heard(self, window: Window, probability: float) -> None:
        if self.gate.is_open:
            return self._heard_in_turn(window, probability)
        self.gate.heard(window, probability)
        self._listen()
        for later in self.gate.through():
            self._heard(*later)

    def _heard_in_turn(self, window: Window, probability: float) -> None:
        super()._heard(window, probability)
        spoke, self._spoke = self._spoke, self.turns.user is not User.SILENT
        if spoke and not self._spoke:  # the turn has ended
            self.gate.close()

    def _listen(self) -> None:
        """See what came of the last piece of speech, and have the next one listened to meanwhile."""
        if self._waiting is not None:
            piece, task = self._waiting
            if not task.done():
                return
            self._waiting = None
            self.gate.answered()
            if (found := task.result()) is not None:
                return self._called(piece, found)
        if (waiting := self.gate.take()) is not None:
            self._waiting = waiting, self.loop.create_task(self._spotted(waiting))

    def _called(self, piece: Piece, found: Spotted) -> None:
        """A stop word was heard: a reply stops, and what comes after it may be a turn."""
        self.send_message_sync(messages.stopword())
        self._obey(self.turns.called())
        self.gate.open_after(piece, found.end)

    async def _spotted(self, piece: Piece) -> Spotted | None:
        try:
            found: Spotted | None = await self._asked.ask(_listen_to, self._listener, piece)
        except HandlerHung:
            self._listener = self._fresh_listener()
            raise
        return found

    def _fresh_listener(self) -> SpotterStream:
        return spotter_for(self.stop_words, self.spotter, self.stt)


def _listen_to(listener: SpotterStream, piece: Piece) -> Spotted | None:
    heard = np.concatenate([window.heard for window in piece.windows])
    found = listener.listen(np.rint(heard * 32767).astype(np.int16), last=piece.last)
    if found is not None and not piece.last:
        listener.listen(np.empty(0, np.int16), last=True)  # the rest of the stretch is the turn's
    return found
