"""What a stream does when the app that it is mounted on starts and stops."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.applications import Starlette


def during_life(app: Starlette, around: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Wrap the app's life in a context manager: entered when it starts, left when it stops."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Any]:
        async with inner(app) as state, around():
            yield state

    app.router.lifespan_context = lifespan


def load_ahead(*modules: str) -> None:
    """Import modules in the background, so that the first connection need not wait for them."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


def require_turn_in_the_cloud(rtc_configuration: Any) -> None:
    """See that browsers will be able to reach a server that sits behind a cloud's network.

    Raises:
        RuntimeError: on Colab or a Hugging Face Space, when there is no configuration.
    """
    in_cloud = os.environ.get("SYSTEM") == "spaces" or "google.colab" in sys.modules
    if in_cloud and rtc_configuration is None:
        raise RuntimeError(
            "On Colab and Hugging Face Spaces no browser reaches the stream without a TURN server: "
            "pass rtc_configuration=get_turn_credentials (or a dict with iceServers) to Stream(...)"
        )
