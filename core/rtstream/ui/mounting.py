"""The UI of a stream on an app that is there already."""

from __future__ import annotations

from typing import Any

from .inside import gr


def mount_ui(app: Any, blocks: Any, path: str) -> None:
    """Put Blocks on an app.

    Routes that are added later lie behind those of the Blocks where both have a path in common.

    Args:
        app: a FastAPI application; a Starlette one will do.
        blocks: `stream.ui`.
        path: where, such as "/ui".
    """
    gr.mount_gradio_app(app, blocks, path=path, footer_links=[])
