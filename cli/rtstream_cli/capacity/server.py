"""The server of `rtstream bench`: a process that serves as `rtstream serve` does, and tells what it uses.

    python -m rtstream_cli.capacity.server

What is served comes by stdin (`Channel`); each further line asks for what it has used so far.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import mmap
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .. import candidates, discover, edge, infer, streams
from ..config import DEFAULT, Globals, Settings, read_layers
from ..console import console
from .channel import LOOPBACK, Channel, Words, keep_to

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream import Stream

    from ..discover import Target
    from ..serving.server import Plan, Server

LATEST = 3.0  # seconds after which a server that was told to end is ended
LIMITS = ("concurrency_limit", "time_limit")  # as `rtstream serve` heeds them


def main() -> int:
    """Serve until the command is gone."""
    channel = Channel()
    wish = channel.wish()
    keep_to(wish["cores"])
    console.configure(quiet=True, color=wish["color"], json=wish["json"])
    logging.getLogger().addHandler(logging.NullHandler())  # the callers are told what goes wrong
    os.environ.setdefault(*LOOPBACK)
    return channel.last(edge.run(lambda: _serve(channel, wish)))


def _serve(channel: Channel, wish: Words) -> None:
    settings = Settings(read_layers(Path.cwd(), Globals(wish["config"] and Path(wish["config"]))))
    settings.words = wish["words"]
    found = discover.find(wish["target"], settings)
    app, path, stream = _mounted(found, settings, wish)

    from ..serving import ports, running
    from ..serving.doors import Door
    from ..serving.server import Plan, Server

    stream.verbose = False
    stream.telephone.secrets = dict  # the callers are ours, and sign nothing
    door = Door("127.0.0.1")
    plan = Plan(found, app, [(path, stream)], [], door, drain=0.0, warm=True, open=False, load_seconds=0.0)
    listener = ports.listen(door.host, 0, hop=False)
    running.run(_until_the_end(channel, Server(plan), listener, plan))


def _mounted(found: Target, settings: Settings, wish: Words) -> tuple[Starlette, str, Stream]:
    """The app, the path of the stream on it, and the stream."""
    from ..commands.serve import stream_options

    for name in LIMITS:
        settings.take(name, os.environ.get(f"RTSTREAM_{name.upper()}"))
    os.environ.setdefault("RTSTREAM_MEDIA_PATH", settings.take("media_path"))
    if settings.sources["concurrency_limit"] == DEFAULT:
        settings.values["concurrency_limit"] = "none"  # how many it holds is the question
    stream = streams.of(found, settings, wish["modality"], wish["mode"], **stream_options(settings))
    if infer.is_app(found.obj):
        path = next(path for path, one in candidates.streams(found.obj) if one is stream)
        return found.obj, path, stream
    from starlette.applications import Starlette

    app = Starlette()
    stream.mount(app)
    return app, "", stream


async def _until_the_end(channel: Channel, server: Server, listener: socket.socket, plan: Plan) -> None:
    from rtstream.clock import in_loop

    from ..serving.warm import warmed

    loop, (path, stream) = asyncio.get_running_loop(), plan.streams[0]

    def end() -> None:
        in_loop(loop, setattr, server, "should_exit", True)
        time.sleep(LATEST)
        os._exit(0)  # the handler holds it up

    serving = asyncio.create_task(server.serve(sockets=[listener]))
    up = asyncio.create_task(server.up.wait())
    await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        up.cancel()
        await serving  # raises what kept it down
    await warmed([stream])
    gc.collect()
    gc.freeze()
    channel.heed(lambda _: in_loop(loop, lambda: channel.say(**usage(stream))), end)
    channel.say(
        target=plan.target.name,
        url=plan.door.url(listener) + path,
        modality=stream.modality,
        mode=stream.mode,
        most=stream.concurrency_limit,
        time_limit=stream.time_limit,
        rates=_rates(stream),
    )
    await serving
    await stream.sessions.drain(0.0)


def _rates(stream: Stream) -> tuple[int, int | None]:
    from rtstream.handlers.forms import as_handler

    handler = as_handler(stream.event_handler, stream.options)()
    return handler.input_sample_rate, handler.output_sample_rate


def usage(stream: Stream) -> Words:
    """What the process has used so far: seconds of CPU in all its threads, KiB of memory; and what was heard.

    `waited` are seconds for which its event loop could have run, but had no core. `live` is the number of
    calls, `heard` the seconds of sound that their handlers have taken.
    """
    stats = [session.stats for session in stream.sessions]
    return {
        "at": time.monotonic(),
        "cpu": time.process_time(),
        "waited": waited(),
        "memory": memory(),
        "live": len(stats),
        "heard": sum(one.seconds_in for one in stats),
    }


def waited() -> float:
    """Seconds for which the event loop's thread had to wait for a core; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9  # the kernel's sched-stats.rst
    except OSError:
        return 0.0


def memory() -> float:
    """KiB of this process that are resident now; where the system does not say, that were at most."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * mmap.PAGESIZE / 1024
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 1024 if sys.platform == "darwin" else most


if __name__ == "__main__":
    sys.exit(main())
