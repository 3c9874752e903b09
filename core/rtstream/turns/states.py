"""The two machines of turn-taking as tables: what the speaker does, and what the reply does."""

from __future__ import annotations

from enum import Enum
from typing import Any


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


def transitions(machine: dict[Any, dict[Fact, Any]]) -> list[tuple[str, str, str]]:
    """The table as `(from, to, because of)`: what the documentation's diagrams are drawn from."""
    return [(a.value, b.value, fact.value) for a, moves in machine.items() for fact, b in moves.items()]
