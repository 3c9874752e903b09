"""The callers of `rtstream bench`: a process that makes one call to see what a handler does, and then many.

    python -m rtstream_cli.capacity.callers

Whom to call comes by stdin (`Channel`), and then what to do.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import asdict, replace

from rtstream.clock import in_loop
from rtstream.errors import NoMediaOut, RemoteError
from rtstream.loopback.crowd.crowd import Crowd
from rtstream.loopback.crowd.figures import Trial, trial_of
from rtstream.loopback.crowd.voice import Voice
from rtstream.loopback.report import Report
from rtstream.loopback.run import run_file
from rtstream.media.files import Clip

from .. import edge
from ..console import console
from .channel import LOOPBACK, Channel, Words, keep_to


def main() -> int:
    """Call until the command is gone."""
    channel = Channel()
    wish = channel.wish()
    keep_to(wish["cores"])
    console.configure(quiet=True, color=wish["color"], json=wish["json"])
    logging.getLogger().addHandler(logging.NullHandler())
    if wish["here"]:
        os.environ.setdefault(*LOOPBACK)
    return channel.last(edge.run(lambda: _Callers(channel, wish).run()))


class _Callers:
    """What this process was told, and does."""

    def __init__(self, channel: Channel, wish: Words) -> None:
        self._channel, self._wish = channel, wish
        self._clip = Clip.open(wish["file"])

    def run(self) -> None:
        """Make the first call, if this process is to, and then do as it is told."""
        if self._wish["first"]:
            self._channel.say(**asdict(self._try()))
        asyncio.run(self._obey())

    def _try(self) -> Trial:
        """Make one call as `test-file` does.

        Raises:
            RtstreamError: what went wrong in it; NoMediaOut where nothing did, and nothing came back.
        """
        wish = self._wish
        report = run_file(wish["url"], self._clip, [wish["way"]], modality="audio", mode=wish["mode"])
        _raise(report)
        return trial_of(report.results[0], wish["mode"], self._clip.duration)

    async def _obey(self) -> None:
        loop, requests = asyncio.get_running_loop(), asyncio.Queue[Words]()

        def take(words: Words) -> None:
            in_loop(loop, requests.put_nowait, words)

        self._channel.heed(take, lambda: os._exit(0))  # nothing here is to be put in order
        while True:
            request = await requests.get()
            trial = Trial(**{**request["trial"], "ends": tuple(request["trial"]["ends"])})
            crowd = self._crowd(trial)
            await crowd.begin(request["delays"])
            self._channel.say(up=True)
            effort = await crowd.count((await requests.get())["seconds"])
            self._channel.say(**asdict(effort))
            await requests.get()
            self._channel.say(**(await crowd.end()).as_dict())

    def _crowd(self, trial: Trial) -> Crowd:
        wish = self._wish
        voice = Voice(self._clip, trial.period)
        trial = replace(trial, period=voice.period)
        return Crowd(wish["url"], wish["way"], wish["mode"], voice, trial, tuple(wish["rates"]))


def _raise(report: Report) -> None:
    result, row = report.results[0], report.rows[0]
    if result.errors:
        raise result.errors[0]
    if row.verdict == "silent":
        raise NoMediaOut(
            "one call was made, and nothing could be heard of it",
            why=row.why,
            fix="Let callers say something that is answered: --in FILE",
        )
    if row.verdict == "fail":
        raise RemoteError("one call was made, and it was not as it should be", why=row.why)


if __name__ == "__main__":
    sys.exit(main())
