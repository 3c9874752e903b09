"""Whether a turn is complete: the turn model of one session, asked in a thread when the speaker pauses."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ..errors import OptionError
from ..media.frames import AudioFrame
from ..media.resample import Resampler
from ..turns.semantic import Sound, TurnModel
from ..turns.windows import Samples
from .asking import Asked, probability

HUNG_AFTER = 5.0  # seconds; the turn itself waits far shorter, see `AlgoOptions.judged_within`
COMPLETE = 0.5  # the probability from which a turn counts as complete


class Judging:
    """One session's turn model.

    Args:
        model: what is asked.
        rate: of the sound that is judged, in samples a second.

    Raises:
        OptionError: it is no turn model.
    """

    def __init__(self, model: TurnModel, rate: int) -> None:
        self._model = _checked(model)
        self._rate = rate
        self._asked = Asked("the turn model", HUNG_AFTER)
        self._busy = False

    async def complete(self, said: Samples) -> bool | None:
        """Whether the turn in `said` is complete; None while an older question is not answered.

        Raises:
            HandlerHung: the model did not answer.
            HandlerReturnedNonsense: it gave no probability.
            Exception: what it raises.
        """
        if self._busy:
            return None
        self._busy = True
        try:
            answer = await self._asked.ask(self._judge, said)
        finally:
            self._busy = False
        of = "that the turn is complete"
        return probability(answer, who="the turn model", of=of, argument="turn_model") >= COMPLETE

    def close(self) -> None:
        """Let its thread go."""
        self._asked.close()

    def _judge(self, said: Samples) -> float:
        last = said[-round(self._model.window_s * self._rate) :]
        return self._model(_at_rate(last, self._rate, self._model.sample_rate))


def _at_rate(said: Samples, rate: int, wanted: int) -> Sound:
    resampler = Resampler(wanted)
    parts = [resampler.push(AudioFrame(said[None, :], rate)), resampler.flush()]
    heard = np.concatenate([part.samples[0] for part in parts if part is not None])
    return heard.astype(np.float32) / np.float32(32768)


def _checked(model: Any) -> TurnModel:
    if callable(model) and hasattr(model, "sample_rate") and hasattr(model, "window_s"):
        return cast("TurnModel", model)
    raise OptionError(
        f"`turn_model` is {model!r:.60}, which judges no turns",
        why="it is called with sound at its `sample_rate`, at most `window_s` seconds of it",
        fix="Pass SmartTurn(), or a TurnModel of your own",
    )
