import asyncio
import contextvars
from contextlib import suppress
from typing import Any

import numpy as np

from rtstream.media.frames import AudioFrame
from rtstream.session.ear import Ear
from tests.helpers.server import until


def sound(samples: int, rate: int = 48_000) -> AudioFrame:
    return AudioFrame(np.zeros((1, samples), np.int16), rate)


async def begun(ear: Ear, hear: Any) -> asyncio.Task[None]:
    """A task that serves an ear, and waits for its first frame."""
    context = contextvars.copy_context()
    task = asyncio.get_running_loop().create_task(ear.serve(hear, context), context=context)
    await asyncio.sleep(0)
    return task


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_a_handler_that_waits_for_sound_is_called_before_push_returns() -> None:
    async def main() -> None:
        heard: list[Any] = []

        async def hear(media: Any) -> None:
            heard.append(media[1].shape)

        ear = Ear("audio", 48_000, "mono")
        task = await begun(ear, hear)
        ear.push(sound(960))
        assert heard == [(1, 960)]
        await end(task)

    asyncio.run(main())


def test_frames_are_heard_in_order_while_a_call_waits() -> None:
    async def main() -> None:
        heard: list[int] = []
        go_on = asyncio.Event()

        async def hear(media: Any) -> None:
            await go_on.wait()
            heard.append(media[1].shape[1])

        ear = Ear("audio", 48_000, "mono")
        ear.push(sound(1))  # before anybody serves
        task = await begun(ear, hear)
        for count in (2, 3):
            ear.push(sound(count))
        go_on.set()
        await until(lambda: len(heard) >= 3)
        await asyncio.sleep(0)
        ear.push(sound(4))
        await asyncio.sleep(0)
        assert heard == [1, 2, 3, 4]
        await end(task)

    asyncio.run(main())


def test_sound_that_the_filter_still_holds_calls_nobody() -> None:
    async def main() -> None:
        heard: list[Any] = []

        async def hear(media: Any) -> None:
            heard.append(media)

        ear = Ear("audio", 48_000, "mono")
        ear.push(sound(2, 8000))
        task = await begun(ear, hear)
        ear.push(sound(2, 8000))
        await asyncio.sleep(0)
        assert heard == []
        ear.push(sound(160, 8000))
        assert len(heard) == 1
        await end(task)

    asyncio.run(main())


def test_a_session_that_ends_in_the_turn_of_a_frame_cancels_the_call_that_took_it() -> None:
    async def main() -> None:
        ended: list[str] = []

        async def hear(media: Any) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                ended.append("cleaned up")

        ear = Ear("audio", 48_000, "mono")
        task = await begun(ear, hear)
        ear.push(sound(960))
        await end(task)
        assert ended == ["cleaned up"]

    asyncio.run(main())
