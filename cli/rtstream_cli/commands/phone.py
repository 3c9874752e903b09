"""`rtstream phone`: a handler on a telephone number, through a tunnel, until it is stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rtstream.errors import UsageError

from ..config import DEFAULT, Settings
from ..console import console
from ..options import (
    Context,
    DrainOpt,
    FastphoneUrlOpt,
    HostOpt,
    JsonOpt,
    LimitOpt,
    LogFormatOpt,
    ModeOpt,
    NgrokPathOpt,
    NumberOpt,
    PortOpt,
    PrintUrlOpt,
    ProviderOpt,
    ProviderUrlOpt,
    PublicUrlOpt,
    SipOpt,
    SipPortOpt,
    SshConfigOpt,
    SshForwardOpt,
    SshOpt,
    TargetArg,
    TimeLimitOpt,
    TunnelOpt,
    WarmOpt,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream
    from rtstream.carriers.hook import Hook

    from ..discover import Target

# What `--sip` has no use for.
NOT_BY_SIP = ("provider", "number", "tunnel", "public_url", "ssh", "fastphone_url", "port", "print_url")
WEBHOOK = "/telephone/incoming"


def phone(
    ctx: Context,
    target: TargetArg = None,
    provider: ProviderOpt = None,
    number: NumberOpt = None,
    print_url: PrintUrlOpt = False,
    sip: SipOpt = False,
    sip_port: SipPortOpt = None,
    tunnel: TunnelOpt = None,
    public_url: PublicUrlOpt = None,
    ngrok_path: NgrokPathOpt = None,
    ssh: SshOpt = None,
    ssh_forward: SshForwardOpt = None,
    ssh_config: SshConfigOpt = None,
    fastphone_url: FastphoneUrlOpt = None,
    provider_url: ProviderUrlOpt = None,
    mode: ModeOpt = None,
    concurrency_limit: LimitOpt = None,
    time_limit: TimeLimitOpt = None,
    host: HostOpt = None,
    port: PortOpt = None,
    drain: DrainOpt = None,
    warm: WarmOpt = None,
    log_format: LogFormatOpt = None,
    json: JsonOpt = False,
) -> int:
    """Serve a handler on a telephone number."""
    from ..serving import logs, outside, ports

    settings = Settings.of(ctx)
    logs.configure(settings.values["log_format"])
    if sip:
        return _by_sip(settings, target, mode, print_url)
    way = outside.tunnel(settings)
    begun = time.perf_counter()
    found, app, path, stream = _stream(settings, target, mode)
    hook = None if print_url else _hook(settings, path)
    line = outside.line(way, [(path, stream)], hook, shown=[f"{path}/telephone/"])

    from ..serving import faces, server
    from ..serving.doors import Door

    plan = server.Plan(
        found,
        app,
        [(path, stream)],
        faces.add(app, [(path, stream)], "page", found.name),
        Door(settings.values["host"]),
        settings.values["drain"],
        settings.values["warm"],
        open=False,
        load_seconds=time.perf_counter() - begun,
        line=line,
        webhook=path + WEBHOOK if print_url else "",
    )
    settings.explain()
    listener = ports.listen(settings.values["host"], settings.values["port"], hop=not console.ci)
    server.run(plan, listener)
    return 0


def _by_sip(settings: Settings, target: str | None, mode: str | None, print_url: bool) -> int:
    """Take calls at a SIP address of this machine.

    Raises:
        UsageError: something was asked for that only calls from outside need.
    """
    for name in NOT_BY_SIP:
        if settings.given(name) or (name == "print_url" and print_url):
            raise UsageError(
                f"--sip and {settings.sources.get(name, '--print-url')} do not go together",
                why="softphones call this machine itself: there is no web server, no tunnel and no number",
                fix="Leave one of them out" if name != "port" else "Give the port for SIP with --sip-port",
            )
    begun = time.perf_counter()
    found, app, _, stream = _stream(settings, target, mode)
    from ..serving import network, telephone

    chosen = settings.sources["host"] != DEFAULT
    plan = telephone.Plan(
        found,
        app,
        stream,
        settings.values["host"] if chosen else network.EVERYWHERE[0],
        settings.values["sip_port"],
        settings.values["drain"],
        settings.values["warm"],
        load_seconds=time.perf_counter() - begun,
    )
    settings.explain()
    telephone.run(plan)
    return 0


def _stream(
    settings: Settings, target: str | None, mode: str | None
) -> tuple[Target, Starlette, str, Stream]:
    """The one stream that takes the calls, its app, and where on it."""
    from .. import discover, infer, streams
    from .serve import stream_options

    found = discover.find(target, settings)
    made = infer.is_stream(found.obj) or infer.is_app(found.obj)
    modality = settings.take("modality")
    if modality is None and not made:  # sound, for what else would a telephone carry
        tells = infer.is_sure(found.obj) and infer.read(found.obj, found.name).modality
        modality = "video" if tells == "video" else "audio"
    app, mounted = streams.on_app(found, settings, modality, mode, **stream_options(settings))
    if len(mounted) > 1:
        raise UsageError(
            f"`{found.name}` has {len(mounted)} streams, and a call goes to one",
            why=f"they are at {', '.join(repr(path) for path, _ in mounted)}",
            fix="Name the Stream itself, for example `app.py:stream`",
        )
    (path, stream) = mounted[0]
    if stream.modality == "video":
        raise UsageError(
            f"`{found.name}` is video, and a telephone carries sound", fix="Name another handler"
        )
    return found, app, path.rstrip("/"), stream


def _hook(settings: Settings, path: str) -> Hook:
    """Who leads the calls here.

    Raises:
        UsageError: something that the provider needs was not said.
        CarrierKeyRefused: there are no keys for it.
    """
    name, own = settings.values["provider"], settings.values["number"]
    if name == "fastphone":
        if own:
            raise UsageError(
                f"whose number is {own}?", fix="Say it: --provider twilio (or telnyx, plivo, vonage)"
            )
        if path:
            raise UsageError(
                f"FastPhone calls /telephone/handler, and this stream is at {path}",
                fix="Name the Stream itself, for example `app.py:stream`, or use a number of your own",
            )
        from rtstream.phone.fastphone import FastPhone

        return FastPhone(addresses=settings.values["fastphone_url"] or "")
    if not own:
        raise UsageError(f"which of your numbers at {name}?", fix="For example: --number +14155550100")
    from rtstream.carriers.choice import carrier
    from rtstream.server.telephone import SECRETS, secrets_of_environment

    if (secrets := secrets_of_environment()) and name in SECRETS and name not in secrets:
        console.warn(
            f"calls of {name} will be refused",
            why=f"{SECRETS[name]} is not set, but another carrier's secret is: only signed calls are taken",
            fix=f"Set {SECRETS[name]}",
        )
    return carrier(name, own, path + WEBHOOK, settings.values["provider_url"] or "")
