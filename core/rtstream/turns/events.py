"""What comes of a conversation: what the turn machine tells whoever answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .windows import Samples


@dataclass(frozen=True)
class Started:
    """The speaker has begun."""


@dataclass(frozen=True)
class Interrupted:
    """The speaker has taken the floor from the reply: nothing more of it may be heard."""


@dataclass(frozen=True)
class Judge:
    """Ask the turn model whether this is all that the speaker wants to say; tell `Turns.judged`."""

    audio: Samples
    pause: int


@dataclass(frozen=True)
class Prepare:
    """Begin the reply to this, unheard; the turn has probably ended."""

    audio: Samples


@dataclass(frozen=True)
class Withdrawn:
    """Drop the prepared reply: the speaker went on."""


@dataclass(frozen=True)
class Paused:
    """The turn has ended; answer it. `prepared` tells that the reply was begun with `Prepare`.

    `speech` is from which second of the speaker's sound to which there was speech in it.
    """

    audio: Samples
    prepared: bool = False
    speech: tuple[float, float] = (0.0, 0.0)


Event: TypeAlias = Started | Interrupted | Judge | Prepare | Withdrawn | Paused
