"""The classes that users subclass, and what the session may ask of them."""

from __future__ import annotations

import asyncio
import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from ..context import Channel, Line
from ..errors import OptionError
from ..media.frames import Kind
from ..wire.messages import inputs_wanted, sendable
from ..worker import awaited
from .awaiting import inputs_sent
from .data import PLACEHOLDER, arranged
from .shapes import Listener, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StreamHandlerBase:
    """What all handlers share: rates, additional inputs, and the line to their client.

    Args:
        expected_layout: "mono" (default) or "stereo": the layout of the sound that `receive` is given.
        output_sample_rate: samples a second that a file or a WebSocket client is sent (default 24000).
        output_frame_size: kept for FastRTC's users; frames are always 20 ms.
        input_sample_rate: samples a second of the sound that `receive` is given (default 48000).
        fps: pictures a second that `video_emit` is asked for (default 30).

    `dtmf_in_audio` says whether the keys for `on_dtmf` are found in the sound (True), told by the line
    (False), or told by telephone carriers and found in the sound elsewhere (None, the default).

    Raises:
        OptionError: a rate that is no multiple of 50, or another layout.
    """

    expected_layout: Literal["mono", "stereo"] = "mono"
    output_sample_rate: int = 24000
    input_sample_rate: int = 48000
    fps: float = 30
    needs_args: bool = False
    phone_mode: bool = False
    dtmf_in_audio: bool | None = None

    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    _line: Line | None = None
    _clear_queue: Callable[[], None] | None = None  # FastRTC's name, which programs call
    _loop: asyncio.AbstractEventLoop | None = None
    _args_set: asyncio.Event | None = None
    _latest_args: list[Any] | None = None
    _has_defaults: bool = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._made_with = (args, kwargs)
        return self

    def __init__(
        self,
        expected_layout: Literal["mono", "stereo"] = "mono",
        output_sample_rate: int = 24000,
        output_frame_size: int | None = None,
        input_sample_rate: int = 48000,
        fps: float = 30,
    ) -> None:
        for way, rate in {"output": output_sample_rate, "input": input_sample_rate}.items():
            if rate <= 0 or rate % 50:
                raise OptionError(
                    f"`{way}_sample_rate` is {rate}, which is no multiple of 50",
                    why="sound travels in frames of 20 ms, so a frame would hold a broken number of samples",
                    fix=f"Pass {way}_sample_rate=24000, or another usual rate",
                )
        check_fps(fps)
        if expected_layout not in ("mono", "stereo"):
            raise OptionError(f"`expected_layout` is {expected_layout!r}", fix='Pass "mono" or "stereo"')
        if output_frame_size not in (None, output_sample_rate // 50):
            ignored = f"output_frame_size={output_frame_size} is ignored: frames are always 20 ms"
            warnings.warn(ignored, UserWarning, stacklevel=2)
        self.expected_layout = expected_layout
        self.output_sample_rate = output_sample_rate
        self.output_frame_size = output_sample_rate // 50
        self.input_sample_rate = input_sample_rate
        self.fps = fps

    def copy(self) -> Any:
        """A fresh handler for one connection; by default made with the same constructor arguments."""
        args, kwargs = self._made_with
        return type(self)(*args, **kwargs)

    def start_up(self) -> Any:
        """Called once when the connection is there, beside everything else; may run as long as it lasts."""

    def shutdown(self) -> Any:
        """Called exactly once when the connection has ended, whatever ended it."""

    def set_channel(self, channel: Channel) -> Any:
        """Called in the event loop, before `start_up`: the place for `@channel.on("message")`."""

    def on_dtmf(self, digit: str) -> Any:
        """Called with each key that a caller presses, such as "5"; what it returns is sent as `emit`'s is."""

    def reset(self) -> None:
        """Forget the inputs that were sent; the next `wait_for_args` waits for new ones."""
        self.args_set.clear()

    def has_own(self, method: str) -> bool:
        """Whether a method is written at all; one that is not needs no thread."""
        return getattr(type(self), method) is not getattr(StreamHandlerBase, method)

    def listeners(self) -> dict[Kind, Listener]:
        """What to call with the frames of each kind."""
        return {}

    def sources(self) -> Sequence[Source]:
        """What to ask for output."""
        return ()

    def keypad(self, fn: Callable[[str], Any] | None = None) -> Listener | None:
        """What to call with each key: the handler's own `on_dtmf`, else `fn`, the stream's."""
        own = self.on_dtmf if self.has_own("on_dtmf") else fn
        return None if own is None else Listener(own, replies=True)

    async def ready(self) -> None:
        """Return once the sources may be asked."""

    def bind(self, line: Line, defaults: Sequence[Any] | None = None) -> None:
        """Tie the handler to its connection; `defaults` are the inputs until the client sends some."""
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._args_set = asyncio.Event()
        self._has_defaults = defaults is not None
        self._latest_args = [PLACEHOLDER, *(defaults or ())]
        self.phone_mode = line.phone
        self._clear_queue = self.clear_queue

    # What the handler's own code may use.

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of the connection.

        Raises:
            RuntimeError: before there is a connection.
        """
        if self._loop is None:
            raise RuntimeError("This handler has no connection yet: use it from start_up, receive or emit on")
        return self._loop

    @property
    def args_set(self) -> asyncio.Event:
        """Set when the client has sent additional inputs."""
        if self._args_set is None:
            self._args_set = asyncio.Event()
        return self._args_set

    @args_set.setter
    def args_set(self, event: asyncio.Event) -> None:
        self._args_set = event

    @property
    def latest_args(self) -> list[Any]:
        """The newest additional inputs, from index 1; index 0 is the place of the media."""
        if self._latest_args is None:
            self._latest_args = [PLACEHOLDER]
        return self._latest_args

    @latest_args.setter
    def latest_args(self, args: list[Any]) -> None:
        self._latest_args = args

    @property
    def channel(self) -> Channel | None:
        """The way to the client for text, `channel.send("…")`; None before there is one."""
        return None if self._line is None else Channel(self._line)

    def set_args(self, args: Sequence[Any]) -> None:
        """Take new additional inputs. From any thread."""
        self._latest_args = arranged(args, self.latest_args[0])
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.args_set.set)
        else:
            self.args_set.set()

    async def wait_for_args(self) -> None:
        """Ask the client for the additional inputs and wait until they are there.

        On the telephone, and where the components' defaults stand in, it does not wait.
        """
        if self.phone_mode:
            return
        await self.send_message(inputs_wanted())
        if not self._has_defaults:
            await inputs_sent(self.args_set, type(self).__name__)

    def wait_for_args_sync(self) -> None:
        """`wait_for_args` for code that runs in a thread."""
        awaited(self.loop, self.wait_for_args)

    async def send_message(self, msg: str) -> None:
        """Send text to the client: on the data channel or the WebSocket. Nothing of it goes to a carrier."""
        self.send_message_sync(msg)

    def send_message_sync(self, msg: str) -> None:
        """`send_message` for code that runs in a thread."""
        if self._line is not None:
            self._line.send_text(sendable(msg))

    def clear_queue(self) -> None:
        """Forget the sound that was emitted and has not been heard yet. From any thread."""
        if self._line is not None:
            self._line.clear()


def check_fps(fps: float) -> None:
    """Raises OptionError if so many pictures a second cannot be."""
    if not 0 < fps < math.inf:
        raise OptionError(f"`fps` is {fps}", fix="Pass a number of pictures a second above 0, such as 30")


class StreamHandler(StreamHandlerBase, ABC):
    """An audio handler whose methods run in threads of their own connection.

    Implement `receive` and `emit`. `receive` is given `(rate, samples)`, samples int16 of shape
    `(1, n)` (interleaved if `expected_layout` is "stereo"). `emit` returns `(rate, samples)`, samples
    int16 or float32, an `AdditionalOutputs`, a `CloseStream`, or None for "nothing yet".
    """

    @abstractmethod
    def receive(self, frame: tuple[int, NDArray[np.int16]]) -> Any:
        """Take 20 ms of the client's sound."""

    @abstractmethod
    def emit(self) -> Any:
        """Return the next piece of sound for the client; may wait for it."""

    def listeners(self) -> dict[Kind, Listener]:
        return {"audio": Listener(self.receive)}

    def sources(self) -> Sequence[Source]:
        return (Source(self.emit, "audio"),)


class AsyncStreamHandler(StreamHandler):
    """An audio handler whose methods are coroutines and run in the event loop. See `StreamHandler`."""

    @abstractmethod
    async def receive(self, frame: tuple[int, NDArray[np.int16]]) -> None:
        """Take 20 ms of the client's sound."""

    @abstractmethod
    async def emit(self) -> Any:
        """Return the next piece of sound for the client; wait for it."""

    async def start_up(self) -> None:
        """Called once when the connection is there, beside everything else; may run as long as it lasts."""


class AudioVideoStreamHandler(StreamHandler):
    """A `StreamHandler` that also takes pictures with `video_receive` and gives some with `video_emit`."""

    @abstractmethod
    def video_receive(self, frame: NDArray[np.uint8]) -> Any:
        """Take one picture, uint8 of shape `(height, width, 3)`, blue, green, red."""

    @abstractmethod
    def video_emit(self) -> Any:
        """Return the next picture for the client; may wait for it."""

    def listeners(self) -> dict[Kind, Listener]:
        return {**super().listeners(), "video": Listener(self.video_receive)}

    def sources(self) -> Sequence[Source]:
        return (*super().sources(), Source(self.video_emit, "video", frame_seconds=1 / self.fps))


class AsyncAudioVideoStreamHandler(AsyncStreamHandler, AudioVideoStreamHandler):
    """An `AudioVideoStreamHandler` whose methods are coroutines."""

    @abstractmethod
    async def video_receive(self, frame: NDArray[np.uint8]) -> None:
        """Take one picture, uint8 of shape `(height, width, 3)`, blue, green, red."""

    @abstractmethod
    async def video_emit(self) -> Any:
        """Return the next picture for the client; wait for it."""
