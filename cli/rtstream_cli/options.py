"""The options of the commands, each declared once; each can also be given as `RTSTREAM_<NAME>`.

They arrive as text (or None): `config.Settings.take` settles them against the environment, the files
and the defaults, so that one rule (`keys.KEYS`) serves a flag, a variable and a file.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .flags import Context as Context
from .keys import KEYS, MEDIA_PATHS, MODALITIES, MODES, PROVIDERS, TUNNELS, UIS

STREAM, SERVER, OUTSIDE, OUTPUT = "Stream", "Server", "Outside", "Output"


def option(*names: str, help: str, panel: str = OUTPUT, show_default: bool | str = False, **more: Any) -> Any:
    """An option with its environment variable; a default that `Settings` settles is shown here."""
    key = names[0].split("/")[0].removeprefix("--").replace("-", "_")
    default = KEYS[key].default if key in KEYS else None
    shown = f"{default:g}" if isinstance(default, float) else default
    return typer.Option(
        *names,
        envvar=f"RTSTREAM_{key.upper()}",
        show_envvar=False,  # it always has the same name, and the end of the help tells it
        help=f"{help} Default: {shown}." if isinstance(shown, str) and shown != "default" else help,
        show_default=show_default,
        rich_help_panel=panel,
        **more,
    )


def _target(more: str = "") -> Any:
    return typer.Argument(
        metavar="TARGET",
        envvar="RTSTREAM_TARGET",
        show_envvar=False,
        show_default=False,
        help="The handler: `handler.py:fn`, `package.module:fn`, `handler.py`, or a built-in: `@echo`, "
        f"`@parrot`, `@mirror`, `@tone`, `@clock`{more}. Without it: the configuration, `handler.py`, "
        "`app.py`, `main.py`. Loading it runs the code of its file.",
    )


TargetArg = Annotated[str | None, _target()]
TargetOrUrlArg = Annotated[str | None, _target("; or the URL of a running server")]
ModalityOpt = Annotated[
    str | None,
    option(
        "--modality",
        metavar="|".join(MODALITIES),
        panel=STREAM,
        help="What flows, if the handler cannot tell.",
    ),
]
ModeOpt = Annotated[
    str | None,
    option(
        "--mode", metavar="|".join(MODES), panel=STREAM, help="Which way it flows, seen from the browser."
    ),
]
LimitOpt = Annotated[
    str | None,
    option(
        "--concurrency-limit",
        metavar="N|none|default",
        panel=STREAM,
        help="How many connections at once; `default` is 1.",
    ),
]
TimeLimitOpt = Annotated[
    str | None,
    option("--time-limit", metavar="SECONDS", panel=STREAM, help="How long one connection may last."),
]
IceServerOpt = Annotated[
    list[str] | None,
    option(
        "--ice-server",
        metavar="URL|JSON",
        panel=STREAM,
        help="A STUN or TURN server for both ends; may be given again. None by default.",
    ),
]
MediaPathOpt = Annotated[
    str | None,
    option(
        "--media-path",
        metavar="|".join(MEDIA_PATHS),
        panel=SERVER,
        help="Which way WebRTC's sound goes: rtstream's own, or aiortc's tracks.",
    ),
]
HostOpt = Annotated[
    str | None, option("--host", metavar="ADDRESS", panel=SERVER, help="The address to listen on.")
]
PortOpt = Annotated[
    str | None,
    option(
        "--port", metavar="PORT", panel=SERVER, help="The port; 0 takes any free one. 8000, or the next free."
    ),
]
HttpsOpt = Annotated[
    bool | None,
    option(
        "--https/--no-https",
        panel=SERVER,
        help="Serve over https, with a certificate made on the spot: other machines' browsers give out no "
        "microphone without.",
    ),
]
QrOpt = Annotated[
    bool,
    option(
        "--qr",
        panel=SERVER,
        help="Listen on all addresses, and print a code by which a phone opens the page.",
    ),
]
DrainOpt = Annotated[
    str | None,
    option("--drain", metavar="SECONDS", panel=SERVER, help="How long live calls may go on after Ctrl-C."),
]
UiOpt = Annotated[
    str | None,
    option(
        "--ui",
        metavar="|".join(UIS),
        panel=SERVER,
        help="What people see: the plain page, Gradio at /ui beside it, or neither. `auto` adds Gradio where "
        "the Stream has Gradio components.",
    ),
]
WarmOpt = Annotated[
    bool | None,
    option("--warm/--no-warm", panel=SERVER, help="Send a short call through the handler before Ready."),
]
ReloadOpt = Annotated[
    bool,
    option("--reload", panel=SERVER, help="Start again when a .py or .toml file of the project changes."),
]
OpenOpt = Annotated[bool, option("--open", panel=SERVER, help="Open the page in the browser.")]
LogFormatOpt = Annotated[
    str | None,
    option("--log-format", metavar="text|json", panel=OUTPUT, help="The form of the log on stderr."),
]
TunnelOpt = Annotated[
    str | None,
    option(
        "--tunnel",
        metavar="|".join(TUNNELS),
        panel=OUTSIDE,
        help="Open a way in from the public network; alone it is `auto`, the first that is set up here.",
    ),
]
PublicUrlOpt = Annotated[
    str | None,
    option("--public-url", metavar="URL", panel=OUTSIDE, help="An address that leads here already."),
]
NgrokPathOpt = Annotated[
    str | None,
    option(
        "--ngrok-path", metavar="FILE", panel=OUTSIDE, help="ngrok's agent; its token is NGROK_AUTHTOKEN."
    ),
]
SshOpt = Annotated[
    str | None,
    option(
        "--ssh",
        metavar="USER@HOST",
        panel=OUTSIDE,
        help="Tunnel over SSH: to a server of your own, or `localhost.run`, `pinggy`, `serveo`.",
    ),
]
SshForwardOpt = Annotated[
    str | None,
    option(
        "--ssh-forward",
        metavar="[ADDRESS:]PORT",
        panel=OUTSIDE,
        help="Where your SSH server listens for the public; 0, the default, is any port.",
    ),
]
SshConfigOpt = Annotated[
    str | None,
    option("--ssh-config", metavar="FILE", panel=OUTSIDE, help="In the place of ~/.ssh/config."),
]
ProviderOpt = Annotated[
    str | None,
    option("--provider", metavar="|".join(PROVIDERS), panel=OUTSIDE, help="Whose number it is."),
]
NumberOpt = Annotated[
    str | None,
    option("--number", metavar="+NUMBER", panel=OUTSIDE, help="A number of your own, to be led here."),
]
ProviderUrlOpt = Annotated[
    str | None,
    option("--provider-url", metavar="URL", panel=OUTSIDE, help="Another address of the provider's API."),
]
FastphoneUrlOpt = Annotated[
    str | None,
    option(
        "--fastphone-url",
        metavar="URLS",
        panel=OUTSIDE,
        help="Other addresses of the FastPhone service, with commas between.",
    ),
]
SipOpt = Annotated[
    bool,
    option(
        "--sip",
        panel=OUTSIDE,
        help="Take calls of softphones on this network, by SIP: no number, no account, no tunnel.",
    ),
]
SipPortOpt = Annotated[
    str | None,
    option("--sip-port", metavar="PORT", panel=OUTSIDE, help="The port for SIP, over UDP and TCP. 5060."),
]
PrintUrlOpt = Annotated[
    bool,
    option(
        "--print-url",
        panel=OUTSIDE,
        help="Lead no number here, but print the webhook's address for those who set it by hand.",
    ),
]
JsonOpt = Annotated[
    bool, option("--json", help="Print JSON on stdout: one document, or one event a line while it runs.")
]
