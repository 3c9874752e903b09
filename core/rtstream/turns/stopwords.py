"""Stop words: phrases found in a text, and the gate that lets a turn begin only behind one."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import OptionError
from .machine import windows_in
from .windows import WINDOW_SECONDS, Window

PRE_ROLL = windows_in(0.3)  # windows from before the first speech, as in a turn
STRETCH_ENDS = windows_in(0.4)  # windows of silence that end a stretch of speech
LONGEST = windows_in(10.0)  # windows: a longer stretch is taken for two,
OVERLAP = windows_in(1.5)  # which share so many, so that a phrase on the seam is in one of them
EARLY = 0.05  # seconds: a spotter finds the end of a phrase up to so much late, in the next word
TAIL = windows_in(0.25)  # windows: shorter speech right behind a stop word is its own last sound dying away
KEPT = windows_in(30.0)  # windows that wait for a spotter that is slow; then the oldest go

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff]")  # Thai to Han


@dataclass(frozen=True)
class Found:
    """A phrase in a text; `end` is where it ends, in characters of `normal(text)`."""

    phrase: str
    end: int


class Phrases:
    """Stop words, each of one or more words, in any language.

    Args:
        stop_words: "computer", "hey robot". Case and punctuation do not matter.

    Raises:
        OptionError: there are none, or one holds no letter.
    """

    def __init__(self, stop_words: Sequence[str]) -> None:
        given = [stop_words] if isinstance(stop_words, str) else list(stop_words)
        self.phrases = tuple(normal(phrase) for phrase in given)
        if not self.phrases or not all(self.phrases):
            raise OptionError(
                f"`stop_words` is {stop_words!r}",
                why="a stop word needs a letter to be heard by",
                fix='Pass stop_words=["computer"], or other words and phrases',
            )
        self._patterns = [(phrase, _pattern(phrase)) for phrase in self.phrases]

    def find(self, text: str) -> Found | None:
        """The stop word that comes first in the text."""
        said = normal(text)
        found = [(match, phrase) for phrase, pattern in self._patterns if (match := pattern.search(said))]
        if not found:
            return None
        first, phrase = min(found, key=lambda one: (one[0].start(), -one[0].end()))
        return Found(phrase, first.end())


def normal(text: str) -> str:
    """The words of a text in lower case, one space between them, without punctuation."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    return " ".join(word.strip("'") for word in re.sub(r"[^\w']+|_", " ", plain).split() if word.strip("'"))


def _pattern(phrase: str) -> re.Pattern[str]:
    edge = "" if _UNSPACED.search(phrase) else r"\b"
    return re.compile(f"{edge}{re.escape(phrase)}{edge}")


@dataclass
class Piece:
    """A part of a stretch of speech for whoever listens for stop words.

    `begins` is the number of the window with which the whole stretch began; `last` tells that it is over.
    """

    begins: int
    windows: list[Window] = field(default_factory=list)
    last: bool = False


class Gate:
    """Keeps what is said until a stop word has been heard in it; what comes after that may be a turn.

    Windows are numbered from 0. Only speech is handed on to be listened to, so that silence costs nothing.

    Args:
        threshold: the probability from which a window counts as speech.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.is_open = False
        self._threshold = threshold
        self._next = 0
        self.close()

    def close(self) -> None:
        """Wait for a stop word, from now on."""
        self.is_open = False
        self._opening = False
        self._kept: deque[tuple[Window, float]] = deque(maxlen=KEPT)
        self._pieces: deque[Piece] = deque()
        self._stretch: int | None = None  # the number of the window with which it began
        self._quiet = 0
        self._unanswered = False

    def heard(self, window: Window, probability: float) -> None:
        """Take 32 ms of the speaker's sound."""
        number, self._next = self._next, self._next + 1
        self._kept.append((window, probability))
        if self._opening:
            return
        speech = probability >= self._threshold
        if self._stretch is None:
            if speech:
                self._begin(number - PRE_ROLL)
            elif not self._pieces and not self._unanswered:
                self._forget()
            return
        self._pieces_of_stretch().windows.append(window)
        self._quiet = 0 if speech else self._quiet + 1
        if self._quiet >= STRETCH_ENDS:
            self._end()
        elif number - self._stretch >= LONGEST:
            self._end()
            self._begin(number - OVERLAP)

    def take(self) -> Piece | None:
        """What is to be listened to next, if anything; then `answered` or `open_after` is called."""
        if not self._pieces:
            return None
        self._unanswered = True
        return self._pieces.popleft()

    def answered(self) -> None:
        """There was no stop word in what was taken."""
        self._unanswered = False

    def open_after(self, piece: Piece, seconds: float) -> None:
        """A stop word was heard: it ended so many seconds after the stretch of the piece began."""
        after = piece.begins + int(max(0.0, seconds - EARLY) / WINDOW_SECONDS)
        for _ in range(min(len(self._kept), after - (self._next - len(self._kept)))):
            self._kept.popleft()
        self._pieces.clear()
        self._opening = True

    def through(self) -> list[tuple[Window, float]]:
        """What came after the stop word, with its probabilities, once the gate opens; before that nothing.

        It opens when it is clear whether the speaker goes on, or only the stop word's last sound does: that
        is no speech.
        """
        if not self._opening:
            return []
        speech = next((i for i, (_, p) in enumerate(self._kept) if p < self._threshold), len(self._kept))
        if speech == len(self._kept) < TAIL:
            return []
        tail = speech if speech < TAIL else 0
        later = [(window, p if i >= tail else 0.0) for i, (window, p) in enumerate(self._kept)]
        self._kept.clear()
        self._opening, self.is_open = False, True
        return later

    def _begin(self, number: int) -> None:
        first = self._next - len(self._kept)
        self._stretch = max(first, number)
        windows = [window for window, _ in list(self._kept)[self._stretch - first :]]
        self._pieces.append(Piece(self._stretch, windows))
        self._quiet = 0

    def _end(self) -> None:
        self._pieces_of_stretch().last = True
        self._stretch = None

    def _pieces_of_stretch(self) -> Piece:
        """The piece that waits to be taken, a new one if that has happened."""
        assert self._stretch is not None
        if not self._pieces or self._pieces[-1].last:
            self._pieces.append(Piece(self._stretch))
        return self._pieces[-1]

    def _forget(self) -> None:
        """Nobody has spoken, and nothing is being listened to: keep what may be before the first speech."""
        while len(self._kept) > PRE_ROLL:
            self._kept.popleft()
