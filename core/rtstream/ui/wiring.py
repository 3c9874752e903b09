"""The Gradio events of a component: inputs on their way to a handler, outputs on their way to a page.

All are short. An event that lasted as long as a call would hold one of the few places of Gradio's queue,
would go on with the values of the call's start, and would have the page loaded anew when the server is gone.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from ..clock import Clock
from ..engine import Engine
from ..errors import HandlerReturnedNonsense, OptionError, UnknownConnection
from ..outputs import AdditionalOutputs
from .arguments import id_of
from .inside import gr, is_update

if TYPE_CHECKING:
    from gradio.events import Dependency

START = "start_webrtc_stream"  # FastRTC's word: the value that starts a call
LINGER = 1.0  # seconds that a reader of outputs waits for another one: those that follow then come at once
MOMENT = 0.05  # seconds between two changes of a page; outputs that come more often are shown together
LONGEST = 5.0  # seconds after which it lets others into the queue; the page sends the next one at once
QUIETLY: dict[str, Any] = {
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
    "concurrency_limit": None,
}


def listed(given: Any) -> list[Any]:
    """Components as a list: FastRTC's users give one, several or none."""
    if given is None:
        return []
    return list(given) if isinstance(given, list | tuple | set) else [given]


def behind(component: Any, inputs: Any) -> list[Any]:
    """The inputs that a handler takes beyond the media.

    Raises:
        OptionError: the component stands in their midst.
    """
    given = listed(inputs)
    others = given[1:] if given and given[0] is component else given
    if any(one is component for one in others):
        raise OptionError(
            "the WebRTC component is among the inputs, but not the first",
            why="it stands in the place of the media, which come first",
            fix="Pass inputs=[component, …]",
        )
    return others


def start_on(component: Any, trigger: Callable[..., Any]) -> None:
    """Start a call when something else in the page happens."""
    trigger(lambda: START, None, component, queue=False, show_progress="hidden", api_visibility="private")


def send_inputs(component: Any, inputs: list[Any], js: Any, send_on: str) -> Dependency:
    """Send the inputs when the handler asks, when a text is sent, and by `send_on` when one changes."""

    async def take(value: Any, *args: Any) -> None:
        _take(component, value, args)

    all_of_them = [component, *inputs]
    changes = [one.change for one in inputs if hasattr(one, "change")] if send_on == "change" else []
    component.submit(submitting(component), all_of_them, None, queue=False, js=js, **QUIETLY)
    asked: Dependency = gr.on(
        [component.tick, *changes], take, all_of_them, None, queue=False, js=js, **QUIETLY
    )
    return asked


def submitting(component: Any) -> Callable[..., Any]:
    """A function of an event that sends the inputs and has them answered at once."""

    async def submit(value: Any, *args: Any) -> None:
        if _take(component, value, args):
            handler = component.handlers.get(id_of(value))
            if (trigger := getattr(handler, "trigger_response", None)) is not None:
                trigger()

    return submit


def _take(component: Any, value: Any, args: tuple[Any, ...]) -> bool:
    """Hand inputs to the handler; False when there is no connection: a slider is moved before the call."""
    with suppress(UnknownConnection):
        component.set_input(id_of(value), *(() if isinstance(value, str | None) else (value,)), *args)
        return True
    return False


def take_outputs(
    component: Any, fn: Callable[..., Any], inputs: list[Any], outputs: list[Any], js: Any
) -> Dependency:
    """Have `fn` make the values of `outputs`, from those of `inputs` and each additional output."""
    places = [inputs.index(one) if one in inputs else None for one in outputs]

    async def read(value: Any, *current: Any) -> AsyncIterator[Any]:
        known, nothing = list(current), True
        async for batch in _lingering(component.connected(), id_of(value)):
            shown: list[Any] = [gr.skip()] * len(outputs)
            for one in batch:
                values = _apart(await _called(fn, *known, *one.args), outputs)
                shown = list(map(_over, shown, values))
                for place, new in zip(places, values, strict=False):
                    if place is not None and not is_update(new):
                        known[place] = new
            nothing = False
            yield _joined(shown)
        if nothing:  # another run has read them; Gradio would take its silence for empty values
            yield _joined([gr.skip()] * len(outputs))

    taken: Dependency = component.state_change(read, [component, *inputs], outputs, js=js, **QUIETLY)
    return taken


async def _lingering(engine: Engine, id: str) -> AsyncIterator[list[AdditionalOutputs]]:
    """The outputs of a connection that are there, and those that follow soon: all of a moment together."""
    try:
        feed = engine.sessions.outputs(id)
    except UnknownConnection:
        return
    clock = Clock()
    end = clock.now() + LONGEST
    with suppress(TimeoutError):
        while clock.now() < end:
            async with asyncio.timeout(LINGER):
                one = await feed.next()
            if one is None:
                return
            batch = [one]
            while feed.unread and (one := await feed.next()) is not None:
                batch.append(one)
            yield batch
            await clock.sleep(MOMENT)


async def _called(fn: Callable[..., Any], *args: Any) -> Any:
    """What a function of any kind gives; a plain one may take its time."""
    value = await to_thread.run_sync(lambda: fn(*args))
    return await value if inspect.isawaitable(value) else value


def _apart(values: Any, outputs: list[Any]) -> list[Any]:
    """What a function returned, one for each component."""
    if isinstance(values, dict) and values and all(key in outputs for key in values):
        return [values.get(one, gr.skip()) for one in outputs]
    given = [values] if len(outputs) == 1 else list(values) if isinstance(values, list | tuple) else []
    if len(given) != len(outputs) > 0:
        raise HandlerReturnedNonsense(
            f"the additional outputs were made into {len(given)} values for {len(outputs)} components",
            why="their function returns one for each, in their order",
            fix="Return a tuple, with gr.skip() for a component that stays as it is",
        )
    return given


def _over(old: Any, new: Any) -> Any:
    """A value for a component after another that it was not shown yet."""
    if isinstance(new, dict) and is_update(new):
        return {**old, **new} if isinstance(old, dict) and is_update(old) else new if len(new) > 1 else old
    return new


def _joined(values: list[Any]) -> Any:
    """One value for each component, as Gradio takes them."""
    return tuple(values) if len(values) > 1 else values[0] if values else None
