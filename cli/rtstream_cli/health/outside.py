"""What this machine has for being called from outside: tunnels, and the keys of telephone carriers."""

from __future__ import annotations

from collections.abc import Iterator

from rtstream.server.telephone import SECRETS, secrets_of_environment
from rtstream.tunnels.cloudflared import Cloudflared
from rtstream.tunnels.gradio import Gradio
from rtstream.tunnels.ngrok import Ngrok

from .finding import Finding


def look() -> Iterator[Finding]:
    """Look for them; nobody is asked, and no secret is shown."""
    ngrok = ["ngrok"] if Ngrok().is_set_up() else []
    found = [*ngrok, *(tunnel.name for tunnel in (Cloudflared(), Gradio()) if not tunnel.missing())]
    if found:
        yield Finding("tunnels", "ok", f"{', '.join(found)} can be used")
    else:
        fix = "Install cloudflared or ngrok, or give --ssh user@host"
        yield Finding("tunnels", "skip", "nothing to open one with", fix)
    if known := secrets_of_environment():
        said = f"calls are taken of those whose secret is set, and of no others: {', '.join(known)}"
        yield Finding("carriers", "ok", said)
    else:
        said = "no carrier's secret is set: whoever knows the address can call"
        yield Finding("carriers", "skip", said, f"Set {SECRETS['twilio']} or that of your carrier")
