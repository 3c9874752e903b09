"""Inputs that were declared without Gradio, as its components."""

from __future__ import annotations

from typing import Any

from ..inputs import Input
from .inside import gr


def control(given: Any) -> Any:
    """The component of an `Input`; anything else is one already."""
    if not isinstance(given, Input):
        return given
    label, value = given.name, given.value
    match given.kind:
        case "number" if given.minimum is not None and given.maximum is not None:
            return gr.Slider(given.minimum, given.maximum, value, step=given.step, label=label)
        case "number":
            whole = 0 if given.step == 1 else None
            return gr.Number(
                value, label=label, minimum=given.minimum, maximum=given.maximum, precision=whole
            )
        case "checkbox":
            return gr.Checkbox(value, label=label)
        case "choice":
            return gr.Dropdown([(str(choice), choice) for choice in given.choices], value=value, label=label)
        case _:
            return gr.Textbox(value, label=label)
