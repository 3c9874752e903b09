"""Whether a tunnel carries: asked through its public address, over HTTP and over a WebSocket."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ..errors import TunnelFailed

if TYPE_CHECKING:
    import httpx

ASK_SECONDS = 3.0
# Services put a page of warning before browsers, and each has a header that says that we are none.
HEADERS = {"User-Agent": "rtstream", "ngrok-skip-browser-warning": "1", "X-Pinggy-No-Screen": "1"}


class Probe(Protocol):
    """A question that only the right server answers, asked through a tunnel."""

    async def ask(self, url: str) -> None:
        """Ask over HTTP.

        Raises:
            TunnelFailed: no answer, or not the right one.
        """
        ...

    async def ask_socket(self, url: str) -> None:
        """Ask over a WebSocket. Raises as `ask`."""
        ...

    async def close(self) -> None:
        """Let its connections go."""
        ...


class _Asking:
    """What probes share: one client for all their questions, for a new one reads all certificates again."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def get(self, url: str) -> httpx.Response:
        """A page.

        Raises:
            TunnelFailed: there is no answer.
        """
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(headers=HEADERS, timeout=ASK_SECONDS)
        try:
            return await self._client.get(url)
        except httpx.HTTPError as error:
            raise silent(url, str(error) or type(error).__name__) from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


class BeaconProbe(_Asking):
    """Asks for what the beacon of our own server says at `path` (see `beacon`)."""

    def __init__(self, path: str, answer: str) -> None:
        super().__init__()
        self._path = path
        self._answer = answer

    async def ask(self, url: str) -> None:
        answer = await self.get(url + self._path)
        if answer.text != self._answer:
            raise silent(url, f"somebody else answers there (HTTP {answer.status_code})")

    async def ask_socket(self, url: str) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        address = "ws" + url.removeprefix("http") + self._path
        try:
            async with connect(address, open_timeout=ASK_SECONDS, additional_headers=HEADERS) as socket:
                if await socket.recv() != self._answer:
                    raise silent(url, "somebody else answers there over WebSocket")
        except (OSError, WebSocketException) as error:  # a TimeoutError is an OSError
            raise silent(url, f"WebSocket: {str(error) or type(error).__name__}") from None


class PortProbe(_Asking):
    """Asks a server that is not ours for its first page, and compares with what it says on this machine."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._here = f"http://{host}:{port}"

    async def here(self) -> int | None:
        """The status of the first page on this machine; None when nobody answers."""
        with suppress(TunnelFailed):
            return (await self.get(self._here)).status_code
        return None

    async def ask(self, url: str) -> None:
        if (ours := await self.here()) is None:
            return  # what nobody serves here says nothing about the tunnel
        theirs = (await self.get(url)).status_code
        if theirs != ours:
            raise silent(url, f"it answers HTTP {theirs}, but {self._here} answers {ours}")

    async def ask_socket(self, url: str) -> None:
        """Nothing is asked: where a stranger's WebSockets are is not known."""


def silent(url: str, why: str) -> TunnelFailed:
    """The error of a tunnel that does not carry."""
    return TunnelFailed(
        f"the tunnel at {url} does not carry", why=why, fix="Try again, or take another --tunnel"
    )
