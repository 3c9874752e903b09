"""What every test may ask for: a real voice, a free port, a loop that forgives nothing, a check for leaks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from tests.alone import room
from tests.helpers.ports import port

T = TypeVar("T")

REPOSITORY = Path(__file__).parent.parent
RECORDING = Path(
    "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav"
)  # "he was not an ill disposed young man": 2.99 s, 16 kHz, Debian's pocketsphinx-testdata
SAMPLE = REPOSITORY / "templates/rtstream_templates/echo/sample.wav"

# The programs of this environment come first: tests call `rtstream` by its name, as people do.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
# aiortc leaves 127.0.0.1 out of its ICE candidates, and a machine of a test may have no other address.
os.environ["RTSTREAM_ICE_ADDRESSES"] = "127.0.0.1"
# A run in the background of a shell ignores Ctrl-C, and so would the programs in which tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("person", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "person")


def run(
    coroutine: Coroutine[Any, Any, T],
    timeout: float = 20.0,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Run a coroutine to its end and fail if it leaves anything behind.

    Args:
        loop: makes the event loop; asyncio's by default.

    Raises:
        AssertionError: tasks were still running at its end, or the loop was told of an exception
            that nobody had waited for.
        TimeoutError: it took longer than `timeout` seconds.
    """
    unheard: list[dict[str, Any]] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, report: unheard.append(report))
        async with asyncio.timeout(timeout):
            result = await coroutine
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks still running at the end: {[task.get_name() for task in left]}"
        return result

    with asyncio.Runner(loop_factory=loop) as runner:
        result = runner.run(watched())
    assert not unheard, f"exceptions that nobody waited for: {unheard}"
    return result


@pytest.fixture(scope="session")
def speech() -> Path:
    """A recorded sentence: Debian's if the package is there, else the one that our template carries."""
    return RECORDING if RECORDING.exists() else SAMPLE


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens."""
    return port()


@pytest.fixture(params=["own", "aiortc"])
def media_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way that sound can go over WebRTC: a test that uses it runs over both."""
    monkeypatch.setenv("RTSTREAM_MEDIA_PATH", request.param)
    return str(request.param)


@pytest.fixture(autouse=True)
def no_threads_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """A connection that has ended leaves no thread: checked for all tests of sessions and of the network."""
    before = set(threading.enumerate())
    yield
    if request.path.parent.name not in ("session", "network"):
        return
    started = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in started:
        thread.join(timeout=5.0)  # is over as soon as it ends; only a thread that stays takes so long
    left = [thread.name for thread in started if thread.is_alive()]
    assert not left, f"threads left behind: {left}"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outermost: to wait is no part of a test's time
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with room(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `scripts/test` takes: most tests wait for time to go by, not for a processor."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import Scheduling

    return Scheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the system packages that `scripts/test` could not install, so that no test is skipped silently."""
    if missing := os.environ.get("RTSTREAM_TESTS_WITHOUT"):
        terminalreporter.write_sep("=", "not on this machine", yellow=True)
        terminalreporter.write_line(f"system packages: {missing}")


@pytest.fixture
def contract_anew() -> Iterator[None]:
    """What libraries keep private may be broken: it is looked at in this test, and again after it."""
    from rtstream.transports import audio_path, contract, private_names

    looks = contract._probe, private_names.broken_names, audio_path.is_known
    for look in looks:
        look.cache_clear()
    yield
    for look in looks:
        look.cache_clear()
