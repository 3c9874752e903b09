"""The element `<rt-stream>`: its script, and what it must know of a stream."""

from __future__ import annotations

from importlib import resources
from typing import Any

from ..options import StreamOptions


def script() -> str:
    """The text of the element's one file."""
    return resources.files("rtstream.web").joinpath("rt-stream.js").read_text("utf-8")


def config(options: StreamOptions) -> dict[str, Any]:
    """The part of the element's `Config` (docs/element.md) that a stream's options say."""
    return {
        "mode": options.mode,
        "modality": options.modality,
        "rtc_configuration": None if callable(options.rtc_configuration) else options.rtc_configuration,
        "track_constraints": options.track_constraints,
        "rtp_params": options.rtp_params,
        "time_limit": options.time_limit,
    }
