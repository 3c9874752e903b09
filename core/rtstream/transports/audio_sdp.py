"""What an offer and its answer say of sound, and what aiortc leaves out of the answer."""

from __future__ import annotations

import re
from dataclasses import replace

from ..media.opus import OPUS_RANGES, OpusOptions
from ..rtp.codecs import EVENTS, Codec

_SECTION = re.compile(r"^m=audio \d+ \S+ (?P<types>[\d ]+)\r?$.*?(?=^m=|\Z)", re.M | re.S)
_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\r\n", re.M)
_MOST_BITS = re.compile(r"^a=fmtp:\d+ .*\bmaxaveragebitrate=(\d{1,9})\b", re.M)
_SOURCE = re.compile(r"^a=ssrc:(\d{1,10})\b", re.M)
_COPIES = "useinbandfec=1"


def agreed_codecs(sdp: str) -> dict[int, Codec]:
    """By payload type, the codecs of an answer's sound; the first is the one that is sent (RFC 3264 §6.1)."""
    section = _SECTION.search(sdp)
    agreed: dict[int, Codec] = {}
    for payload_type in section["types"].split() if section is not None else ():
        # In this section only: where sections are not bundled, each numbers its codecs by itself.
        kind = re.search(rf"^a=rtpmap:{payload_type} ([^/\s]+)/(\d+)", section[0], re.M) if section else None
        if kind is not None:
            codec = Codec(kind[1], int(payload_type), int(kind[2]))
            agreed |= {codec.payload_type: codec} if codec.known or codec.name == EVENTS else {}
    return agreed


def other_sources(offer: str) -> set[int] | None:
    """The SSRCs of the sections of sound behind the first one; None where that is the only one."""
    first, *others = [
        {int(ssrc) for ssrc in _SOURCE.findall(each[0])} for each in _SECTION.finditer(offer)
    ] or [set[int]()]
    return set[int]().union(*others) - first if others else None


def within(offer: str, options: OpusOptions) -> OpusOptions:
    """The options, with no more bits than the far end takes (RFC 7587 §6.1: `maxaveragebitrate`)."""
    section = _SECTION.search(offer)
    most = _MOST_BITS.search(section[0]) if section is not None else None
    if most is None:
        return options
    return replace(options, bitrate=min(options.bitrate, max(int(most[1]), OPUS_RANGES["bitrate"][0])))


def with_keys(offer: str, answer: str) -> str:
    """The answer, which takes the keys of a telephone too if the offer has them at the clock of the sound.

    aiortc knows nothing of `telephone-event` (RFC 4733), and need not: it never sees a packet of sound.
    """
    agreed, section = agreed_codecs(answer), _SECTION.search(answer)
    if not agreed or section is None:
        return answer
    clock_rate = next(iter(agreed.values())).clock_rate
    offered = re.search(rf"^a=rtpmap:(\d+) {EVENTS}/{clock_rate}\b", offer, re.M)
    if offered is None or int(offered[1]) in agreed:
        return answer
    first, found, rest = section[0].partition("\r\n")
    at = rest.find("a=rtpmap:")
    lines = f"a=rtpmap:{offered[1]} {EVENTS}/{clock_rate}\r\na=fmtp:{offered[1]} 0-15\r\n"
    told = f"{first} {offered[1]}{found}{rest[:at]}{lines}{rest[at:]}"
    return answer[: section.start()] + told + answer[section.end() :]


def with_copies(answer: str) -> str:
    """The answer, which tells that a copy of a lost packet in the next one is made use of.

    Without that a browser sends none (RFC 7587 §6.1: `useinbandfec` is 0 where it is not given).
    """
    return _OPUS.sub(rf"\g<0>a=fmtp:\1 minptime=10;{_COPIES}\r\n", answer)


def in_stereo(answer: str) -> str:
    """The answer `with_copies`, which asks for both channels: without `stereo` a browser sends one."""
    return answer.replace(_COPIES, f"{_COPIES};stereo=1")
