"""Which ways a recording takes through a stream, and what it takes along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rtstream.errors import MediaFileError, OptionError
from rtstream.handlers.forms import as_handler
from rtstream.loopback.interrupting import Interrupting, Interruption
from rtstream.media.files import Clip
from rtstream.media.frames import Kind
from rtstream.options import KINDS, Modality, Mode
from rtstream.session.reports import users_code
from rtstream.stream import Stream
from rtstream.transports.file import Script

if TYPE_CHECKING:
    from starlette.applications import Starlette

CARRIERS = ("twilio", "telnyx", "plivo", "vonage", "exotel")
PHONES = tuple(f"phone:{carrier}" for carrier in CARRIERS)
WAYS = ("direct", "websocket", "phone", *PHONES, "webrtc")
SOUND_ONLY = ("websocket", "phone", *PHONES)
LIMIT = 60.0  # seconds that a way may take beyond twice the recording: 30 s are for handlers that never end


@dataclass(frozen=True)
class Plan:
    """What is the same for all ways.

    Attributes:
        target: a stream, or the address of one on a running server.
        clip: the recording.
        mode, kinds: of the stream.
        linger: for how many seconds the handler must have been quiet at the end.
        realtime: let `direct` take as long as the recording lasts.
        limit: real seconds after which a way is given up.
        app, path: what the stream is mounted on, if it is.
        interruption: what the caller says over a reply, if anything.
        dtmf: keys that are pressed: told by telephone carriers, heard in the sound otherwise.
    """

    target: Stream | str
    clip: Clip
    mode: Mode
    kinds: tuple[Kind, ...]
    linger: float = 1.0
    realtime: bool = False
    limit: float = LIMIT
    app: Starlette | None = None
    path: str = ""
    interruption: Interruption | None = None
    dtmf: str = ""

    def script(self, way: str = "direct") -> Script:
        """What a caller says who goes that way, from the beginning."""
        kinds: tuple[Kind, ...] = ("audio",) if way in SOUND_ONLY else self.kinds
        telling = way.startswith("phone")
        if (over := self.interruption) is not None:
            return Interrupting(self.clip, kinds, self.mode, self.linger, over, self.dtmf, telling)
        return Script(self.clip, kinds, self.mode, self.linger, self.dtmf, telling)

    @cached_property
    def handler_form(self) -> tuple[int, int | None, int]:
        """Samples a second to the handler and from it (None: unknown), and the channels of what it takes.

        Raises:
            HandlerRaised: the user's code raised while it made the handler.
        """
        if isinstance(self.target, str):
            return 48000, None, 1  # the default of FastRTC's handlers and of ours: no protocol tells it
        with users_code():
            handler = as_handler(self.target.event_handler, self.target.options)()
        channels = 2 if handler.expected_layout == "stereo" else 1
        return handler.input_sample_rate, handler.output_sample_rate, channels

    def check(self) -> None:
        """See that the recording holds something that can be said.

        Raises:
            MediaFileError: it does not.
            OptionError: a reply is to be interrupted, and the stream has no ear or no voice.
        """
        if self.interruption is not None:
            self._check_interruption(self.interruption)
        script = self.script()
        if self.mode == "receive" or script.says_sound or script.says_pictures:
            return
        has, wants = ("sound", "pictures") if self.kinds == ("video",) else ("pictures", "sound")
        raise MediaFileError(
            f"'{self.clip.path}' has no {wants}",
            why=f"the stream takes {' and '.join(self.kinds)}, and the file holds {has} only",
            fix=f"Take a file with {wants}, or a handler for {has}",
        )

    def _check_interruption(self, interruption: Interruption) -> None:
        if self.mode != "send-receive" or "audio" not in self.kinds:
            raise OptionError(
                "no reply can be interrupted",
                why=f"the stream is {' and '.join(self.kinds)}, {self.mode}: nobody talks with it",
                fix="Leave `--interrupt-at` out, or name a handler that hears and speaks",
            )
        for clip in (self.clip, interruption.words):
            if not clip.has_audio:
                raise MediaFileError(
                    f"'{clip.path}' has no sound",
                    why="a reply is interrupted by something that is said",
                    fix="Take a file with sound: `--interrupt-with FILE`",
                )


def media_of(
    target: Stream | str, clip: Clip, modality: Modality | None, mode: Mode | None
) -> tuple[tuple[Kind, ...], Mode]:
    """The kinds and the mode of a stream; for an address what was given, else what the recording has."""
    if isinstance(target, Stream):
        return target.options.kinds, target.options.mode
    held = "audio-video" if clip.has_audio and clip.has_video else "video" if clip.has_video else "audio"
    return KINDS[modality or held], mode or "send-receive"


def ways_of(via: Sequence[str], plan: Plan) -> list[str]:
    """The ways that are meant, each once, `direct` first; "all" stands for those that fit.

    In "all" the telephone is Twilio's; "phone:all" stands for all carriers.

    Raises:
        OptionError: there is no such way, or it does not fit the stream.
    """
    fits = [way for way in WAYS if not _misfit(way, plan)]
    several = {"all": [way for way in fits if way not in PHONES], "phone:all": list(PHONES)}
    wanted = [way for word in via for way in several.get(word, [word])]
    for way in wanted:
        if way not in WAYS:
            raise OptionError(
                f"there is no way {way!r}", fix=f"Choose of {', '.join(WAYS)}, all and phone:all"
            )
        if reason := _misfit(way, plan):
            raise OptionError(
                f"`{way}` is not a way to this stream", why=reason, fix=f"Choose of {', '.join(fits)} and all"
            )
    return [way for way in WAYS if way in wanted]


def _misfit(way: str, plan: Plan) -> str:
    if way == "direct" and isinstance(plan.target, str):
        return "it runs on another server, where only its wires lead"
    if way in SOUND_ONLY and "audio" not in plan.kinds:
        return "its protocol carries sound only, and the stream takes pictures"
    if plan.dtmf and not way.startswith("phone") and not plan.script().says_sound:
        return "keys are heard in the sound there, and nothing is said"
    return ""
