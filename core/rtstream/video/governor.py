"""How big, how often and at what rate pictures are sent: as much as processor and network can carry."""

from __future__ import annotations

from dataclasses import dataclass

from ..media.video import Preference, VideoOptions
from .bandwidth import Bandwidth

LADDERS: dict[Preference, tuple[tuple[float, float], ...]] = {  # shares of the size and of the fps
    "balanced": (
        (1, 1),
        (1, 2 / 3),
        (3 / 4, 2 / 3),
        (1 / 2, 2 / 3),
        (1 / 2, 1 / 2),
        (3 / 8, 1 / 2),
        (1 / 4, 1 / 2),
        (1 / 4, 1 / 3),
        (1 / 4, 1 / 6),
    ),
    "maintain-framerate": ((1, 1), (3 / 4, 1), (1 / 2, 1), (3 / 8, 1), (1 / 4, 1), (1 / 4, 1 / 2)),
    "maintain-resolution": ((1, 1), (1, 2 / 3), (1, 1 / 2), (1, 1 / 3), (1, 1 / 6), (1, 1 / 10)),
}
SMALLEST = 180  # pixels of the shorter side, below which nothing is scaled
LARGEST = 4096  # and of the longer side, which no decoder of a browser refuses
LEAST_SIDE = 16  # a macroblock

BUSY, IDLE = 0.85, 0.55  # shares of the time that encoding may take, and may be thought to take one rung up
OVER = 1.12  # so many times the rate that was asked for says that the encoder cannot make less of this size
TELLING = 30  # pictures that say so; a few do if it is a gross excess, for a rate is kept on average only
GROSS = 5, 2.0
LEAST_BITS = 0.016  # a pixel: with fewer VP8 and H.264 show blocks; and so many times that to go up
ROOM = 1.3
KEY_BITS = 0.65  # a second for each pixel, until the network is known: a key frame of less would take long
DOWN_SECONDS = 0.5  # between two ways down, of so many steps at most
MOST_STEPS = 4
UP_SECONDS = (
    4.0,
    60.0,
)  # calm before a step up, and at most, doubled when the one before had to be taken back

LOWER, HIGHER = 0.85, 1.3  # changes of the rate that an encoder is told of
LOWER_SECONDS, RAISE_SECONDS = 1.0, 3.0  # after the one before, for VP8 needs a key frame to change its rate


@dataclass(frozen=True)
class Plan:
    """How the next picture is sent: its size, how often such come, and at how many bits a second."""

    width: int
    height: int
    fps: float
    bitrate: int


class Governor:
    """Finds the rung of a ladder of sizes and rates on which pictures do not pile up.

    Tell it of each picture that was encoded, and its `bandwidth` of what the far end reports; ask it for a
    `plan` before each picture. It begins no higher than a line of unknown width may carry, and goes up
    with the rate. It goes down when encoding takes most of the time, or more bits than there are, and up
    again when there is room for the next rung and has been for a while: longer each time it was wrong.
    """

    def __init__(self, options: VideoOptions) -> None:
        self._options = options
        self._ladder = LADDERS[options.degradation_preference]
        self._rung = 0
        self._size = (0, 0)
        self._took = self._interval = 0.0  # seconds a picture, smoothed
        self._last_came: float | None = None
        self.bandwidth = Bandwidth(options.bitrate)
        self._planned: Plan | None = None
        self._bitrate_since = float("-inf")
        self._bits = 0.0  # a picture that is no key frame, smoothed over so many
        self._counted = 0
        self._changed = self._raised = float("-inf")
        self._calm_since: float | None = None
        self._patience = UP_SECONDS[0]

    @property
    def rung(self) -> int:
        """How many steps down the ladder it stands; 0: nothing is lowered."""
        return self._rung

    def came(self, now: float) -> None:
        """The handler gave a picture, sent or not."""
        if self._last_came is not None:
            passed = min(now - self._last_came, 1.0)
            self._interval += 0.1 * (passed - self._interval) if self._interval else passed
        self._last_came = now

    def plan(self, width: int, height: int, now: float) -> Plan:
        """How a picture of this size is to be sent now."""
        if (width, height) != self._size:
            self._take_size(width, height)
        self._look(now)
        scale, share = self._scale(self._rung), self._ladder[self._rung][1]
        size = _even(width * scale), _even(height * scale)
        self._planned = Plan(*size, self._options.fps * share, self._bitrate(size, now))
        return self._planned

    def encoded(self, seconds: float, size: int, now: float, *, key: bool) -> None:
        """A picture was encoded to so many bytes, and so long it took."""
        self._took += 0.2 * (seconds - self._took) if self._took else seconds
        self.bandwidth.sent(8 * size, now)
        if not key:  # one of them takes the bits of many, by its nature
            self._bits += (8 * size - self._bits) / min(self._counted + 1, TELLING)
            self._counted += 1

    def _take_size(self, width: int, height: int) -> None:
        first = self._size == (0, 0)
        self._size, self._took, self._counted = (width, height), 0.0, 0
        self.bandwidth.useful = 100_000 + 2.7 * width * height  # 2.5 Mb/s for 1280×720, as browsers have it
        if first:
            self._rung = next(filter(self._bears_key, range(len(self._ladder))), 0)

    def _bitrate(self, size: tuple[int, int], now: float) -> int:
        """What the encoder is told, which is changed seldom, and with the size."""
        rate, before = self.bandwidth.rate, self._planned
        if before is not None and size == (before.width, before.height):
            change, since = rate / before.bitrate, now - self._bitrate_since
            lower = change < LOWER and since > LOWER_SECONDS
            higher = change > HIGHER and (self.bandwidth.starting or since > RAISE_SECONDS)
            if not lower and not higher:
                return before.bitrate
        self._bitrate_since, self._counted = now, 0
        return round(rate)

    # The ladder.

    def _look(self, now: float) -> None:
        if (excess := self._excess()) > 1:
            self._calm_since = None
            if self._rung + 1 < len(self._ladder) and now - self._changed >= DOWN_SECONDS:
                if now - self._raised < UP_SECONDS[0]:  # it was wrong to go up
                    self._patience = min(2 * self._patience, UP_SECONDS[1])
                self._step(self._steps_down(excess), now)
        elif self._rises():
            while self._rung and self._has_room() and self._bears_key(self._rung - 1):
                self._step(-1, now)
        elif self._rung and self._has_room():
            self._calm_since = now if self._calm_since is None else self._calm_since
            if now - self._calm_since >= self._patience:
                self._step(-1, now)
                self._raised = now
        else:
            self._calm_since = None

    def _rises(self) -> bool:
        """Whether the rate is on its way up from the beginning, and the encoder is to be told."""
        told = self._planned.bitrate if self._planned is not None else 0
        return self.bandwidth.starting and self.bandwidth.rate > HIGHER * told

    def _step(self, steps: int, now: float) -> None:
        cost = self._pixels(self._rung + steps) / self._pixels(self._rung)
        self._took *= cost
        self._rung += steps
        self._changed, self._calm_since = now, None
        self._counted = 0

    def _steps_down(self, excess: float) -> int:
        """To the first rung that takes so many times less."""
        here, rung = self._pixels(self._rung) * self._fps(self._rung), self._rung + 1
        last = min(self._rung + MOST_STEPS, len(self._ladder) - 1)
        while rung < last and self._pixels(rung) * self._fps(rung) > here / excess:
            rung += 1
        return rung - self._rung

    def _excess(self) -> float:
        """How many times more time or bits this rung takes than there are."""
        fps = self._fps(self._rung)
        told = self._planned.bitrate if self._planned is not None else 1
        over = self._bits * fps / told if self._counted >= GROSS[0] else 0.0
        tells = self._counted >= TELLING and not self.bandwidth.starting  # until then the rate is but a guess
        borne = OVER if tells else GROSS[1]
        return max(self._took * fps / BUSY, self._least(self._rung) / self.bandwidth.rate, over / borne)

    def _has_room(self) -> bool:
        above = self._rung - 1
        busy = self._took * self._pixels(above) / self._pixels(self._rung) * self._fps(above)
        return busy < IDLE and self.bandwidth.rate > ROOM * self._least(above)

    def _least(self, rung: int) -> float:
        """The bits a second below which a rung looks worse than the one under it."""
        return LEAST_BITS * self._pixels(rung) * self._fps(rung)

    def _bears_key(self, rung: int) -> bool:
        return KEY_BITS * self._pixels(rung) <= self.bandwidth.rate

    def _scale(self, rung: int) -> float:
        scale = max(self._ladder[rung][0], min(1.0, SMALLEST / min(self._size)))
        return min(scale, LARGEST / max(self._size))

    def _pixels(self, rung: int) -> float:
        return max(1.0, self._size[0] * self._size[1] * self._scale(rung) ** 2)

    def _fps(self, rung: int) -> float:
        """How often pictures are sent on a rung, of which the handler may give fewer."""
        most = self._options.fps * self._ladder[rung][1]
        return min(most, 1 / self._interval) if self._interval else most


def _even(pixels: float) -> int:
    """VP8 and H.264 halve the colours each way."""
    return max(LEAST_SIDE, 2 * round(pixels / 2))
