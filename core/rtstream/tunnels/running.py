"""What the tunnels share that are a program: it runs, it dies, it is ended."""

from __future__ import annotations

from collections.abc import Sequence

from .child import Child


class Running:
    """The half of a tunnel that keeps its program."""

    name: str

    def __init__(self) -> None:
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The program, once it was started."""
        assert self._child is not None
        return self._child

    @property
    def said(self) -> str:
        return self._child.said if self._child else ""

    async def start(self, words: Sequence[str]) -> None:
        """Start the program.

        Raises:
            ToolMissing: it cannot be run.
        """
        self._child = await Child.start(self.name, words)

    async def died(self) -> str:
        return await self.child.ended()

    async def close(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            await child.close()

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
