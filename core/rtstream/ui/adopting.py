"""Blocks made the UI of a stream: what is launched with them, and whose connections their components have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from starlette.applications import Starlette

from ..engine import Engine
from ..errors import OptionError
from ..server.lifespan import require_turn_in_the_cloud
from .component import WebRTC
from .inside import gr

THREADS = 200  # of Gradio's queue: each page whose outputs flow has one of them for a moment

Mount = Callable[[Starlette], None]


@dataclass(frozen=True)
class Page:
    """The UI of a stream: its Blocks, and the first component in them."""

    blocks: gr.Blocks
    component: WebRTC | None


def adopt(blocks: Any, engine: Engine, mount: Mount) -> Page:
    """Make Blocks of the user's own the UI of a stream.

    Its components join the stream's registry: then one limit holds, and the stream knows all ids.

    Raises:
        OptionError: they are no Blocks.
    """
    if not isinstance(blocks, gr.Blocks):
        raise OptionError(
            f"`stream.ui` is set to {blocks!r:.60}, which are no Blocks",
            fix="Set it to a gr.Blocks, such as `demo` of `with gr.Blocks() as demo`",
        )
    blocks.analytics_enabled = False
    components = [block for block in blocks.blocks.values() if isinstance(block, WebRTC)]
    for component in components:
        component.connected()
        component.join(engine)
    return Page(with_api(blocks, engine, mount), components[0] if components else None)


def with_api(blocks: gr.Blocks, engine: Engine, mount: Mount) -> gr.Blocks:
    """Have `blocks.launch()` serve the routes of the stream too, beside the UI.

    Where a password guards the UI it does not: those routes would be open beside it.
    """
    launch = blocks.launch

    @wraps(launch)
    def launch_both(*args: Any, app_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        require_turn_in_the_cloud(engine.options.rtc_configuration)
        kwargs.setdefault("max_threads", THREADS)
        guarded = kwargs.get("auth") or kwargs.get("auth_dependency")
        return launch(*args, app_kwargs=app_kwargs if guarded else _with_routes(mount, app_kwargs), **kwargs)

    blocks.launch = launch_both  # type: ignore[method-assign]
    return blocks


def _with_routes(mount: Mount, app_kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of Gradio's app, and the stream's routes and life in them."""
    given = app_kwargs or {}
    bare = Starlette(lifespan=given.get("lifespan"))
    mount(bare)
    routes = [*given.get("routes", ()), *bare.router.routes]
    return {**given, "routes": routes, "lifespan": bare.router.lifespan_context}
