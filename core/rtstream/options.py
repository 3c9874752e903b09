"""The arguments of `Stream`, validated once, with errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import inf
from typing import Any, Literal, TypeAlias, TypedDict, get_args

from .errors import OptionError
from .media.frames import Kind
from .media.opus import OPUS_RANGES, OpusOptions
from .media.video import VIDEO_RANGES, Preference, VideoOptions

Mode = Literal["send-receive", "receive", "send"]
Modality = Literal["video", "audio", "audio-video"]

ICE_URL = re.compile(r"(stuns?|turns?):[^?:\s]+(:\d+)?(\?transport=\w+)?")

RTCConfiguration: TypeAlias = dict[str, Any] | Callable[..., Any]

KINDS: dict[str, tuple[Kind, ...]] = {
    "audio": ("audio",),
    "video": ("video",),
    "audio-video": ("audio", "video"),
}


class UIArgs(TypedDict, total=False):
    """How the built-in UI looks; all keys are optional.

    `title`, `subtitle`: texts above the stream; `hide_title`: leave them out. `icon`: address or path
    of an image on the button; `icon_button_color`, `pulse_color`: CSS colours; `icon_radius`: CSS
    length in percent. `send_input_on`: send the additional inputs on each "change" (default) or on
    "submit". `full_screen`: let video fill the window (default True). `variant`: "wave" or "textbox".
    """

    title: str
    subtitle: str
    hide_title: bool
    icon: str
    icon_button_color: str
    pulse_color: str
    icon_radius: int
    send_input_on: Literal["submit", "change"]
    full_screen: bool
    variant: Literal["wave", "textbox"]


@dataclass(frozen=True)
class StreamOptions:
    """What a `Stream` was made with, all of it sound.

    `concurrency_limit` is the number of connections at once, None for no limit.
    """

    mode: Mode
    modality: Modality
    concurrency_limit: int | None
    time_limit: float | None
    allow_extra_tracks: bool
    rtp_params: dict[str, Any] | None
    rtc_configuration: RTCConfiguration | None
    server_rtc_configuration: RTCConfiguration | None
    track_constraints: dict[str, Any] | None
    additional_inputs: list[Any] | None
    additional_outputs: list[Any] | None
    additional_outputs_handler: Callable[..., Any] | None
    ui_args: UIArgs
    opus: OpusOptions = OpusOptions()
    video: VideoOptions = VideoOptions()
    on_dtmf: Callable[[str], Any] | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of media that travel."""
        return KINDS[self.modality]

    @property
    def heard(self) -> tuple[Kind, ...]:
        """The kinds that come from the client."""
        return self.kinds if self.hears else ()

    @property
    def spoken(self) -> tuple[Kind, ...]:
        """The kinds that go to the client."""
        return self.kinds if self.speaks else ()

    @property
    def hears(self) -> bool:
        """Whether the client sends media."""
        return self.mode != "receive"

    @property
    def speaks(self) -> bool:
        """Whether the client is sent media."""
        return self.mode != "send"


def validated(
    *,
    mode: Any,
    modality: Any,
    concurrency_limit: Any,
    time_limit: Any,
    rtp_params: Any,
    rtc_configuration: Any,
    server_rtc_configuration: Any,
    track_constraints: Any,
    additional_inputs: Any,
    additional_outputs: Any,
    additional_outputs_handler: Any,
    ui_args: Any,
    allow_extra_tracks: Any,
    on_dtmf: Any = None,
) -> StreamOptions:
    """Check the arguments of `Stream`, each by itself and together.

    Raises:
        OptionError: naming the argument, what it was, and what it may be.
    """
    _one_of("mode", mode, get_args(Mode))
    _one_of("modality", modality, get_args(Modality))
    _dict("rtp_params", rtp_params)
    _dict("track_constraints", track_constraints)
    _dict("rtc_configuration", rtc_configuration, or_callable=True)
    _dict("server_rtc_configuration", server_rtc_configuration, or_callable=True)
    if isinstance(server_rtc_configuration, dict):
        check_ice_servers(server_rtc_configuration)
    if additional_outputs and additional_outputs_handler is None:
        raise OptionError(
            "`additional_outputs` is given without `additional_outputs_handler`",
            why="the handler is the function that turns what arrives into the components' new values",
            fix="Pass additional_outputs_handler=lambda *args: args[-1]",
        )
    if additional_outputs_handler is not None and not callable(additional_outputs_handler):
        raise OptionError(
            f"`additional_outputs_handler` is {additional_outputs_handler!r}, which cannot be called"
        )
    if on_dtmf is not None and not callable(on_dtmf):
        raise OptionError(
            f"`on_dtmf` is {on_dtmf!r:.80}, which cannot be called",
            fix="Pass the function itself: on_dtmf=pressed",
        )
    return StreamOptions(
        mode=mode,
        modality=modality,
        concurrency_limit=as_limit(concurrency_limit),
        time_limit=as_seconds(time_limit),
        allow_extra_tracks=bool(allow_extra_tracks),
        rtp_params=rtp_params,
        rtc_configuration=rtc_configuration,
        server_rtc_configuration=server_rtc_configuration,
        track_constraints=track_constraints,
        additional_inputs=_components("additional_inputs", additional_inputs),
        additional_outputs=_components("additional_outputs", additional_outputs),
        additional_outputs_handler=additional_outputs_handler,
        ui_args=ui_args if ui_args is not None else UIArgs(),
        opus=_opus((rtp_params or {}).get("opus")),
        video=_video(rtp_params or {}),
        on_dtmf=on_dtmf,
    )


def _one_of(name: str, value: Any, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise OptionError(
            f"`{name}` is {value!r}, which is none of {', '.join(map(repr, allowed))}",
            fix=f"Pass {name}={allowed[0]!r}",
        )


def _dict(name: str, value: Any, *, or_callable: bool = False) -> None:
    if value is None or isinstance(value, dict) or (or_callable and callable(value)):
        return
    forms = "a dict, or a function that returns one" if or_callable else "a dict"
    raise OptionError(f"`{name}` is {value!r:.80}, not {forms}", fix=f"Pass {forms}, or leave {name} out")


def _opus(given: Any) -> OpusOptions:
    """What `rtp_params["opus"]` says; other keys than this and "video" are the browser's."""
    settings = _settings("opus", given, [field.name for field in fields(OpusOptions)])
    for name, value in settings.items():
        if (span := OPUS_RANGES.get(name)) is not None:
            _whole_number("opus", name, value, span)
        elif not isinstance(value, bool) and not (name == "fec" and value is None):
            raise OptionError(f"`rtp_params['opus'][{name!r}]` is {value!r}", fix="Pass True or False")
    return OpusOptions(**settings)


def _video(rtp_params: dict[str, Any]) -> VideoOptions:
    """What `rtp_params["video"]` says; the browser's `degradationPreference` counts for the server too."""
    settings = _settings("video", rtp_params.get("video"), [field.name for field in fields(VideoOptions)])
    for name, span in VIDEO_RANGES.items():
        if name in settings:
            _whole_number("video", name, settings[name], span)
    preferences = get_args(Preference)
    if "degradation_preference" in settings:
        said = settings["degradation_preference"]
        _one_of("rtp_params['video']['degradation_preference']", said, preferences)
    elif (said := rtp_params.get("degradationPreference")) in preferences:
        settings["degradation_preference"] = said
    return VideoOptions(**settings)


def _settings(key: str, given: Any, known: Sequence[str]) -> dict[str, Any]:
    _dict(f'rtp_params["{key}"]', given)
    for name in given or ():
        if name not in known:
            raise OptionError(
                f"`rtp_params['{key}']` has an unknown key {name!r}",
                why=f"known are {', '.join(map(repr, known))}",
                fix="Leave it out, or spell it so",
            )
    return dict(given or {})


def _whole_number(key: str, name: str, value: Any, span: tuple[int, int]) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not span[0] <= value <= span[1]:
        raise OptionError(
            f"`rtp_params['{key}'][{name!r}]` is {value!r}",
            fix=f"Pass a whole number from {span[0]} to {span[1]}",
        )


def is_ice_url(value: Any) -> bool:
    """Whether it is the address of a STUN or TURN server (RFC 7064, RFC 7065) that aiortc takes."""
    return isinstance(value, str) and ICE_URL.fullmatch(value) is not None


def check_ice_servers(configuration: dict[str, Any]) -> None:
    """See that this server can use the ICE servers of `server_rtc_configuration`. Raises OptionError."""
    for server in configuration.get("iceServers") or ():
        urls = server.get("urls") if isinstance(server, dict) else None
        if not urls or not all(map(is_ice_url, urls if isinstance(urls, list) else [urls])):
            told = urls if isinstance(server, dict) else type(server).__name__  # never a credential
            raise OptionError(
                f"`server_rtc_configuration` has an ICE server at {told!r:.80}",
                why="that is no address of a STUN or TURN server",
                fix='For example: {"iceServers": [{"urls": "stun:stun.example.org:3478"}]}',
            )


def as_limit(value: Any) -> int | None:
    """The number of connections at once that `concurrency_limit` says. Raises OptionError."""
    if value == "default":
        return 1
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise OptionError(
            f"`concurrency_limit` is {value!r}",
            why="it is the number of connections at once",
            fix='Pass a whole number from 1, None for no limit, or "default" for 1',
        )
    return value


def as_seconds(value: Any) -> float | None:
    """The seconds that `time_limit` says. Raises OptionError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise OptionError(
            f"`time_limit` is {value!r}",
            why="it is for how many seconds a connection may last",
            fix="Pass a number of seconds above 0, or None for no limit",
        )
    return float(value) if value < inf else None  # which not every event loop can wait for


def _components(name: str, value: Any) -> list[Any] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise OptionError(
            f"`{name}` is {value!r:.80}, not a list of components", fix=f"Pass {name}=[component, …]"
        )
    return list(value)
