"""How big, how often and at what rate pictures are sent: as much as processor and network can carry."""

from __future__ import annotations

from dataclasses import dataclass

from ..media.video import Preference, VideoOptions

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
SMALLEST = 90  # pixels of the shorter side, which scaling does not go below
LARGEST = 4096  # and of the longer side, which no decoder of a browser refuses
LEAST_SIDE = 16  # a macroblock

BUSY, IDLE = 0.85, 0.55  # shares of the time that encoding may take, and may be thought to take one rung up
OVER = 1.12  # so many times the rate that was asked for says that the encoder cannot make less of this size
TELLING = 30  # pictures that say so; a few do if it is a gross excess, for a rate is kept on average only
GROSS = 5, 2.0
LEAST_BITS = 0.016  # a pixel: with fewer VP8 and H.264 show blocks; and so many times that to go up
ROOM = 1.3
DOWN_SECONDS = 0.5  # between two ways down, of so many steps at most
MOST_STEPS = 4
UP_SECONDS = (
    4.0,
    60.0,
)  # calm before a step up, and at most, doubled when the one before had to be taken back
OBSERVED = 1.0  # seconds in which bytes are counted
QUEUED = 0.2  # seconds of the rate that may be on their way; then pictures wait until they have left

START = 500_000  # bits a second until the network has been heard of
LEAST_RATE = 50_000
OF_LIMIT = 0.9  # of the far end's estimate, for headers and what is sent again
# Of it, what must have been sent for it to tell of the network: else it only tells how little was sent, for
# an estimate goes no higher than 1.5 times what comes (draft-ietf-rmcat-gcc-02 §5.5).
USED = 0.75
LIMIT_SECONDS = 2.0  # until it is lowered again: the estimate falls too far while what waits is let go
LOSSY, LOSSLESS = 0.10, 0.02  # as RFC 8836's loss-based control: down above, up below
GROWTH = 1.08  # a report
LOWER, HIGHER = 0.85, 1.3  # changes of the rate that an encoder is told of
RAISE_SECONDS = 3.0  # for VP8 needs a key frame to change its rate


@dataclass(frozen=True)
class Plan:
    """How the next picture is sent: its size, how often such come, and at how many bits a second."""

    width: int
    height: int
    fps: float
    bitrate: int


class Governor:
    """Finds the rung of a ladder of sizes and rates on which pictures do not pile up.

    Tell it of each picture that was encoded and of what the far end reports; ask it for a `plan` before
    each picture. It goes down when encoding takes most of the time, or more bits than there are, and up
    again when there is room for the next rung and has been for a while: longer each time it was wrong.
    """

    def __init__(self, options: VideoOptions) -> None:
        self._options = options
        self._ladder = LADDERS[options.degradation_preference]
        self._rung = 0
        self._size = (0, 0)
        self._took = self._interval = 0.0  # seconds a picture, smoothed
        self._last_came: float | None = None
        self._rate = float(START)
        self._limit: float | None = None
        self._lowered = float("-inf")
        self._clean = True  # no loss was reported lately
        self._bitrate = 0
        self._bitrate_since = float("-inf")
        self._bits = 0.0  # a picture that is no key frame, smoothed over so many
        self._counted = 0
        self._sent = _Bits()
        self._owed, self._owed_since = 0.0, float("-inf")
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
            self._size, self._took, self._counted = (width, height), 0.0, 0
        self._look(now)
        scale, share = self._ladder[self._rung]
        scale = max(scale, min(1.0, SMALLEST / min(width, height)))
        scale = min(scale, LARGEST / max(width, height))
        self._set_bitrate(now)
        return Plan(_even(width * scale), _even(height * scale), self._options.fps * share, self._bitrate)

    def encoded(self, seconds: float, size: int, now: float, *, key: bool) -> None:
        """A picture was encoded to so many bytes, and so long it took."""
        self._took += 0.2 * (seconds - self._took) if self._took else seconds
        self._sent.add(8 * size, now)
        self._owed, self._owed_since = self._unsent(now) + 8 * size, now
        if not key:  # one of them takes the bits of many, by its nature
            self._bits += (8 * size - self._bits) / min(self._counted + 1, TELLING)
            self._counted += 1

    def wait(self, now: float) -> float:
        """Seconds until what was sent has left, at the rate that the network carries, but for a little."""
        return max(0.0, self._unsent(now) / self.target() - QUEUED)

    def limited(self, bitrate: int, now: float) -> None:
        """The far end estimates that the network carries so many bits a second."""
        limit, sent = OF_LIMIT * bitrate, self._sent.rate(now)
        if self._clean:
            self._rate = min(max(self._rate, limit), self._options.bitrate)
        if self._limit is not None and limit > self._limit:
            self._limit = limit
        elif sent is not None and sent >= USED * bitrate and now - self._lowered >= LIMIT_SECONDS:
            self._limit, self._lowered = limit, now
            if sent > bitrate:  # what is more waits somewhere, and delays all that comes behind it
                owed = OBSERVED * min(sent - bitrate, limit)
                self._owed, self._owed_since = max(self._unsent(now), owed), now

    def lost(self, share: float) -> None:
        """The far end reports so much of what was sent as lost."""
        self._clean = share < LOSSLESS
        if share > LOSSY:
            self._rate *= 1 - 0.5 * share
        elif self._clean:
            self._rate *= GROWTH
        self._rate = min(max(self._rate, LEAST_RATE), self._options.bitrate)

    # The rate.

    def target(self) -> float:
        """The bits a second that may be sent of pictures of this size."""
        width, height = self._size
        of_size = 100_000 + 2.7 * width * height  # 2.5 Mb/s for 1280×720, as browsers have it
        most = min(self._options.bitrate, of_size, self._rate, self._limit or self._rate)
        return max(most, LEAST_RATE)

    def _set_bitrate(self, now: float) -> None:
        change = self.target() / self._bitrate if self._bitrate else 0.0
        since = now - self._bitrate_since
        if change < LOWER and since > 1.0 or change > HIGHER and since > RAISE_SECONDS or not change:
            self._bitrate, self._bitrate_since = round(self.target()), now
            self._counted = 0

    def _unsent(self, now: float) -> float:
        """Bits that wait on the line."""
        return max(0.0, self._owed - self.target() * (now - self._owed_since)) if self._owed else 0.0

    # The ladder.

    def _look(self, now: float) -> None:
        if (excess := self._excess()) > 1:
            self._calm_since = None
            if self._rung + 1 < len(self._ladder) and now - self._changed >= DOWN_SECONDS:
                if now - self._raised < UP_SECONDS[0]:  # it was wrong to go up
                    self._patience = min(2 * self._patience, UP_SECONDS[1])
                self._step(self._steps_down(excess), now)
        elif self._rung and self._has_room():
            self._calm_since = now if self._calm_since is None else self._calm_since
            if now - self._calm_since >= self._patience:
                self._step(-1, now)
                self._raised = now
        else:
            self._calm_since = None

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
        over = self._bits * fps / self._bitrate if self._counted >= GROSS[0] else 0.0
        borne = OVER if self._counted >= TELLING else GROSS[1]
        return max(self._took * fps / BUSY, self._least(self._rung) / self.target(), over / borne)

    def _has_room(self) -> bool:
        above = self._rung - 1
        busy = self._took * self._pixels(above) / self._pixels(self._rung) * self._fps(above)
        return busy < IDLE and self.target() > ROOM * self._least(above)

    def _least(self, rung: int) -> float:
        """The bits a second below which a rung looks worse than the one under it."""
        return LEAST_BITS * self._pixels(rung) * self._fps(rung)

    def _pixels(self, rung: int) -> float:
        return max(1.0, self._size[0] * self._size[1] * self._ladder[rung][0] ** 2)

    def _fps(self, rung: int) -> float:
        """How often pictures are sent on a rung, of which the handler may give fewer."""
        most = self._options.fps * self._ladder[rung][1]
        return min(most, 1 / self._interval) if self._interval else most


class _Bits:
    """How many bits a second are sent."""

    def __init__(self) -> None:
        self._since = self._count = 0.0
        self._rate: float | None = None

    def add(self, bits: int, now: float) -> None:
        self.rate(now)
        self._count += bits

    def rate(self, now: float) -> float | None:
        """Of the last whole second; None before there is one."""
        if now - self._since >= OBSERVED:
            self._rate = self._count / (now - self._since)
            self._since, self._count = now, 0.0
        return self._rate


def _even(pixels: float) -> int:
    """VP8 and H.264 halve the colours each way."""
    return max(LEAST_SIDE, 2 * round(pixels / 2))
