"""What a handler gives back, on its way to the far end: sound and pictures, outputs, keys, and the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..clock import Clock
from ..errors import HandlerReturnedNonsense
from ..handlers.base import StreamHandlerBase
from ..handlers.shapes import WHOLE_REPLY, Source
from ..media.frames import AudioFrame, Kind, VideoFrame
from ..options import StreamOptions
from ..outputs import AdditionalOutputs, Dtmf, Item, out_of_place, parse
from ..transports.base import Transport
from .feed import Feed
from .keypad import dial
from .mouth import Mouth
from .outcome import Stats
from .pacer import Pacer
from .reports import Reports


class Giving:
    """The ways out of one session.

    Whatever is not a coroutine returns what is to be waited for, or None: most sounds of a live source go
    out at once, and cost no turn of the loop.

    Args:
        transport, handler, options, clock: the session's.
        reports: is told of what is no output.
        outputs: takes additional outputs.
        counted: counts what goes out.
        end: ends the session with a message, when all that was given has been played.
    """

    def __init__(
        self,
        transport: Transport,
        handler: StreamHandlerBase,
        options: StreamOptions,
        clock: Clock,
        *,
        reports: Reports,
        outputs: Feed,
        counted: Stats,
        end: Callable[[str], Awaitable[None]],
    ) -> None:
        self._transport, self._options, self._clock = transport, options, clock
        self._reports, self._outputs, self._end = reports, outputs, end
        self.mouths: dict[Kind, Mouth] = {
            kind: Mouth(kind, transport, clock, handler.output_sample_rate, counted)
            for kind in options.spoken
        }
        self._unheard = Pacer(clock, WHOLE_REPLY)
        self._clears = 0

    def give(self, value: Any, source: Source) -> Awaitable[None] | None:
        """Take what the handler gave back, in any form."""
        try:
            items = parse(value, frame_seconds=source.frame_seconds)
        except HandlerReturnedNonsense as error:
            self._reports.add(error)
            return None
        if len(items) == 1 and isinstance(items[0], AudioFrame):  # most of the time
            return self._utter(items[0], source.ahead)
        return self._give_all(items, source.ahead) if items else None

    async def played(self) -> None:
        """Wait until the far end has played all that was given, or has been made to forget it."""
        for mouth in self.mouths.values():
            await mouth.drained()
        await self._clock.sleep(max((mouth.backlog for mouth in self.mouths.values()), default=0.0))

    def clear(self) -> None:
        """Forget what was given and has not been sent."""
        self._clears += 1
        for mouth in self.mouths.values():
            mouth.clear()

    async def _give_all(self, items: Sequence[Item], ahead: float) -> None:
        clears = self._clears
        for item in items:
            if clears != self._clears:  # the rest of what was interrupted
                return
            match item:
                case AudioFrame() | VideoFrame():
                    if (uttering := self._utter(item, ahead)) is not None:
                        await uttering
                case AdditionalOutputs():
                    self._outputs.put(item)
                case Dtmf():
                    await self._dial(item.digits, ahead)
                case _:
                    await self._end(item.msg)

    def _utter(self, frame: AudioFrame | VideoFrame, ahead: float) -> Awaitable[None] | None:
        if (mouth := self.mouths.get(frame.kind)) is not None:
            return mouth.put(frame, ahead)
        if not self._options.speaks:
            return self._unheard.turn(frame.duration)
        self._reports.add(out_of_place(frame, self._options.modality))
        return None

    async def _dial(self, digits: str, ahead: float) -> None:
        clears = self._clears
        # A message would overtake what is still to be heard; what is given after it need not be waited for.
        if (mouth := self.mouths.get("audio")) is not None:
            await mouth.heard()
        if clears == self._clears and (tones := await dial(digits, self._transport)) is not None:
            if (uttering := self._utter(tones, ahead)) is not None:
                await uttering
