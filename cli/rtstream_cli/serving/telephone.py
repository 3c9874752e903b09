"""The telephone of `rtstream phone --sip`, from its listening sockets to its last call."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtstream.phone.sip import PASSWORD_VARIABLE, SipPhone
from rtstream.session.reports import users_code
from rtstream.sip.grammar import bracketed
from rtstream.tasks import ended

from ..console import console
from ..discover import Target
from . import banner, network, running
from .ending import Ending
from .outside import show_facts
from .warm import warmed

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream

IMPORTS = "rtstream.phone.sip"  # what a first call would load: no WebRTC


@dataclass(frozen=True)
class Plan:
    """What was decided before the telephone is opened."""

    target: Target
    app: Starlette
    stream: Stream
    host: str
    port: int
    drain: float
    warm: bool
    load_seconds: float

    @property
    def name(self) -> str:
        """Who is called: the handler's own name. Any other would do."""
        name = self.target.name.rpartition(":")[2].lstrip("@")
        return name if re.fullmatch(r"[\w.-]+", name, re.ASCII) else "rtstream"


def run(plan: Plan) -> None:
    """Take calls until a signal asks to stop, and drain.

    Raises:
        PortBusy, MachineError, UsageError: nobody can listen there.
        HandlerRaised: the app's own start-up failed.
    """
    running.run(_serve(plan))


async def _serve(plan: Plan) -> None:
    ending = Ending(plan.drain)
    phone = SipPhone(plan.stream)
    await phone.open(plan.host, plan.port)
    asked = asyncio.create_task(ending.asked.wait())
    try:
        async with AsyncExitStack() as life:
            with users_code():
                await life.enter_async_context(plan.app.router.lifespan_context(plan.app))
            ready = asyncio.create_task(_get_ready(plan, phone))
            await asyncio.wait({asked, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
                await asked
            await ended(ready)
            await running.drain([plan.stream], plan.drain)
            await phone.close()
    finally:
        await ended(asked)
        await phone.close()
    if console.json:
        console.event("stopped")


async def _get_ready(plan: Plan, phone: SipPhone) -> None:
    warmth = await warmed([plan.stream], IMPORTS) if plan.warm else None
    addresses = [
        f"sip:{plan.name}@{bracketed(address)}:{phone.port}"
        for address in network.addresses_for_phones(plan.host)
    ]
    stream = plan.stream
    if console.json:
        console.event(
            "ready",
            target=plan.target.name,
            sip=addresses,
            password=phone.asks_password,
            streams=[{"modality": stream.modality, "mode": stream.mode}],
            warm_seconds=banner.warm_seconds(warmth, plan.load_seconds),
        )
        return
    banner.say(banner.head(plan.target, f"{stream.modality} {stream.mode}", warmth, plan.load_seconds))
    who = "whoever knows the password" if phone.asks_password else "whoever reaches it"
    hint = "" if phone.asks_password else f"   ({PASSWORD_VARIABLE} asks for a password)"
    show_facts(
        [
            *((("call" if number == 0 else ""), address) for number, address in enumerate(addresses)),
            ("with", "any softphone, such as Linphone or baresip; no account"),
            ("open to", f"{who}{hint}"),
        ]
    )
    banner.say([banner.READY])
