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

from rtstream.errors import UsageError

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
    NgrokPathOpt,
    OpenOpt,
    PortOpt,
    PublicUrlOpt,
    QrOpt,
    ReloadOpt,
    SshConfigOpt,
    SshForwardOpt,
    SshOpt,
    TargetArg,
    TimeLimitOpt,
    TunnelOpt,
    UiOpt,
    WarmOpt,
)

if TYPE_CHECKING:
    from rtstream.tunnels.base import Tunnel

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
    ui: UiOpt = None,
    drain: DrainOpt = None,
    warm: WarmOpt = None,
    reload: ReloadOpt = False,
    open: OpenOpt = False,
    log_format: LogFormatOpt = None,
    tunnel: TunnelOpt = None,
    public_url: PublicUrlOpt = None,
    ngrok_path: NgrokPathOpt = None,
    ssh: SshOpt = None,
    ssh_forward: SshForwardOpt = None,
    ssh_config: SshConfigOpt = None,
    json: JsonOpt = False,
) -> int:
    """Serve a handler to browsers, telephones and WebSocket clients."""
    from .. import discover, streams
    from ..serving import doors, logs, outside, ports
    from ..serving import reload as reloading

    settings = Settings.of(ctx)
    way = _way(settings, reload)
    wish = _Wish.of(settings, open, qr)
    logs.configure(settings.take("log_format", log_format))
    os.environ["RTSTREAM_MEDIA_PATH"] = settings.take("media_path", media_path)  # where the core looks
    handed = reloading.inherited()
    if reload and handed is None:
        return _supervise(settings, target, wish, ctx.find_object(Globals))
    begun = time.perf_counter()
    with _without_collector():
        found = discover.find(target, settings)
        app, mounted = streams.on_app(found, settings, modality, mode, **stream_options(settings))
        from ..serving import faces, server

        places = faces.add(app, mounted, settings.values["ui"], found.name)
    load_seconds = time.perf_counter() - begun
    settings.explain()
    if handed is None:
        listener = ports.listen(wish.door.host, wish.port, hop=not console.ci)
    else:
        listener, wish = handed, replace(wish, drain=0.0)  # who reloads does not wait for live calls

    doors.warn_of_http(wish.door, [stream for _, stream in mounted])
    line = outside.line(way, mounted) if way is not None else None
    plan = server.Plan(
        found, app, mounted, places, wish.door, wish.drain, wish.warm, wish.open, load_seconds, line
    )
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

    @classmethod
    def of(cls, settings: Settings, open: bool, qr: bool) -> _Wish:
        from ..serving import doors

        said = settings.values
        chosen = settings.sources["host"] != DEFAULT
        door = doors.opened(said["host"], chosen=chosen, https=said["https"], phone=qr)
        return cls(door, said["port"], said["drain"], said["warm"], open)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Load without garbage collection: what imports make stays, and looking through it costs a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _way(settings: Settings, reload: bool) -> Tunnel | None:
    """The tunnel that is asked for, not opened yet.

    Raises:
        UsageError: something else was asked for that does not go with it.
    """
    from ..serving import outside

    if not outside.wished(settings):
        return None
    if reload:
        raise UsageError(
            "--reload and a tunnel do not go together",
            why="each reload would bring another public address",
            fix="Open the tunnel beside it: rtstream tunnel PORT",
        )
    if settings.values["https"]:
        raise UsageError(
            "--https and a tunnel do not go together",
            why="the tunnel has a certificate of its own, and speaks plain HTTP to this machine",
            fix="Leave --https out: the public address is https",
        )
    return outside.tunnel(settings)


def stream_options(settings: Settings) -> dict[str, Any]:
    """The arguments of `Stream(...)` that the command line knows."""
    connections = settings.values["concurrency_limit"]
    options = {
        "concurrency_limit": None if connections == "none" else connections,
        "time_limit": settings.values["time_limit"],
        "verbose": False,  # the banner says where it is
    }
    if servers := settings.values.get("ice_server"):
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
