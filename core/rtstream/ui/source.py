"""The script of a component: the element's, what it must know, and the glue between it and Gradio."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from ..options import StreamOptions
from ..web import element
from .arguments import OWN_LOOKS

# What `gr.update(…)` may change later.
CHANGEABLE = (*OWN_LOOKS, "rtp_params", "time_limit", "track_constraints")


def source(options: StreamOptions, looks: dict[str, Any]) -> str:
    """What runs when the component is put into a page.

    Args:
        options: of the engine.
        looks: more of the element's `Config`.
    """
    config = {
        **looks,
        **{name: value for name, value in element.config(options).items() if value is not None},
        "asked": callable(options.rtc_configuration),
        "variant": options.ui_args.get("variant", "wave"),
    }
    head = f"const CONFIG = {json.dumps(config)}, CHANGEABLE = {json.dumps(CHANGEABLE)};"
    return f"{element.script()}\n{head}\n{_glue()}"


@cache
def _glue() -> str:
    return resources.files(__package__ or "").joinpath("glue.js").read_text("utf-8")
