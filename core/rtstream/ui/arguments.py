"""The arguments of `WebRTC`: which are whose, what they may be, and what the page is told of them."""

from __future__ import annotations

import base64
import mimetypes
import re
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..handlers.data import WebRTCData
from ..options import StreamOptions, UIArgs, validated

# Of the stream that a component may make.
OF_STREAM = (
    "mode",
    "modality",
    "time_limit",
    "allow_extra_tracks",
    "rtp_params",
    "rtc_configuration",
    "server_rtc_configuration",
    "track_constraints",
)
# How the element looks: its own words, and the label that every component has.
OWN_LOOKS = (
    "button_labels",
    "full_screen",
    "icon",
    "icon_button_color",
    "icon_radius",
    "mirror_webcam",
    "pulse_color",
)
LOOKS = ("label", *OWN_LOOKS)
# Of every Gradio component.
GRADIOS = (
    "value",
    "label",
    "every",
    "inputs",
    "show_label",
    "container",
    "scale",
    "min_width",
    "visible",
    "elem_id",
    "elem_classes",
    "render",
    "key",
    "preserved_by_key",
)
# The page is told of the browser's ICE servers by the script, where they are not asked for.
SECRET = ("engine", "rtc_configuration", "server_rtc_configuration", "inputs")

LONGEST_ID = 256  # characters, as in an offer
LARGEST_ICON = 256 * 1024  # bytes: it is part of the page
STYLE = """
.html-container:has(> &) { padding: 0; overflow: visible; }
.dark & rt-stream { color-scheme: dark; }
rt-stream {
  color-scheme: light;
  --rt-accent: color-mix(in oklab, var(--color-accent), light-dark(black, white) 28%);
  --rt-quiet: color-mix(in oklab, var(--body-text-color) 70%, var(--block-background-fill));
  --rt-text: var(--body-text-color); --rt-surface: var(--block-background-fill);
  --rt-sunken: var(--background-fill-secondary); --rt-border: var(--border-color-primary);
  --rt-radius: var(--block-radius); --rt-font: var(--font);
}
"""
_LENGTH = re.compile(r"[0-9.]+(px|%|r?em|ch|d?v[hw]|vmin|vmax)")


def options(arguments: dict[str, Any], variant: Any) -> StreamOptions:
    """Those of the stream, validated as `Stream` does.

    Raises:
        OptionError
    """
    if variant not in ("wave", "textbox"):
        raise OptionError(
            f"`variant` is {variant!r}, which is none of 'wave', 'textbox'", fix="Pass variant='textbox'"
        )
    return validated(
        **{name: arguments[name] for name in OF_STREAM},
        concurrency_limit="default",
        additional_inputs=None,
        additional_outputs=None,
        additional_outputs_handler=None,
        ui_args=UIArgs(variant=variant),
    )


def address(icon: str | None) -> str | None:
    """An icon as a page can show it: its address, or the file itself.

    Raises:
        OptionError: it is neither an address nor a small file.
    """
    if icon is None or icon.startswith(("http:", "https:", "data:", "/")) and not Path(icon).is_file():
        return icon
    try:
        content = Path(icon).read_bytes()
    except OSError as error:
        raise OptionError(
            f"`icon` is {icon!r:.80}, which cannot be read: {error.strerror}",
            fix="Pass the path of an image, or its address",
        ) from None
    kind = mimetypes.guess_type(icon)[0] or ""
    if not kind.startswith("image/") or len(content) > LARGEST_ICON:
        raise OptionError(
            f"`icon` is {icon!r:.80}, which is no image of at most {LARGEST_ICON // 1024} KiB",
            fix="Pass a small SVG or PNG",
        )
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def style(width: int | str | None, height: int | str | None) -> str:
    """The style sheet of one component, which Gradio keeps to it.

    Raises:
        OptionError: a size that is none.
    """
    sizes = (("rt-stream", "width", width), ("rt-stream::part(stage)", "height", height))
    rules = [
        f"{what} {{ {name}: {_size(name, given)}; }}" for what, name, given in sizes if given is not None
    ]
    return STYLE + "\n".join(rules)


def _size(name: str, given: int | str) -> str:
    if isinstance(given, int | float):
        return f"{given:g}px"
    if not _LENGTH.fullmatch(given):
        raise OptionError(
            f"`{name}` is {given!r:.40}, which is no size", fix=f'Pass pixels, or text such as {name}="50%"'
        )
    return given


def given(payload: Any, variant: str) -> str | WebRTCData | None:
    """What a browser says is the component's value; None for what cannot be one."""
    if variant != "textbox":
        return payload if _is_id(payload) else None
    id, text = (
        (payload.get("webrtc_id"), payload.get("textbox")) if isinstance(payload, dict) else (None, None)
    )
    return WebRTCData(str(id), text) if _is_id(id) and isinstance(text, str) else None


def id_of(value: str | WebRTCData | None) -> str:
    """The connection's id in a value; "" while there is none."""
    return (value.webrtc_id if isinstance(value, WebRTCData) else value) or ""


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID
