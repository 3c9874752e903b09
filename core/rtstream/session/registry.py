"""All connections of a stream: the only place that knows how many there are."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from ..clock import Clock
from ..errors import AlreadyConnected, ServerStopping, TooManyConnections, UnknownConnection
from . import journal
from .feed import Feed
from .outcome import STOPPING, EndReason
from .session import Session

RETRY_AFTER = 5  # seconds that a refused client is told to wait
UNREAD = 5.0  # seconds for which the last outputs of an ended session wait for their reader
TO_COME = 3.0  # seconds for which a reader waits for a connection that is not there yet
KEPT = 1000  # ids of sessions that have ended, for readers who come again


class Sessions:
    """The live connections by id. A connection holds its place from before it is answered to its end.

    Args:
        limit: how many there may be at once, None for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._live: dict[str, Session | None] = {}
        self._unread: dict[str, Feed] = {}
        self._awaited: dict[str, set[asyncio.Future[Feed]]] = {}
        self._ended: deque[str] = deque(maxlen=KEPT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._full_told = False  # since there last was a place

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Session]:
        return iter([session for session in self._live.values() if session is not None])

    def __contains__(self, id: str) -> bool:
        return id in self._live

    def get(self, id: str) -> Session:
        """The session with that id.

        Raises:
            UnknownConnection: there is none (any more), or it is not yet answered.
        """
        session = self._live.get(id)
        if session is None:
            raise UnknownConnection(
                f"there is no connection {id!r:.80}",
                why="it was never made, it has ended, or it is in another process of the server",
                fix="Use the webrtc_id of an offer that was answered, while its connection lives",
            )
        return session

    def outputs(self, id: str) -> Feed:
        """The additional outputs of a session, for a while also those it left behind. Raises as `get`."""
        left = self._unread.get(id)
        return left if left is not None else self.get(id).outputs

    async def outputs_to_come(self, id: str) -> Feed | None:
        """As `outputs`, of a session that may still be on its way; None if it has ended.

        Pages ask for the outputs of a connection before it stands, and ask again when it has ended.

        Raises:
            UnknownConnection: none has come in three seconds.
        """
        with suppress(UnknownConnection):
            return self.outputs(id)
        if id in self._ended:
            return None
        coming: asyncio.Future[Feed] = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(id, set())
        waiting.add(coming)
        try:
            async with asyncio.timeout(TO_COME):
                return await coming
        except TimeoutError:
            return self.get(id).outputs
        finally:
            waiting.discard(coming)
            if not waiting:
                self._awaited.pop(id, None)

    @property
    def full(self) -> bool:
        """Whether no further connection would be taken now."""
        return self._stopping or (self.limit is not None and len(self._live) >= self.limit)

    def turned_away(self) -> None:
        """A caller hears that there is no place: the log is told, once until one was free again."""
        if self.limit is not None and not self._stopping and not self._full_told:
            self._full_told = True
            journal.full(self.limit)

    def reserve(self, id: str) -> None:
        """Take a place for a connection that is still to be answered; give it back with `release`.

        Raises:
            ServerStopping, AlreadyConnected, TooManyConnections
        """
        if self._stopping:
            raise ServerStopping(
                "the server is stopping", fix="Try again in a moment", retry_after=RETRY_AFTER
            )
        if id in self._live:
            raise AlreadyConnected(
                f"the connection {id!r:.80} exists already", fix="Use a new random id for each connection"
            )
        if self.limit is not None and len(self._live) >= self.limit:
            self.turned_away()
            raise TooManyConnections(
                "too many concurrent connections",
                why=f"the limit is {self.limit}" + (" call at a time" if self.limit == 1 else ""),
                fix="Wait until a call has ended, or raise concurrency_limit",
                limit=self.limit,
                retry_after=RETRY_AFTER,
            )
        self._live[id] = None

    def release(self, id: str) -> None:
        """Give a place back."""
        self._live.pop(id, None)
        self._full_told = False

    @contextmanager
    def place(self, id: str) -> Iterator[None]:
        """Reserve a place, and give it back if what is done with it fails. Raises as `reserve`."""
        self.reserve(id)
        with ExitStack() as failing:
            failing.callback(self.release, id)
            yield
            failing.pop_all()

    def start(self, session: Session, life: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run a session whose place is reserved, to its end, in a task; the place is then free."""
        self._live[session.id] = session
        for coming in self._awaited.pop(session.id, ()):
            if not coming.done():
                coming.set_result(session.outputs)
        if self._stopping:  # it was being answered when the stop came
            session.end(EndReason.SERVER_STOPPING, STOPPING)
        task = asyncio.ensure_future(self._hold(session, life))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close_all(self, reason: EndReason = EndReason.SERVER_STOPPING) -> None:
        """End all connections, tell their clients, and wait until they are cleaned up."""
        for session in self:
            session.end(reason, STOPPING)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)

    async def drain(self, seconds: float) -> None:
        """Take no new connections, wait up to `seconds` for the live ones to end, then end the rest."""
        self._stopping = True
        if self._tasks and seconds > 0:
            await asyncio.wait(self._tasks, timeout=seconds)
        await self.close_all()

    def reopen(self) -> None:
        """Take connections again: the app may be started once more."""
        self._stopping = False

    async def _hold(self, session: Session, life: Callable[[], Awaitable[None]]) -> None:
        clock = Clock()
        since = clock.now()
        journal.begun(session, len(self))
        try:
            await life()
        finally:
            self.release(session.id)
            journal.ended(session, clock.now() - since, len(self))
            self._ended.append(session.id)
            if session.outputs.unread:
                self._unread[session.id] = session.outputs
                asyncio.get_running_loop().call_later(UNREAD, self._unread.pop, session.id, None)
