"""Plain functions and generators as handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..context import Line
from ..media.frames import Kind
from ..wire.messages import inputs_wanted
from .awaiting import inputs_sent
from .base import StreamHandlerBase, check_fps
from .callables import defaults_beyond, is_async_generator, is_generator, name_of, takes_beyond
from .shapes import Listener, Source

EXHAUSTED = object()  # given by a source that has nothing more to give
A_LITTLE = 0.2  # seconds of sound that a generator may be ahead: a slider is then heard at once


@dataclass
class VideoStreamHandler:
    """A video function or generator, with a rate.

    Args:
        callable: the function (picture → picture) or generator function.
        fps: pictures a second that a generator is asked for (default 30).
        skip_frames: kept for FastRTC's users. A function that is slower than the camera is always
            given the newest picture, and none pile up.

    Raises:
        OptionError: a rate that cannot be.
    """

    callable: Callable[..., Any]
    fps: float = 30
    skip_frames: bool = False

    def __post_init__(self) -> None:
        check_fps(self.fps)


class CallableHandler(StreamHandlerBase):
    """What functions and generators share: the inputs beyond the media, named by their signature."""

    def __init__(
        self, fn: Callable[..., Any], *, media: int, fps: float = 30, output_sample_rate: int = 24000
    ) -> None:
        super().__init__(fps=fps, output_sample_rate=output_sample_rate)
        self.fn = fn
        self._signature_defaults = defaults_beyond(fn, media)
        self._takes_inputs = takes_beyond(fn, media)

    def bind(self, line: Line, defaults: Sequence[Any] | None = None) -> None:
        super().bind(line, self._signature_defaults if defaults is None else defaults)
        if not self._has_defaults and not line.phone:
            line.send_text(inputs_wanted())

    def args(self) -> tuple[Any, ...] | None:
        """What the function takes beyond the media, or None while the client has not sent it."""
        if not self._takes_inputs:
            return ()
        if self._has_defaults or self.args_set.is_set():
            return tuple(self.latest_args[1:])
        return None

    async def start_up(self) -> None:
        if self.args() is None:
            await inputs_sent(self.args_set, f"`{name_of(self.fn)}`")

    async def ready(self) -> None:
        if self.args() is None:
            await self.args_set.wait()


class FunctionHandler(CallableHandler):
    """A function that is called with each frame and returns what goes back for it."""

    def __init__(self, fn: Callable[..., Any], kinds: Sequence[Kind]) -> None:
        super().__init__(fn, media=1, output_sample_rate=48000)
        self.kinds = kinds

    def listeners(self) -> dict[Kind, Listener]:
        fn = self.fn
        if is_generator(fn):
            fn = self._all_async if is_async_generator(fn) else self._all
        return {kind: Listener(fn, self.args, replies=True) for kind in self.kinds}

    def _all(self, *args: Any) -> list[Any]:
        return list(self.fn(*args))

    async def _all_async(self, *args: Any) -> list[Any]:
        return [value async for value in self.fn(*args)]


class GeneratorHandler(CallableHandler):
    """A generator function that makes what is sent, from the inputs alone."""

    def __init__(self, fn: Callable[..., Any], *, fps: float = 30) -> None:
        super().__init__(fn, media=0, fps=fps)
        self._running: Any = ()
        self._running_with: tuple[Any, ...] | None = None

    def sources(self) -> Sequence[Source]:
        fn = self._next_async if is_async_generator(self.fn) else self._next
        return (Source(fn, ahead=A_LITTLE, frame_seconds=1 / self.fps),)

    def _next(self) -> Any:
        if self._outdated():
            self.shutdown()
            self._start()
        return next(self._running, EXHAUSTED)

    async def _next_async(self) -> Any:
        if self._outdated():
            if self._running_with is not None:
                await self._running.aclose()
            self._start()
        return await anext(self._running, EXHAUSTED)

    def _outdated(self) -> bool:
        """Whether its inputs are not the newest; an array is another unless it is the same object."""
        try:
            return bool(self._running_with != self.args())
        except ValueError:  # numpy: an array of truths is not one truth
            return True

    def _start(self) -> None:
        self._running_with = self.args()
        made = self.fn(*(self._running_with or ()))
        self._running = iter(made) if isinstance(made, Iterable) else made

    def shutdown(self) -> Any:
        """Close the generator, so that its `finally` runs; one that is at work is stopped where it is."""
        if getattr(self._running, "gi_running", False) or getattr(self._running, "ag_running", False):
            return None
        close = getattr(self._running, "aclose", None) or getattr(self._running, "close", None)
        return close() if close is not None else None
