"""`WebRTC`: the Gradio component of a stream, which is the element `<rt-stream>` in a Gradio page."""

from __future__ import annotations

from typing import Any, Literal

from ..engine import Engine
from ..options import Modality, Mode, RTCConfiguration
from . import arguments
from .connection import Connection
from .inside import EventListener, gr, without_stub

# Never changes: Gradio would make the element anew, in the midst of a call.
TEMPLATE = "<rt-stream></rt-stream>"

EVENT_NAMES = ("tick", "state_change", "submit", "start_recording", "stop_recording", "state", "change")

with without_stub():

    class WebRTC(Connection, gr.HTML):  # type: ignore[misc] # whose `stream` is another
        """Sound and video between the page and a handler, in Gradio Blocks.

        Connect it with `stream(…)`. As an input of an event its value is the connection's id (a `WebRTCData`
        in the textbox variant), None while there is none.

        Args:
            value: not used; the browser sets it.
            height, width: of the picture: pixels, or a CSS length.
            label, show_label, container, scale, min_width, visible, elem_id, elem_classes, render, key,
            preserved_by_key, every, inputs: as in every Gradio component.
            interactive: whether the person may use it (default True).
            mirror_webcam: show the own camera as in a mirror (default True).
            rtc_configuration: ICE servers for the browser: a dict, or a function of any form that
                returns one, asked before each connection.
            server_rtc_configuration: ICE servers for the server; never part of the page.
            track_constraints: media constraints for the browser's devices.
            time_limit: seconds that a connection may last.
            allow_extra_tracks: answer offers with tracks beyond the modality, and ignore those.
            mode: who speaks: "send-receive" (default), "receive" or "send", seen from the browser.
            modality: "video" (default), "audio" or "audio-video".
            rtp_params: parameters for the browser's senders.
            icon: address of an image on the button, or the path of a file.
            icon_button_color, pulse_color: CSS colours. icon_radius: roundness of the button in percent.
            button_labels: other words on the button: `{"start": …, "stop": …, "waiting": …}`.
            variant: "wave" (default), or "textbox" for text and speech in one.
            full_screen: offer to let the picture fill the screen (default True).
            engine: a Stream, instead of `stream(…)`.

        Raises:
            OptionError: an argument that cannot be.
        """

        EVENTS = [EventListener(name) for name in EVENT_NAMES]

        def __init__(
            self,
            value: Any = None,
            *,
            height: int | str | None = None,
            width: int | str | None = None,
            label: str | None = None,
            every: Any = None,
            inputs: Any = None,
            show_label: bool = False,
            container: bool = False,
            scale: int | None = None,
            min_width: int = 160,
            interactive: bool | None = None,
            visible: bool | Literal["hidden"] = True,
            elem_id: str | None = None,
            elem_classes: list[str] | str | None = None,
            render: bool = True,
            key: Any = None,
            preserved_by_key: list[str] | str | None = "value",
            mirror_webcam: bool = True,
            rtc_configuration: RTCConfiguration | None = None,
            server_rtc_configuration: RTCConfiguration | None = None,
            track_constraints: dict[str, Any] | None = None,
            time_limit: float | None = None,
            allow_extra_tracks: bool = False,
            mode: Mode = "send-receive",
            modality: Modality = "video",
            rtp_params: dict[str, Any] | None = None,
            icon: str | None = None,
            icon_button_color: str | None = None,
            pulse_color: str | None = None,
            icon_radius: int | None = None,
            button_labels: dict[str, str] | None = None,
            variant: Literal["wave", "textbox"] = "wave",
            full_screen: bool | None = None,
            engine: Engine | None = None,
        ) -> None:
            given = locals()  # of them, what is an attribute of the same name is told to the page
            for name in (*arguments.OF_STREAM, *arguments.LOOKS):
                setattr(self, name, given[name])
            self.icon, self.variant = arguments.address(icon), variant
            self._options = arguments.options(given, variant)
            self._engine = None
            super().__init__(
                html_template=TEMPLATE,
                css_template=arguments.style(width, height),
                apply_default_css=False,
                **{name: given[name] for name in arguments.GRADIOS},
            )
            self.interactive = interactive
            self._connect(engine)

        def __getattr__(self, name: str) -> Any:
            """No event for each quoted word of the script, as Gradio makes them."""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def get_config(self, cls: Any = None) -> dict[str, Any]:
            """What the page is given: nothing that is the server's alone."""
            config = super().get_config()
            return {name: value for name, value in config.items() if name not in arguments.SECRET}

        def preprocess(self, payload: Any) -> Any:
            """The value as an event takes it: the connection's id; a `WebRTCData` for a textbox."""
            return arguments.given(payload, self.variant)

        def postprocess(self, value: Any) -> Any:
            """A value for the browser: `"start_webrtc_stream"` starts a call."""
            return value if isinstance(value, str) else None
