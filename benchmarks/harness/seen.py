"""A call with sound and pictures: what it is shown is read afterwards, each with its age."""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import pylibsrtp
from aiortc.codecs.vpx import vp8_depayload
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import RtcpPsfbPacket, RtpPacket, pack_remb_fci

from rtstream.rtp import rtcp

from . import picture
from .browser import Call, Packet, Unsaid
from .reporting import Reporter

if TYPE_CHECKING:
    import numpy as np
    from aiortc import RTCPeerConnection

BITS = 16  # of the moment, in ms, as servers/both.py draws it


class Watching(Call):
    """A call of pictures alone, which reports what comes of them when it comes."""

    def __init__(self) -> None:
        super().__init__("video")

    def _take_over(self, sender: Any) -> None:
        super()._take_over(sender)
        reporter = Reporter(sender)
        protocol: Any = sender.transport.transport._connection._nominated[1].protocol
        receive = protocol.datagram_received

        def datagram_received(data: bytes, source: Any) -> None:
            media = 127 < data[0] < 192
            if media:
                reporter.came(data, time.monotonic())
                reporter.look()
            if not media or not rtcp.is_rtcp(data):
                receive(data, source)

        protocol.datagram_received = datagram_received


@dataclass(frozen=True)
class Shown:
    """A picture that came: when its last packet did, how old it was then, and how big it is."""

    arrived: float
    age: float
    width: int
    height: int


class Seeing(Call):
    """A call that offers pictures beside sound.

    Args:
        line: bits a second that come through to it; the rest waits, reports too. None: all. It tells the
            server how much that is as a browser does, from how late packets come: by aiortc's estimator,
            which is WebRTC's. And it reports what came, once a second.
    """

    def __init__(self, line: float | None = None) -> None:
        super().__init__("audio")
        self._line = line
        self._estimator, self._free, self._told = RemoteBitrateEstimator(), 0.0, 0
        self._due: list[float] = []
        self._number = random.randrange(1 << 14)

    def _offer_more(self, pc: RTCPeerConnection) -> None:
        self._pictures = pc.addTransceiver(Unsaid("video"), direction="sendrecv")

    def show(self, tick: int) -> None:
        """Send the next of the test pictures."""
        *others, last = picture.packets()[tick % picture.LOOP]
        for payload in (*others, last):
            self._number = (self._number + 1) & 0xFFFF
            kind = int(payload is last) << 7 | self._type
            stamp = tick * 90_000 // picture.RATE & 0xFFFFFFFF
            sender: Any = self._pictures.sender
            self._write(struct.pack("!BBHLL", 0x80, kind, self._number, stamp, sender._ssrc) + payload)

    async def watch(self) -> None:
        """Let what comes wait for its turn on the line, and tell how wide that seems to be (REMB)."""
        while True:
            await asyncio.sleep(0.01)
            for arrived, data in self._came[len(self._due) :]:
                takes = 8 * len(data) / self._line if self._line is not None else 0.0
                self._free = max(self._free, arrived) + takes
                self._due.append(self._free)
            while self._told < len(self._due) and self._due[self._told] <= time.monotonic():
                data, due = self._came[self._told][1], self._due[self._told]
                self._reporter.came(data, due)
                self._tell(data, due)
                self._told += 1
            self._reporter.look()

    def _tell(self, data: bytes, arrived: float) -> None:
        read = self._decrypted(arrived, data)
        if read is None or read[1] != self._type:
            return
        told = self._estimator.add(
            abs_send_time=self._sent_at[data[:12]],
            arrival_time_ms=int(1000 * arrived),
            payload_size=len(read[0].payload),
            ssrc=int.from_bytes(data[8:12], "big"),
        )
        if told is not None:
            fci = pack_remb_fci(*told)
            self._reporter.send(bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci)))

    def packets(self) -> Iterator[Packet]:
        """What came back of the sound."""
        return (packet for packet, kind in self._read() if kind != self._type)

    def pictures(self) -> Iterator[Shown]:
        """What was shown, as it would be seen behind a line of that width."""
        decoder: Any = av.CodecContext.create("libvpx", "r")
        frames: dict[int, list[Packet]] = {}
        for packet, kind in self._read():
            if kind == self._type and packet.payload:
                frames.setdefault(packet.timestamp, []).append(packet)
        for parts in frames.values():
            arrived = max(part.arrived for part in parts)
            parts.sort(key=lambda part: part.sequence)
            data = b"".join(vp8_depayload(part.payload) for part in parts)
            with contextlib.suppress(av.FFmpegError):
                for frame in decoder.decode(av.Packet(data)):
                    if (made := moment(frame.reformat(format="gray").to_ndarray())) is not None:
                        age = (int(1000 * arrived) - made) % (1 << BITS) / 1000
                        yield Shown(arrived, age, frame.width, frame.height)

    def bits(self, since: float) -> int:
        """Of pictures that came since a moment."""
        return sum(
            8 * len(packet.payload)
            for packet, kind in self._read()
            if kind == self._type and packet.arrived >= since
        )

    def _read(self) -> Iterator[tuple[Packet, int]]:
        for place, (arrived, data) in enumerate(self._came):
            came = self._due[place] if place < len(self._due) else arrived
            packet = self._plain.get(data[:12]) or self._decrypted(came, data)
            if packet is not None:
                yield packet

    def _decrypted(self, arrived: float, data: bytes) -> tuple[Packet, int] | None:
        try:
            read = RtpPacket.parse(self._srtp.unprotect(data), self._extensions)
        except (pylibsrtp.Error, ValueError):
            return None
        packet = Packet(arrived, read.sequence_number, read.timestamp, read.payload)
        self._plain[data[:12]] = packet, read.payload_type
        self._sent_at[data[:12]] = read.extensions.abs_send_time or 0
        return packet, read.payload_type

    def _take_over(self, sender: Any) -> None:
        super()._take_over(sender)
        self._plain: dict[bytes, tuple[Packet, int]] = {}
        self._sent_at: dict[bytes, int] = {}
        self._extensions: Any = sender.transport._rtp_header_extensions_map
        self._type = int(self._pictures._codecs[0].payloadType or 0)
        self._reporter = Reporter(sender)
        pair = sender.transport.transport._connection._nominated[1]
        receive = pair.protocol.datagram_received

        def datagram_received(data: bytes, source: Any) -> None:
            if 127 < data[0] < 192 and rtcp.is_rtcp(data):
                self._came.append((time.monotonic(), data))  # it shares the line
            else:
                receive(data, source)

        pair.protocol.datagram_received = datagram_received


def moment(gray: np.ndarray) -> int | None:
    """The moment that is drawn along the top of a picture of any size; None when it cannot be read."""
    height, width = gray.shape
    block = width / (BITS + 2)
    row = gray[height // 32 : height // 12].mean(axis=0)
    cells = [
        row[int((n + 0.3) * block) : max(int((n + 0.7) * block), int((n + 0.3) * block) + 1)]
        for n in range(BITS + 2)
    ]
    white, black, *levels = (float(cell.mean()) for cell in cells)
    if white - black < 80:
        return None
    return sum(1 << bit for bit, level in enumerate(levels) if level > (white + black) / 2)
