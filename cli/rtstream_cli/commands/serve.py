"""`rtstream serve`: a handler on a port, warmed up before it is called ready."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import DEFAULT, Globals, Settings
from ..console import console
from ..options import (
    Context,
    DrainOpt,
    HostOpt,
    HttpsOpt,
    IceServerOpt,
    JsonOpt,
    LimitOpt,
    LogFormatOpt,
    MediaPathOpt,
    ModalityOpt,
    ModeOpt,
    OpenOpt,
    PortOpt,
    QrOpt,
    ReloadOpt,
    TargetArg,
    TimeLimitOpt,
    WarmOpt,
)

if TYPE_CHECKING:
    from ..serving.doors import Door


def serve(
    ctx: Context,
    target: TargetArg = None,
    modality: ModalityOpt = None,
    mode: ModeOpt = None,
    concurrency_limit: LimitOpt = None,
    time_limit: TimeLimitOpt = None,
    ice_server: IceServerOpt = None,
    host: HostOpt = None,
    port: PortOpt = None,
    https: HttpsOpt = None,
    qr: QrOpt = False,
    media_path: MediaPathOpt = None,
    drain: DrainOpt = None,
    warm: WarmOpt = None,
    reload: ReloadOpt = False,
    open: OpenOpt = False,
    log_format: LogFormatOpt = None,
    json: JsonOpt = False,
) -> int:
    """Serve a handler to browsers, telephones and WebSocket clients."""
    from .. import discover, streams
    from ..serving import doors, logs, ports
    from ..serving import reload as reloading

    settings = Settings.of(ctx)
    wish = _Wish(
        door=_door(settings, host, https, qr),
        port=settings.take("port", port),
        drain=settings.take("drain", drain),
        warm=settings.take("warm", warm),
        open=open,
    )
    logs.configure(settings.take("log_format", log_format))
    os.environ["RTSTREAM_MEDIA_PATH"] = settings.take("media_path", media_path)  # where the core looks
    handed = reloading.inherited()
    if reload and handed is None:
        return _supervise(settings, target, wish, ctx.find_object(Globals))
    begun = time.perf_counter()
    with _without_collector():
        found = discover.find(target, settings)
        options = _stream_options(settings, concurrency_limit, time_limit, ice_server)
        mounted = streams.on_app(found, settings, modality, mode, **options)
        from ..serving import server
    load_seconds = time.perf_counter() - begun
    settings.explain()
    if handed is None:
        listener = ports.listen(wish.door.host, wish.port, hop=not console.ci)
    else:
        listener, wish = handed, replace(wish, drain=0.0)  # who reloads does not wait for live calls

    doors.warn_of_http(wish.door, [stream for _, stream in mounted[1]])
    plan = server.Plan(found, *mounted, wish.door, wish.drain, wish.warm, wish.open, load_seconds)
    server.run(plan, listener)
    return 0


@dataclass(frozen=True)
class _Wish:
    """What the flags, the environment and the files say about the server itself."""

    door: Door
    port: int | None
    drain: float
    warm: bool
    open: bool


def _door(settings: Settings, host: str | None, https: bool | None, qr: bool) -> Door:
    from ..serving import doors

    where = settings.take("host", host)
    chosen = settings.sources["host"] != DEFAULT
    return doors.opened(where, chosen=chosen, https=settings.take("https", https), phone=qr)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Load without garbage collection: what imports make stays, and looking through it costs a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _stream_options(
    settings: Settings, limit: str | None, seconds: str | None, ice: list[str] | None
) -> dict[str, Any]:
    """The arguments of `Stream(...)` that the command line knows."""
    connections = settings.take("concurrency_limit", limit)
    options = {
        "concurrency_limit": None if connections == "none" else connections,
        "time_limit": settings.take("time_limit", seconds),
        "verbose": False,  # the banner says where it is
    }
    if servers := settings.take("ice_server", ice):
        known = [one if isinstance(one, dict) else {"urls": one} for one in servers]
        options["rtc_configuration"] = options["server_rtc_configuration"] = {"iceServers": known}
    return options


def _supervise(settings: Settings, target: str | None, wish: _Wish, known: Globals | None) -> int:
    """Watch the project, and let other processes serve it."""
    from ..discover import split
    from ..serving import ports, reload

    listener = ports.listen(wish.door.host, wish.port, hop=not console.ci)
    watched = [Path.cwd()]
    place, _ = split(settings.take("target", target) or "")
    file = (settings.folder("target") / place).resolve()
    if file.is_file() and not file.is_relative_to(watched[0]):
        watched.append(file.parent)
    return reload.Supervisor(listener, watched, known.origin if known else Path.cwd()).run()
