"""The built-in UI of a stream: one page for each mode and modality, out of one table."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from ..engine import Engine
from ..errors import OptionError
from ..handlers.callables import name_of
from ..options import Modality, Mode
from ..server.lifespan import require_turn_in_the_cloud
from .adopting import Mount, Page, with_api
from .component import WebRTC
from .controls import control
from .inside import apart, gr
from .wiring import submitting


@dataclass(frozen=True)
class Layout:
    """How the page of one cell is laid out.

    `what` says what happens in it. The outputs stand beside the component; the inputs stand `below` it,
    or, where it is a tall picture, above the outputs.
    """

    what: str
    below: bool


LAYOUTS: dict[tuple[Modality, Mode], Layout] = {
    ("audio", "send-receive"): Layout("Speak, and hear the answer.", below=True),
    ("audio", "send"): Layout("Speak.", below=True),
    ("audio", "receive"): Layout("Listen.", below=True),
    ("video", "send-receive"): Layout("Show your camera, and see it changed.", below=False),
    ("video", "send"): Layout("Show your camera.", below=False),
    ("video", "receive"): Layout("Watch.", below=False),
    ("audio-video", "send-receive"): Layout("Speak and show your camera, and get an answer.", below=False),
    ("audio-video", "send"): Layout("Speak and show your camera.", below=False),
    ("audio-video", "receive"): Layout("Watch and listen.", below=False),
}


def build(engine: Engine, mount: Mount) -> Page:
    """The built-in UI of a stream.

    Raises:
        RuntimeError: on Colab or a Hugging Face Space without `rtc_configuration`.
    """
    options, args = engine.options, engine.options.ui_args
    require_turn_in_the_cloud(options.rtc_configuration)
    layout = LAYOUTS[options.modality, options.mode]
    title = args.get("title") or name_of(getattr(engine.event_handler, "fn", engine.event_handler))
    with apart():
        inputs = [control(one) for one in options.additional_inputs or ()]
        outputs = options.additional_outputs or []
        with gr.Blocks(title=title, analytics_enabled=False) as blocks:
            if not args.get("hide_title"):
                gr.HTML(_heading(title, args.get("subtitle") or layout.what), padding=True)
            with gr.Row():
                with gr.Column(scale=3, min_width=400):
                    component = _component(engine)
                    send = _put_inputs(engine, inputs) if layout.below else None
                if outputs or (inputs and not layout.below):
                    with gr.Column(scale=2):
                        send = send if layout.below else _put_inputs(engine, inputs)
                        _put(outputs)
            _connect(engine, component, inputs, send)
    return Page(with_api(blocks, engine, mount), component)


def _heading(title: str, subtitle: str) -> str:
    return (
        f'<h1 style="margin: 0">{html.escape(title)}</h1>'
        f'<p style="margin: .25rem 0 0; opacity: .75">{html.escape(subtitle)}</p>'
    )


def _component(engine: Engine) -> WebRTC:
    options, args = engine.options, engine.options.ui_args
    return WebRTC(
        mode=options.mode,
        modality=options.modality,
        variant=args.get("variant", "wave"),
        icon=args.get("icon"),
        icon_button_color=args.get("icon_button_color"),
        pulse_color=args.get("pulse_color"),
        icon_radius=args.get("icon_radius"),
        full_screen=args.get("full_screen", True),
        track_constraints=options.track_constraints,
        rtp_params=options.rtp_params,
        time_limit=options.time_limit,
    )


def _put_inputs(engine: Engine, inputs: list[Any]) -> gr.Button | None:
    """The inputs that are no outputs too, and the button that sends them where no change does."""
    options, args = engine.options, engine.options.ui_args
    _put([one for one in inputs if one not in (options.additional_outputs or ())])
    by_button = args.get("send_input_on") == "submit" and args.get("variant") != "textbox"
    return gr.Button("Send") if inputs and by_button else None


def _put(components: list[Any]) -> None:
    """Put components in their place.

    Raises:
        OptionError: they have one already.
    """
    for component in components:
        if component.is_rendered:
            raise OptionError(
                f"the {type(component).__name__} {component.label!r} is part of other Blocks already",
                why="the built-in UI puts the additional inputs and outputs into Blocks of its own",
                fix="Make it outside of `with gr.Blocks()`; or set `stream.ui` to Blocks of your own",
            )
        component.render()


def _connect(engine: Engine, component: WebRTC, inputs: list[Any], send: gr.Button | None) -> None:
    options, args = engine.options, engine.options.ui_args
    outputs, all_inputs = options.additional_outputs, [component, *inputs]
    component.stream(engine, all_inputs, component, send_input_on=args.get("send_input_on", "change"))
    if send is not None:
        send.click(submitting(component), all_inputs, None, queue=False, show_progress="hidden")
    if options.additional_outputs_handler is not None:
        component.on_additional_outputs(options.additional_outputs_handler, outputs, outputs)
