"""Whose packets are whose where several sections of one kind come on one transport (RFC 9143 §9.2)."""

from __future__ import annotations

from collections.abc import Iterable

from .packet import Packet, elements

MOST_SOURCES = 64  # of others that are remembered: an honest offer has one or two a section


class Share:
    """The packets of one section among those on its transport.

    Args:
        others: the SSRCs that the other sections name as theirs; of more their packets tell by their section.
        mid: `(id, value)` of the header extension that names this section, if it was agreed on.
    """

    def __init__(self, others: Iterable[int], mid: tuple[int, bytes] | None) -> None:
        self._others = set(others)
        self._id, self._name = mid or (0, b"")  # no extension has the id 0 (RFC 8285 §4.2)

    def has(self, packet: Packet) -> bool:
        """Whether a packet is of this section, as far as nothing says that it is not."""
        for id, value in elements(packet):
            if id == self._id and value == self._name:
                self._others.discard(packet.ssrc)
            elif id == self._id and len(self._others) < MOST_SOURCES:  # named in its first packets only
                self._others.add(packet.ssrc)
        return packet.ssrc not in self._others
