"""The work of the limit as it comes to a server: for many calls, each with memory of its own, every 10 ms.

Between two wakes others use the caches of the processor. Who has to answer while the callers still speak, on
such a machine, cannot take less.
"""

from __future__ import annotations

import os
import socket
import time
from itertools import count

from pylibsrtp import Policy, Session

from rtstream.media import libopus
from rtstream.media.opus import OpusOptions

from .voices import FRAMES, RATE, packets

WAKES = 100  # a second: as often as rtstream looks at its sockets
SECONDS = 3.0


class Call:
    """One echo call: its codec, its keys, its socket, and what is at the caller's end."""

    def __init__(self, number: int, options: OpusOptions) -> None:
        self.decoder = libopus.Decoder(RATE, 1)
        self.encoder = libopus.Encoder(RATE, 1, bit_rate=options.bitrate, complexity=options.complexity)
        (theirs, self.decrypt), (self.encrypt, _) = _keys(), _keys()
        self.server, self.caller = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for end in (self.server, self.caller):
            end.bind(("127.0.0.1", 0))
        self.place = self.caller.getsockname()
        self._theirs, self._numbers = theirs, count(number)

    def say(self) -> None:
        """What the caller does."""
        number = next(self._numbers)
        packet = b"\x80\x60" + (number & 0xFFFF).to_bytes(2) + bytes(8) + packets()[number % FRAMES]
        self.caller.sendto(self._theirs.protect(packet), self.server.getsockname())

    def close(self) -> None:
        self.server.close()
        self.caller.close()


def _keys() -> tuple[Session, Session]:
    key, profile = os.urandom(44), Policy.SRTP_PROFILE_AEAD_AES_256_GCM
    out, back = Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND
    return (
        Session(Policy(key=key, ssrc_type=out, srtp_profile=profile)),
        Session(Policy(key=key, ssrc_type=back, srtp_profile=profile)),
    )


def paced(calls: int, options: OpusOptions) -> float:
    """CPU seconds for a second of one of so many calls."""
    made = [Call(37 * number, options) for number in range(calls)]
    halves = made[::2], made[1::2]
    took, begun = 0.0, time.monotonic()
    for wake in range(round(SECONDS * WAKES)):
        talking = halves[wake % 2]
        for call in talking:
            call.say()
        time.sleep(max(0.0, begun + wake / WAKES - time.monotonic()))
        before = time.thread_time()
        answer(talking)
        took += time.thread_time() - before
        for call in talking:
            call.caller.recv(2048)
    for call in made:
        call.close()
    return took / SECONDS / calls


def answer(calls: list[Call]) -> None:
    """The work itself, each step for all calls before the next one, which is cheapest."""
    came = [call.server.recvfrom(2048)[0] for call in calls]
    packets = [call.decrypt.unprotect(data) for call, data in zip(calls, came, strict=True)]
    sounds = [call.decoder.decode(packet[12:]) for call, packet in zip(calls, packets, strict=True)]
    said = [call.encoder.encode(sound) for call, sound in zip(calls, sounds, strict=True)]
    sent = [
        call.encrypt.protect(packet[:12] + payload)
        for call, packet, payload in zip(calls, packets, said, strict=True)
    ]
    for call, data in zip(calls, sent, strict=True):
        call.server.sendto(data, call.place)
