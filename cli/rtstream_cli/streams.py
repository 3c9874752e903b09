"""The Stream of a target: its own, the one mounted on its app, or one made around its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtstream.errors import HandlerAmbiguous, HandlerUnfit, UsageError

from . import candidates, infer, parameters
from .config import Settings
from .discover import Target

if TYPE_CHECKING:
    from rtstream import Stream


def of(target: Target, settings: Settings, modality: Any = None, mode: Any = None, **options: Any) -> Stream:
    """The Stream that a command runs.

    Args:
        target: from `discover.find`; not a URL.
        settings: for `--modality`, `--mode`, `[parameters]` and the words after `--`.
        modality, mode: what the flags of these names gave.
        options: more arguments of `rtstream.Stream`, used when it is made here.

    Raises:
        HandlerAmbiguous, HandlerUnfit: what the handler takes cannot be known, or it is none.
        OptionError: the engine refuses the options.
        UsageError, ConfigError: a parameter or an option does not fit.
    """
    modality, mode = settings.take("modality", modality), settings.take("mode", mode)
    configured = settings.take("parameters")
    handler = parameters.apply(target, settings.words, configured, settings.sources["parameters"])
    if infer.is_app(handler):
        handler = mounted(target)[1]
    if infer.is_stream(handler):
        stream: Stream = handler
        _agrees(target, settings, "modality", modality, stream.modality)
        _agrees(target, settings, "mode", mode, stream.mode)
        return stream
    from rtstream import Stream as MakeStream

    reading = infer.read(handler, target.name, modality, mode)
    return MakeStream(handler, modality=reading.modality, mode=reading.mode, **options)


def mounted(target: Target) -> tuple[str, Stream]:
    """The path and the Stream of the one stream that is mounted on the target's app.

    Raises:
        HandlerUnfit: none is mounted.
        HandlerAmbiguous: several are.
    """
    streams = candidates.streams(target.obj)
    if not streams:
        raise HandlerUnfit(
            f"`{target.name}` is an app without a Stream",
            why="its routes of rtstream come from `stream.mount(app)`",
            fix="Mount a Stream on it, or name the Stream itself",
        )
    if len(streams) > 1:
        raise HandlerAmbiguous(
            f"`{target.name}` has {len(streams)} streams mounted",
            why=f"they are at {', '.join(repr(path) for path, _ in streams)}",
            fix="Name the Stream itself, for example `app.py:stream`",
        )
    path, stream = streams[0]
    return path, stream


def _agrees(target: Target, settings: Settings, name: str, wanted: str | None, has: str) -> None:
    """A Stream knows its own modality and mode: a flag may only say the same."""
    if wanted is not None and wanted != has and settings.sources[name].startswith(("--", "RTSTREAM_")):
        raise UsageError(
            f"`{target.name}` is a Stream with {name} {has!r}",
            why=f"{settings.sources[name]} says {wanted!r}, but a Stream brings its own",
            fix=f"Leave {settings.sources[name]} out, or change the Stream",
        )
