"""The Stream of a target: its own, the one mounted on its app, or one made around its handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtstream.errors import HandlerAmbiguous, HandlerUnfit, UsageError

from . import candidates, infer
from .config import Settings
from .discover import Target

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream


OWN = ("modality", "mode", "concurrency_limit", "time_limit", "ice_server")  # what a Stream brings itself


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
        UsageError, ConfigError: a parameter or an option does not fit, or a parameter has no value.
    """
    if target.url is not None:
        raise UsageError(
            f"`{target.url}` is a running server",
            why="this command needs the handler itself",
            fix="Name its file",
        )
    from .parameters import apply, check_values

    modality, mode = settings.take("modality", modality), settings.take("mode", mode)
    configured = settings.take("parameters")
    handler = apply(target, settings.words, configured, settings.sources["parameters"])
    if infer.is_app(handler):
        handler = _only(target)
    if infer.is_stream(handler):
        stream: Stream = handler
        _check_own(target, settings, stream)
        return stream
    reading = infer.read(handler, target.name, modality, mode)

    from rtstream import Stream as Made
    from rtstream.inputs import of_function

    if infer.is_handler_class(handler):
        check_values(target.name, handler, 0, shown=False)
    elif callable(handler) and not infer.is_handler(handler):
        media = 0 if reading.mode == "receive" else 1
        options["additional_inputs"] = of_function(handler, media) or None
        check_values(target.name, handler, media, shown=bool(options["additional_inputs"]))
    return Made(handler, modality=reading.modality, mode=reading.mode, **options)


def on_app(
    target: Target, settings: Settings, modality: Any = None, mode: Any = None, **options: Any
) -> tuple[Starlette, list[tuple[str, Stream]]]:
    """The app that a command serves, and its streams with their paths.

    Takes and raises the same as `of`; a target that is an app keeps all its streams.
    """
    if infer.is_app(target.obj) and len(candidates.streams(target.obj)) > 1:
        app, streams = target.obj, candidates.streams(target.obj)
    else:
        stream = of(target, settings, modality, mode, **options)
        if infer.is_app(target.obj):
            app, streams = target.obj, candidates.streams(target.obj)
        else:
            from starlette.applications import Starlette

            app = Starlette()
            stream.mount(app)
            streams = [("", stream)]
    for _, one in streams:
        one.verbose = False  # the banner says it
    return app, streams


def _only(target: Target) -> Stream:
    """The one Stream that is mounted on the target's app."""
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
    stream: Stream = streams[0][1]
    return stream


def _check_own(target: Target, settings: Settings, stream: Stream) -> None:
    """A Stream brings its own options: a flag or a variable may only say what it says itself."""
    for name in OWN:
        if settings.given(name) and settings.values[name] != getattr(stream, name, None):
            source = settings.sources[name]
            raise UsageError(
                f"`{target.name}` is a Stream and brings its own {name.replace('_', ' ')}",
                why=f"{source} says {settings.values[name]!r}",
                fix=f"Leave {source} out, or change the Stream",
            )
