"""What people see of the streams of a server: the plain page, the Gradio UI, both or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rtstream.errors import HandlerRaised

from .banner import Place

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream

Wish = Literal["auto", "page", "gradio", "none"]
GRADIO = "/ui"  # behind the path of the stream


def add(app: Starlette, streams: list[tuple[str, Stream]], wish: Wish, title: str) -> list[Place]:
    """Put the faces of streams on their app.

    The plain page is there unless nothing is wished for. Gradio takes two seconds to load, so it is there
    only on request, or where a stream has components that no other page can show.

    Raises:
        HandlerRaised: the stream's UI cannot be made where the server runs.
    """
    places = []
    for path, stream in streams:
        path = path.rstrip("/")
        gradio = wish == "gradio" or (wish == "auto" and stream.has_components)
        if wish != "none":
            _add_page(app, stream, path, title, gradio)
        if gradio:
            _add_gradio(app, stream, path)
        places.append(Place(path, stream.modality, stream.mode, wish != "none", GRADIO if gradio else None))
    return places


def _add_page(app: Starlette, stream: Stream, path: str, title: str, gradio: bool) -> None:
    from rtstream.web.page import mount_page

    mount_page(app, stream, path=path, title=title, ui=GRADIO.strip("/") + "/" if gradio else "")


def _add_gradio(app: Starlette, stream: Stream, path: str) -> None:
    from rtstream.ui.mounting import mount_ui

    try:
        mount_ui(app, stream.ui, path + GRADIO)
    except RuntimeError as error:  # in a cloud, where no browser would reach it
        raise HandlerRaised("the Gradio UI cannot be made", why=str(error), fix="Add --ice-server") from error
