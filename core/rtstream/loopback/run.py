"""A recording through a stream, one way after another: what `rtstream test-file` does."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtstream.errors import HandlerHung, MediaFileError, RemoteError, RtstreamError, TooManyConnections
from rtstream.loopback import direct
from rtstream.loopback.expected import Expected
from rtstream.loopback.hanging import guarded
from rtstream.loopback.interrupting import Interrupting, Interruption
from rtstream.loopback.plan import LIMIT, Plan, media_of, ways_of
from rtstream.loopback.report import Report, judged
from rtstream.loopback.result import Result, add_session, from_taken
from rtstream.loopback.taken import Taken
from rtstream.media.files import SUFFIXES_AUDIO, Clip, ClipWriter
from rtstream.options import Modality, Mode
from rtstream.session.session import Session
from rtstream.stream import Stream
from rtstream.transports.file import Script

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from rtstream.loopback.house import House

FPS = 30.0  # of pictures whose file does not say
GLANCE = 0.01  # seconds between two looks for the server's side of a call
RETRY_SECONDS = 3.0  # a server of somebody else's may take a moment to free the place of our last call


def run_file(
    target: Stream | str,
    path: str | Path | Clip,
    via: Sequence[str] = ("direct",),
    *,
    out: str | Path | None = None,
    realtime: bool = False,
    linger: float = 1.0,
    timeout: float | None = None,
    modality: Modality | None = None,
    mode: Mode | None = None,
    app: Starlette | None = None,
    mounted_at: str = "",
    name: str = "",
    dtmf: str = "",
    before: Callable[[str], None] = lambda way: None,
    interruption: Interruption | None = None,
    expected: Expected | None = None,
) -> Report:
    """Send a recording through a stream and compare what comes back.

    Args:
        target: a stream, or the address of one on a running server.
        path: the recording, or its file.
        via: of "direct", "websocket", "phone" (Twilio's), "phone:twilio", "phone:telnyx", "phone:plivo",
            "phone:vonage", "phone:exotel" and "webrtc"; "all" stands for those that fit, "phone:all" for
            all carriers.
        out: where to write what came back; with several ways, `name-way.suffix`.
        realtime: let `direct` take as long as the recording lasts.
        linger: for how many seconds the handler must have been quiet before the caller hangs up.
        timeout: real seconds after which a way is given up (default 60 and twice the recording).
        modality, mode: of the stream at an address; by default what the recording has, "send-receive".
        app, mounted_at: the app that the stream is mounted on, and where.
        name: how the target is called in the report.
        dtmf: keys that the caller presses from the beginning on, as in "1w2#"; `w` waits half a second. Then
            ways are not compared, for each handler hears of them at another moment.
        before: called with each way before it is taken.
        interruption: what the caller says over the reply to their last words, and when.
        expected: what the verdicts hold the caller's turns to.

    Raises:
        MediaFileError: the recording cannot be read, or has not what the stream needs, or `out`
            cannot be written.
        OptionError: a way that does not fit the target, or an interruption of a stream that does not talk.
        HandlerHung: the handler did not come back.
        RemoteError: a server at an address did not.
    """
    clip = path if isinstance(path, Clip) else Clip.open(path)
    kinds, mode = media_of(target, clip, modality, mode)
    limit = timeout or LIMIT + 2 * clip.duration
    plan = Plan(target, clip, mode, kinds, linger, realtime, limit, app, mounted_at, interruption, dtmf)
    plan.check()
    ways = ways_of(via, plan)
    files = _files(None if out is None else Path(out), ways, plan)
    with ExitStack() as stack:
        callers = _Callers(plan, stack)
        results: list[Result] = []
        for way in ways:
            before(way)
            begun = time.monotonic()
            result = _direct(plan) if way == "direct" else callers.call(way)
            result.took = time.monotonic() - begun
            results.append(result)
    for result, file in zip(results, files, strict=False):
        result.save(file)
    written = [file for file in files if file.exists()]
    rows = judged(results, mode, expected, compare=not dtmf)
    return Report(str(clip.path), name or str(target), mode, results, rows, written)


def _files(out: Path | None, ways: list[str], plan: Plan) -> list[Path]:
    """Where what comes back is written, one file a way; checked before anything is sent."""
    if out is None:
        return []
    files = (
        [out] if len(ways) == 1 else [out.with_stem(f"{out.stem}-{way.replace(':', '-')}") for way in ways]
    )
    for file in files:
        _must_not_be_said(file, plan)
    for file in files:
        ClipWriter(file).close()
    if plan.kinds == ("video",) and out.suffix.lower() in SUFFIXES_AUDIO:
        raise MediaFileError(
            f"'{out}' takes no pictures",
            why="its suffix is one of sound",
            fix=f"Write to {out.with_suffix('.mp4')}",
        )
    return files


def _must_not_be_said(file: Path, plan: Plan) -> None:
    """Whoever names the recording itself as `out` would lose it before it was sent."""
    said = [plan.clip, *([plan.interruption.words] if plan.interruption else [])]
    if file.exists() and any(file.samefile(clip.path) for clip in said):
        raise MediaFileError(
            f"'{file}' is the recording itself",
            why="what comes back would be written over what is to be sent",
            fix=f"Write to another file, such as {file.with_stem(f'{file.stem}-reply')}",
        )


def _direct(plan: Plan) -> Result:
    assert isinstance(plan.target, Stream)
    script = plan.script()
    try:
        taken, session, outputs = direct.run(plan.target, script, realtime=plan.realtime, limit=plan.limit)
    except HandlerHung:
        raise
    except RtstreamError as error:
        return Result("direct", errors=[error])
    result = _result(plan, script, taken)
    add_session(result, session, outputs)
    return result


def _result(plan: Plan, script: Script, taken: Taken) -> Result:
    result = from_taken(
        taken,
        said=plan.mode != "receive",
        seconds=script.seconds,
        fps=plan.clip.fps or FPS,
        by_ear=isinstance(plan.target, str) and plan.mode == "send-receive",
    )
    result.spoke_over = script.spoke_over if isinstance(script, Interrupting) else None
    return result


class _Callers:
    """The callers over sockets, and the server that they share when the target is no address."""

    def __init__(self, plan: Plan, stack: ExitStack) -> None:
        self._plan = plan
        self._stack = stack
        self._house: House | None = None

    def call(self, way: str) -> Result:
        """Take one way, and once more while the server has no place for us yet."""
        begun = time.monotonic()
        while True:
            result = self._call(way)
            full = any(isinstance(error, TooManyConnections) for error in result.errors)
            if not full or self._house is not None or time.monotonic() - begun > RETRY_SECONDS:
                return result
            time.sleep(0.25)

    def _call(self, way: str) -> Result:
        id = uuid.uuid4().hex
        house = self._enter()
        script = self._plan.script(way)
        try:
            taken, session = guarded(lambda: asyncio.run(self._follow(way, id, script)), self._plan.limit)
        except HandlerHung as error:
            raise error if house is not None else _no_end(way, self._plan) from None
        except RtstreamError as error:
            return Result(way, errors=[error])
        if house is not None:
            house.ended(id)
        taken.via = way
        result = _result(self._plan, script, taken)
        if house is not None and session is not None:
            add_session(result, session, house.outputs(session))
        return result

    def _enter(self) -> House | None:
        """The server with the stream, opened for the first call; None when the target is an address."""
        if self._house is None and isinstance(self._plan.target, Stream):
            from rtstream.loopback.house import House

            self._house = self._stack.enter_context(House(self._plan.target, self._plan.app, self._plan.path))
        return self._house

    async def _follow(self, way: str, id: str, script: Script) -> tuple[Taken, Session | None]:
        """Make the call, and meanwhile get hold of the server's side of it."""
        calling = asyncio.create_task(self._caller(way, id, script))
        session: Session | None = None
        while self._house is not None and session is None and not calling.done():
            await asyncio.wait([calling], timeout=GLANCE)
            session = self._house.session(id)
        told = _overheard(session) if session is not None else []
        taken = await calling
        taken.told = told or taken.told
        return taken, session

    async def _caller(self, way: str, id: str, script: Script) -> Taken:
        url = self._house.url if self._house is not None else str(self._plan.target)
        rate_in, rate_out, channels = self._plan.handler_form
        if way == "websocket":
            from rtstream.loopback import websocket

            return await websocket.call(url, script, id, (rate_in, rate_out))
        if way.startswith("phone"):
            from rtstream.loopback import phone

            return await phone.call(url, script, id, way.partition(":")[2] or "twilio")
        from rtstream.loopback import webrtc

        return await webrtc.call(url, script, id, self._plan.kinds, channels)


def _overheard(session: Session) -> list[tuple[float, dict[str, Any]]]:
    """What a session tells from now on, and when: carriers are sent none of it, others a little later."""
    told: list[tuple[float, dict[str, Any]]] = []
    session.texts.overheard = lambda text: told.append((time.monotonic(), json.loads(text)))
    return told


def _no_end(way: str, plan: Plan) -> RemoteError:
    return RemoteError(
        f"the call by {way} was not over after {plan.limit:g} s",
        why=f"{plan.target} neither answered to the end nor hung up",
        fix="Look at the server's log, or allow more time with --timeout",
    )
