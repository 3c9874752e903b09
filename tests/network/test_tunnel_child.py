"""The programs that tunnels run on: read to the last, ended with all that they have started."""

from __future__ import annotations

import logging
import os
import re
import time

import pytest

from rtstream.errors import ToolMissing, TunnelFailed
from rtstream.tunnels.child import Child
from tests.conftest import run
from tests.helpers.server import until

pytestmark = pytest.mark.network

ADDRESS = re.compile(r"at (?P<address>\S+)")
REFUSAL = re.compile(r"refused")


async def shell(script: str) -> Child:
    return await Child.start("the program", ["/bin/sh", "-c", script])


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except OSError:
        return False


def test_one_that_ends_while_it_is_ended_leaves_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        for _ in range(60):
            child = await shell("echo refused")
            with pytest.raises(TunnelFailed, match="was refused"):
                await child.find(ADDRESS, REFUSAL)
            await child.close()

    caplog.set_level(logging.WARNING, "asyncio")
    run(scene())
    assert caplog.records == []


def test_what_it_has_started_ends_with_it() -> None:
    async def scene() -> None:
        child = await shell("sleep 1000 & echo at $!; wait")
        pid = int(await child.find(ADDRESS))
        assert alive(pid)
        await child.close()
        await until(lambda: not alive(pid))

    run(scene())


def test_one_that_does_not_want_to_end_is_killed() -> None:
    async def scene() -> None:
        child = await shell("trap '' TERM; echo at home; while true; do sleep 0.1; done")
        await child.find(ADDRESS)
        begun = time.monotonic()
        await child.close()
        assert time.monotonic() - begun < 5

    run(scene())


def test_it_is_told_how_it_ended() -> None:
    async def scene() -> None:
        child = await shell("echo at home; exit 3")
        assert await child.ended() == "the program ended: exit code 3"
        await child.close()
        child = await shell("echo at home; exec sleep 1000")
        await child.find(ADDRESS)
        child.kill()
        assert await child.ended() == "the program ended: signal SIGKILL"
        await child.close()

    run(scene())


def test_its_last_lines_are_the_reason_and_a_flood_is_no_matter() -> None:
    async def scene() -> None:
        child = await shell("yes x | head -c 3000000 | tr -d '\\n'; echo; seq 5000; echo last words; exit 1")
        with pytest.raises(TunnelFailed) as caught:
            await child.find(ADDRESS)
        assert caught.value.why.endswith("5000\nlast words")
        assert len(caught.value.why) < 5000
        assert "exit code 1" in caught.value.what
        await child.close()

    run(scene())


def test_one_that_is_not_there_is_told() -> None:
    with pytest.raises(ToolMissing, match="the program cannot be run"):
        run(Child.start("the program", [os.devnull]))
