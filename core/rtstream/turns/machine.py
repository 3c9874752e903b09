"""The turn machine: a user machine, a bot machine, and one joint rule between them, barge-in.

Windows of sound with the probability of speech go in, and facts of the reply (`prepared`, `replying`,
`replied`); events come out. There is no clock, no thread and no I/O: time is counted in windows.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

import numpy as np

from .options import AlgoOptions
from .windows import WINDOW_SECONDS, Samples, Window

HYSTERESIS = 0.15  # speech that has begun goes on at that much less probability
ONSET_SPAN = 10  # windows, a third of a second, within which the speech that begins a turn is counted


class User(Enum):
    """What the speaker does."""

    SILENT = "silent"
    SPEAKING = "speaking"
    PAUSING = "pausing"


class Bot(Enum):
    """What the reply does."""

    IDLE = "idle"
    PREPARING = "preparing"
    REPLYING = "replying"


class Fact(Enum):
    """What moves the machines."""

    ONSET = "enough speech"
    LULL = "a short silence"
    RESUMED = "speech again"
    END = "a long silence"
    TOO_LONG = "the longest turn"
    COMMIT = "the turn is answered"
    DONE = "the reply was played"
    BARGED_IN = "the speaker interrupts"


USER: dict[User, dict[Fact, User]] = {
    User.SILENT: {Fact.ONSET: User.SPEAKING},
    User.SPEAKING: {Fact.LULL: User.PAUSING, Fact.END: User.SILENT, Fact.TOO_LONG: User.SILENT},
    User.PAUSING: {Fact.RESUMED: User.SPEAKING, Fact.END: User.SILENT, Fact.TOO_LONG: User.SILENT},
}

BOT: dict[Bot, dict[Fact, Bot]] = {
    Bot.IDLE: {Fact.LULL: Bot.PREPARING, Fact.COMMIT: Bot.REPLYING},
    Bot.PREPARING: {Fact.RESUMED: Bot.IDLE, Fact.COMMIT: Bot.REPLYING},
    Bot.REPLYING: {Fact.DONE: Bot.IDLE, Fact.BARGED_IN: Bot.IDLE},
}


@dataclass(frozen=True)
class Started:
    """The speaker has begun."""


@dataclass(frozen=True)
class Interrupted:
    """The speaker has taken the floor from the reply: nothing more of it may be heard."""


@dataclass(frozen=True)
class Prepare:
    """Begin the reply to this, unheard; the turn has probably ended."""

    audio: Samples


@dataclass(frozen=True)
class Withdrawn:
    """Drop the prepared reply: the speaker went on."""


@dataclass(frozen=True)
class Paused:
    """The turn has ended; answer it. `prepared` tells that the reply was begun with `Prepare`."""

    audio: Samples
    prepared: bool = False


Event: TypeAlias = Started | Interrupted | Prepare | Withdrawn | Paused


class Turns:
    """One conversation.

    Args:
        options: how turns are told apart.
        threshold: the probability from which a window counts as speech.
        can_interrupt: whether speech over a reply stops it; otherwise it is answered after it.
        interrupt_on: whether it stops at the "speech" or, as in FastRTC, at the "pause" after it.
    """

    def __init__(
        self,
        options: AlgoOptions,
        *,
        threshold: float = 0.5,
        can_interrupt: bool = True,
        interrupt_on: Literal["speech", "pause"] = "speech",
    ) -> None:
        assert options.end_silence is not None and options.min_speech is not None
        assert options.interrupt_after is not None
        self.user = User.SILENT
        self.bot = Bot.IDLE
        self._options = options
        self._threshold = threshold
        self._can_interrupt = can_interrupt
        self._interrupt_on = interrupt_on
        self._end = windows_in(options.end_silence)
        self._lull = windows_in(options.speculative_after) if options.speculative_after is not None else None
        self._enough = windows_in(options.min_speech)
        self._enough_over_reply = windows_in(options.interrupt_after)
        self._blip = windows_in(options.speech_threshold)
        self._longest = options.max_continuous_speech_s / WINDOW_SECONDS
        self._lately: deque[bool] = deque(maxlen=max(ONSET_SPAN, self._enough, self._enough_over_reply))
        self._before: deque[Samples] = deque(maxlen=windows_in(options.pre_roll) + self._lately.maxlen)  # type: ignore[operator]
        self._said: list[Samples] = []
        self._waiting: list[Samples] = []
        self._quiet = 0  # windows since the last solid speech
        self._blips = 0  # windows of speech among them

    @property
    def speaking(self) -> bool:
        """Whether the speaker has the floor, pauses within the turn included."""
        return self.user is not User.SILENT

    def heard(self, window: Window, probability: float) -> list[Event]:
        """Take 32 ms of the speaker's sound."""
        if self.user is User.SILENT:
            return self._listen(window, probability >= self._threshold)
        return self._follow(window, probability >= self._threshold - HYSTERESIS)

    def replied(self) -> list[Event]:
        """The reply has been played to its end; what was said meanwhile is answered now."""
        self._bot(Fact.DONE)
        if self._waiting and self.user is User.SILENT:
            audio, self._waiting = np.concatenate(self._waiting), []
            return self._commit(audio)
        return []

    def replying(self) -> None:
        """A reply has begun that nobody asked for: a greeting."""
        self._bot(Fact.COMMIT)

    def give_turn(self) -> list[Event]:
        """End the turn now, with whatever was said: push-to-talk, a button."""
        if self.user is User.SILENT:
            self._said = []
        return self._close(Fact.END)

    def _listen(self, window: Window, speech: bool) -> list[Event]:
        self._before.append(window.said)
        self._lately.append(speech)
        over_reply = self.bot is Bot.REPLYING
        enough = self._enough_over_reply if over_reply else self._enough
        if not speech or sum(self._lately) < max(enough, 1):
            return []
        self._user(Fact.ONSET)
        self._said = self._with_pre_roll()
        self._quiet = self._blips = 0
        if over_reply and self._interrupt_on == "speech":
            return [Started(), *self._barge_in()]
        return [Started()]

    def _follow(self, window: Window, speech: bool) -> list[Event]:
        self._said.append(window.said)
        self._quiet += 1
        self._blips += speech
        events: list[Event] = []
        if speech and self._blips >= max(self._blip, 1):
            self._quiet = self._blips = 0
            if self.user is User.PAUSING:
                events += self._resume()
        if not speech and self._quiet >= self._end:
            return self._close(Fact.END)
        if len(self._said) >= self._longest:
            return self._close(Fact.TOO_LONG)
        if self.user is User.SPEAKING and self._lull is not None and not speech and self._quiet >= self._lull:
            events += self._hesitate()
        return events

    def _hesitate(self) -> list[Event]:
        self._user(Fact.LULL)
        if self.bot is not Bot.IDLE:
            return []
        self._bot(Fact.LULL)
        return [Prepare(np.concatenate(self._said))]

    def _resume(self) -> list[Event]:
        self._user(Fact.RESUMED)
        return [Withdrawn()] if self._bot(Fact.RESUMED) else []

    def _close(self, fact: Fact) -> list[Event]:
        """The speaker's turn ends: it is answered, or kept until the reply that goes on is done."""
        self._user(fact)
        said, self._said = self._said, []
        self._before.clear()
        self._lately.clear()
        events: list[Event] = []
        if self.bot is Bot.REPLYING:
            events += self._barge_in()
        if self.bot is Bot.REPLYING:
            self._waiting += said
            return events
        said = [*self._waiting, *said]
        self._waiting = []
        return events + self._commit(np.concatenate(said) if said else np.zeros(0, np.int16))

    def _commit(self, audio: Samples) -> list[Event]:
        prepared = self.bot is Bot.PREPARING
        self._bot(Fact.COMMIT)
        return [Paused(audio, prepared)]

    def _barge_in(self) -> list[Event]:
        """The joint rule: who may interrupt takes the floor from the reply."""
        if not self._can_interrupt:
            return []
        self._bot(Fact.BARGED_IN)
        return [Interrupted()]

    def _with_pre_roll(self) -> list[Samples]:
        """What was said from the pre-roll before the first of the speech on."""
        first = len(self._lately) - list(self._lately).index(True)
        keep = first + windows_in(self._options.pre_roll)
        said = list(self._before)[-keep:]
        self._before.clear()
        self._lately.clear()
        return said

    def _user(self, fact: Fact) -> bool:
        state = USER[self.user].get(fact)
        self.user = state or self.user
        return state is not None

    def _bot(self, fact: Fact) -> bool:
        state = BOT[self.bot].get(fact)
        self.bot = state or self.bot
        return state is not None


def windows_in(seconds: float) -> int:
    """How many windows that time takes, rounded up."""
    return int(-(-seconds // WINDOW_SECONDS))


def transitions(machine: dict[Any, dict[Fact, Any]]) -> list[tuple[str, str, str]]:
    """The table as `(from, to, because of)`: what the documentation's diagrams are drawn from."""
    return [(a.value, b.value, fact.value) for a, moves in machine.items() for fact, b in moves.items()]
