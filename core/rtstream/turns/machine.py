"""The turn machine: a user machine, a bot machine, and one joint rule between them, barge-in.

Windows of sound with the probability of speech go in, and facts of the reply (`replying`, `replied`,
`judged`); events come out. There is no clock, no thread and no I/O: time is counted in windows.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

import numpy as np

from .events import Event, Interrupted, Judge, Paused, Prepare, Started, Withdrawn
from .options import AlgoOptions
from .states import BOT, USER, Bot, Fact, User
from .windows import WINDOW_SECONDS, Samples, Window

HOLD = 0.4  # speech that has begun goes on down to that share of the threshold (docs/turns.md)
ONSET_SPAN = 10  # windows, a third of a second, within which the speech that begins a turn is counted


class Turns:
    """One conversation.

    Args:
        options: how turns are told apart.
        threshold: the probability from which a window counts as speech.
        can_interrupt: whether speech over a reply stops it; otherwise it is answered after it.
        interrupt_on: whether it stops at the "speech" or, as in FastRTC, at the "pause" after it.
        judged: whether a turn model is asked in each pause.
    """

    def __init__(
        self,
        options: AlgoOptions,
        *,
        threshold: float = 0.5,
        can_interrupt: bool = True,
        interrupt_on: Literal["speech", "pause"] = "speech",
        judged: bool = False,
    ) -> None:
        assert options.end_silence is not None and options.min_speech is not None
        assert options.interrupt_after is not None
        self.user = User.SILENT
        self.bot = Bot.IDLE
        self.can_interrupt = can_interrupt
        self._interrupt_on = interrupt_on
        self._threshold = threshold
        self._judges = judged
        self._speculates = options.speculative_after is not None
        self._options = options
        self._ends_after(options.end_silence)
        self._enough = max(1, windows_in(options.min_speech))
        self._enough_over_reply = max(1, windows_in(options.interrupt_after))
        self._blip = max(1, windows_in(options.speech_threshold))
        self._longest = options.max_continuous_speech_s / WINDOW_SECONDS
        self._pre_roll = windows_in(options.pre_roll)
        span = max(ONSET_SPAN, self._enough)
        self._lately: deque[bool] = deque(maxlen=span)
        self._before: deque[Samples] = deque(maxlen=self._pre_roll + span)
        self._said: list[Samples] = []
        self._waiting: list[Samples] = []
        after = options.deaf_after_reply
        self._deaf_after = None if after is None else windows_in(after)
        self._deaf = 0  # windows that are still not listened to
        self._quiet = 0  # windows since the last solid speech
        self._blips = 0  # windows of speech among them
        self._over_reply = 0  # windows of speech in this turn while a reply was heard
        self._pause = 0  # pauses so far: a verdict on an older one is not heeded
        self._complete: bool | None = None  # the verdict on this one
        self._number = 0  # of the window that is heard
        self._first = 0  # the number of the first that held speech in this turn,
        self._speech = (0, 0)  # and from which to which there was some in all that waits to be answered

    def on_telephone(self) -> None:
        """The speaker is on a telephone, where a longer silence ends a turn."""
        assert self._options.phone_silence is not None
        self._ends_after(self._options.phone_silence)

    def unheard(self) -> None:
        """Nothing of a reply is heard, so that it is in nobody's way: each turn is answered to its end."""
        self.can_interrupt = False
        self._deaf_after = None

    def heard(self, window: Window, probability: float) -> list[Event]:
        """Take 32 ms of the speaker's sound."""
        self._number = window.number
        if self._is_deaf():
            return []
        if self.user is User.SILENT:
            return self._listen(window, probability >= self._threshold)
        return self._follow(window, probability >= self._threshold * HOLD)

    def replied(self) -> list[Event]:
        """The reply has been played to its end; what was said meanwhile is answered now."""
        self._bot(Fact.DONE)
        if self._waiting and self.user is User.SILENT:
            return self._commit()
        return []

    def replying(self) -> None:
        """A reply has begun that nobody asked for: a greeting."""
        self._bot(Fact.COMMIT)

    def judged(self, pause: int, complete: bool) -> None:
        """The turn model's verdict on a pause. Without one the turn ends as if it were complete."""
        if pause == self._pause:
            self._complete = complete

    def give_turn(self) -> list[Event]:
        """End the turn now, with whatever was said: push-to-talk, a button."""
        if self.user is User.SILENT:
            self._first, self._quiet = self._number + 1, 0
            self._said = self._with_pre_roll() if any(self._lately) else []
        self._over_reply = self._enough_over_reply  # a button says as much as any speech
        return self._close(Fact.END)

    def called(self) -> list[Event]:
        """The speaker has called by a stop word: a reply that may be interrupted by speech stops now."""
        self._over_reply = self._enough_over_reply
        return self._talk_over()

    def _is_deaf(self) -> bool:
        """Whether this window may be an echo of the reply, of which then nothing is kept."""
        if self._deaf_after is not None and self.bot is Bot.REPLYING:
            self._deaf = self._deaf_after + 1
        if not self._deaf:
            return False
        self._deaf -= 1
        self._before.clear()
        self._lately.clear()
        return True

    def _listen(self, window: Window, speech: bool) -> list[Event]:
        self._before.append(window.said)
        self._lately.append(speech)
        if not speech or sum(self._lately) < self._enough:
            return []
        self._user(Fact.ONSET)
        self._over_reply = sum(self._lately) if self.bot is Bot.REPLYING else 0
        self._said = self._with_pre_roll()
        self._quiet = self._blips = 0
        return [Started(), *self._talk_over()]

    def _follow(self, window: Window, speech: bool) -> list[Event]:
        self._said.append(window.said)
        self._quiet += 1
        self._blips += speech
        self._over_reply += speech and self.bot is Bot.REPLYING
        events: list[Event] = []
        # Right after speech it is the same speech; in a pause a click does not end the pause.
        if speech and (self._quiet <= self._blip or self._blips >= self._blip):
            self._quiet = self._blips = 0
            events += self._resume()
        events += self._talk_over()
        if not speech and self._quiet >= self._patience():
            return events + self._end_of_turn()
        if len(self._said) >= self._longest:
            return events + self._close(Fact.TOO_LONG)
        if self._lull is not None and not speech and self._quiet >= self._lull:
            events += self._hesitate()
        return events

    def _patience(self) -> int:
        """The windows of silence that end the turn."""
        if not self._judges or self._complete:
            return self._end
        return self._end_unjudged if self._complete is None else self._end_incomplete

    def _hesitate(self) -> list[Event]:
        if not self._user(Fact.LULL):
            return []
        self._pause += 1
        self._complete = None
        audio = joined([*self._waiting, *self._said])
        events: list[Event] = [Judge(joined(self._said), self._pause)] if self._judges else []
        if self._speculates and self.bot is Bot.IDLE:
            self._bot(Fact.LULL)
            events.append(Prepare(audio))
        return events

    def _resume(self) -> list[Event]:
        if not self._user(Fact.RESUMED):
            return []
        self._pause += 1
        return [Withdrawn()] if self._bot(Fact.RESUMED) else []

    def _close(self, fact: Fact) -> list[Event]:
        """The speaker's turn ends: it is answered, or kept until the reply that goes on is done."""
        self._user(fact)
        said, self._said = self._said, []
        self._lately.clear()
        self._before.clear()
        self._pause += 1
        events = self._barge_in()
        since = self._speech[0] if self._waiting else self._first
        self._speech = since, self._number + 1 - self._quiet
        self._waiting += said
        return events if self.bot is Bot.REPLYING else events + self._commit()

    def _end_of_turn(self) -> list[Event]:
        silence = self._said[-self._quiet :]
        events = self._close(Fact.END)
        if not self._waiting:
            self._before.extend(silence)  # the next turn may begin softly in it
        return events

    def _commit(self) -> list[Event]:
        """Answer all that was said and has not been answered."""
        audio, self._waiting = joined(self._waiting), []
        prepared = self.bot is Bot.PREPARING
        self._bot(Fact.COMMIT)
        since, until = self._speech
        return [Paused(audio, prepared, (since * WINDOW_SECONDS, until * WINDOW_SECONDS))]

    def _talk_over(self) -> list[Event]:
        return self._barge_in() if self._interrupt_on == "speech" else []

    def _barge_in(self) -> list[Event]:
        """The joint rule: who may interrupt, and says enough over a reply, takes the floor from it."""
        if not self.can_interrupt or self._over_reply < self._enough_over_reply:
            return []
        return [Interrupted()] if self._bot(Fact.BARGED_IN) else []

    def _with_pre_roll(self) -> list[Samples]:
        """What was said from the pre-roll before the first of the speech on."""
        since_first = len(self._lately) - list(self._lately).index(True)
        self._first = self._number + 1 - since_first
        said = list(self._before)[-(since_first + self._pre_roll) :]
        self._before.clear()
        self._lately.clear()
        return said

    def _ends_after(self, silence: float) -> None:
        options = self._options
        self._lull = self._lull_of(options, silence)
        self._end = silence_in(silence)
        self._end_unjudged = self._end + windows_in(options.judged_within)
        self._end_incomplete = max(self._end, silence_in(options.incomplete_silence))

    def _lull_of(self, options: AlgoOptions, end_silence: float) -> int | None:
        """The windows of silence after which the reply is prepared and the turn model is asked, if at all."""
        if options.speculative_after is not None:
            return silence_in(options.speculative_after)
        return silence_in(end_silence / 2) if self._judges else None

    def _user(self, fact: Fact) -> bool:
        state = USER[self.user].get(fact)
        self.user = state or self.user
        return state is not None

    def _bot(self, fact: Fact) -> bool:
        state = BOT[self.bot].get(fact)
        self.bot = state or self.bot
        return state is not None


def windows_in(seconds: float) -> int:
    """How many windows that time fills, rounded up."""
    return math.ceil(seconds / WINDOW_SECONDS - 1e-9)


def silence_in(seconds: float) -> int:
    """How many silent windows follow speech in that time: half of one has passed when the first begins."""
    return max(1, round(seconds / WINDOW_SECONDS - 0.5))


def joined(said: list[Samples]) -> Samples:
    """One array of many."""
    return np.concatenate(said) if said else np.zeros(0, np.int16)
