"""What a call carries, offered and answered in SDP (RFC 4566, RFC 3264): one sound, in plain RTP."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

EVENTS = "telephone-event"  # RFC 4733
CODECS = {"opus": 48_000, "g722": 8000, "pcmu": 8000, "pcma": 8000}  # their RTP clocks (RFC 3551 §4.5.2)
STATIC = {0: ("pcmu", 8000), 8: ("pcma", 8000), 9: ("g722", 8000)}  # RFC 3551 §6: need no rtpmap
OURS = (("opus", 96), ("g722", 9), ("pcmu", 0), ("pcma", 8))  # what is offered to those who ask, best first
OUR_EVENTS = ((97, 48_000), (101, 8000))  # keys for each clock of these
FORMATS = {EVENTS: "0-15", "opus": "useinbandfec=1"}  # what `a=fmtp` says of them
PROFILES = ("RTP/AVP", "RTP/AVPF")
PIECES = (10, 20, 30, 40, 60)  # milliseconds in a packet; Opus has none of 30
MOST_LINES = 1000
DIRECTIONS = {"sendrecv": (True, True), "sendonly": (True, False), "recvonly": (False, True)}

_MEDIA = re.compile(r"(\S+) (\d{1,5})(?:/\d+)? (\S+)((?: \S+)*)")
_RTPMAP = re.compile(r"(\d{1,3}) ([^/\s]+)/(\d{1,6})(?:/\d+)?")


@dataclass(frozen=True)
class Format:
    """A codec, or the keys, with its number in RTP."""

    name: str  # in lower case
    payload_type: int
    clock_rate: int

    def line(self) -> str:
        """Its `a=rtpmap`."""
        spelled = self.name if self.name in ("opus", EVENTS) else self.name.upper()
        return f"a=rtpmap:{self.payload_type} {spelled}/{self.clock_rate}{'/2' * (self.name == 'opus')}"


@dataclass(frozen=True)
class Section:
    """A medium as it was offered: `m=` and its lines. `host` and `port` are where it wants its RTP."""

    kind: str
    port: int
    profile: str
    numbers: tuple[str, ...]
    host: str
    attributes: tuple[str, ...]

    def attribute(self, name: str) -> str | None:
        """The value of an attribute, "" for one without; None when it is not there."""
        for attribute in self.attributes:
            known, _, value = attribute.partition(":")
            if known == name:
                return value.strip()
        return None

    def formats(self) -> list[Format]:
        """The codecs that are known here and the keys, in the order of the offer."""
        named = dict(STATIC)
        for attribute in self.attributes:
            found = _RTPMAP.match(attribute.removeprefix("rtpmap:").strip())
            if attribute.startswith("rtpmap:") and found is not None:
                named[int(found[1])] = found[2].lower(), int(found[3])
        known = []
        for number in self.numbers:
            name, clock_rate = named.get(int(number) if number.isdigit() and len(number) < 4 else -1, ("", 0))
            if CODECS.get(name) == clock_rate or name == EVENTS:
                known.append(Format(name, int(number), clock_rate))
        return known


@dataclass(frozen=True)
class Media:
    """The sound of a call as both sides have agreed on it.

    `codec` and `keys` (None without) have the numbers of the far end; `host`, `port` and `rtcp_port` are
    where it wants its packets, "" while it wants none. `speaks` is whether it sends, `listens` whether it
    wants any. `piece` is the milliseconds of a packet. `place` is which of its media it is, `others` the
    rest of them.
    """

    codec: Format
    keys: Format | None
    host: str
    port: int
    rtcp_port: int
    mux: bool
    speaks: bool
    listens: bool
    piece: int
    profile: str
    place: int
    others: tuple[Section, ...]


def sections(body: bytes) -> list[Section]:
    """The media of a description; [] for what is none."""
    lines = body.decode(errors="replace").splitlines()[:MOST_LINES]
    if not lines or not lines[0].startswith("v="):
        return []
    session, *media = _blocks(lines)
    host, direction = _connection(session), _direction(session)
    found = []
    for block in media:
        begun = _MEDIA.fullmatch(block[0][2:].strip())
        if begun is None:
            return []
        attributes = tuple(line[2:].strip() for line in block if line.startswith("a="))
        found.append(
            Section(
                begun[1].lower(),
                int(begun[2]),
                begun[3].upper(),
                tuple(begun[4].split()),
                _connection(block) or host,
                attributes if _direction(block) else (*attributes, direction or "sendrecv"),
            )
        )
    return found


def agreed(described: Sequence[Section], keep: str = "") -> Media | None:
    """What can be agreed on of an offer, or what an answer to our own offer agrees on; None for nothing.

    Args:
        described: its media.
        keep: the codec that has to be kept, when the call has one already.
    """
    for place, section in enumerate(described):
        if section.kind != "audio" or section.profile not in PROFILES or not 0 < section.port <= 65535:
            continue
        formats = [one for one in section.formats() if keep in ("", one.name) or one.name == EVENTS]
        codec = next((one for one in formats if one.name != EVENTS), None)
        if codec is not None and _is_address(section.host):
            return _media(section, place, codec, formats, described)
    return None


def _media(
    section: Section, place: int, codec: Format, formats: list[Format], described: Sequence[Section]
) -> Media:
    keys = [one for one in formats if one.name == EVENTS]
    speaks, listens = next(
        (DIRECTIONS[one] for one in section.attributes if one in DIRECTIONS), (False, False)
    )
    held = ipaddress.ip_address(section.host).is_unspecified  # how RFC 2543 put a call on hold
    said = (section.attribute("rtcp") or "").partition(" ")[0]
    mux = section.attribute("rtcp-mux") is not None
    rtcp = int(said) if said.isdigit() and 0 < int(said[:6]) <= 65535 else min(section.port + 1, 65535)
    return Media(
        codec=codec,
        # Of the same clock, since they share its timestamps (RFC 4733 §2.5.1.2).
        keys=next((one for one in keys if one.clock_rate == codec.clock_rate), next(iter(keys), None)),
        host="" if held else section.host,
        port=section.port,
        rtcp_port=section.port if mux else rtcp,
        mux=mux,
        speaks=speaks and not held,
        listens=listens and not held,
        piece=_piece(section.attribute("ptime"), section.attribute("maxptime"), codec.name),
        profile=section.profile,
        place=place,
        others=tuple(described[:place]) + tuple(described[place + 1 :]),
    )


def answer(media: Media, host: str, port: int, version: tuple[int, int]) -> bytes:
    """The answer to the offer that a medium comes from.

    Args:
        media: what was agreed on.
        host, port: where we take RTP.
        version: the number of the session and that of its description (`o=`).
    """
    formats = [media.codec, *([media.keys] if media.keys is not None else [])]
    lines = _lines(formats, port, media.profile, media.piece)
    # What they only send we only hear, and so on (RFC 3264 §6.1).
    ways = {directions: name for name, directions in DIRECTIONS.items()}
    lines.append(f"a={ways.get((media.listens, media.speaks), 'inactive')}")
    if media.mux:
        lines.append("a=rtcp-mux")
    blocks = [_rejected(section) for section in media.others]
    blocks.insert(media.place, lines)
    return _described(host, version, blocks)


def offer(host: str, port: int, version: tuple[int, int], media: Media | None = None) -> bytes:
    """An offer for those who ask for one; in a call that has its codec already, of that alone."""
    if media is not None:
        return answer(replace(media, others=(), place=0, speaks=True, listens=True), host, port, version)
    formats = [Format(name, number, CODECS[name]) for name, number in OURS]
    formats += [Format(EVENTS, number, clock_rate) for number, clock_rate in OUR_EVENTS]
    return _described(host, version, [[*_lines(formats, port, PROFILES[0], 20), "a=sendrecv"]])


def _lines(formats: Sequence[Format], port: int, profile: str, piece: int) -> list[str]:
    numbers = " ".join(str(one.payload_type) for one in formats)
    lines = [f"m=audio {port} {profile} {numbers}", *(one.line() for one in formats)]
    lines += [f"a=fmtp:{one.payload_type} {FORMATS[one.name]}" for one in formats if one.name in FORMATS]
    return [*lines, f"a=ptime:{piece}"]


def _rejected(section: Section) -> list[str]:
    """A medium that is not taken stands in the answer with the port 0 (RFC 3264 §6)."""
    return [f"m={section.kind} 0 {section.profile} {' '.join(section.numbers) or '0'}"]


def _described(host: str, version: tuple[int, int], blocks: Sequence[Sequence[str]]) -> bytes:
    place = f"IN {'IP6' if ':' in host else 'IP4'} {host}"
    head = ["v=0", f"o=- {version[0]} {version[1]} {place}", "s=rtstream", f"c={place}", "t=0 0"]
    return "\r\n".join([*head, *(line for block in blocks for line in block), ""]).encode()


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """The lines of the session, and those of each medium."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _connection(block: Sequence[str]) -> str:
    """The address of a `c=`, without a multicast's time to live; "" without one."""
    for line in block:
        if line.startswith("c="):
            return line.split()[-1].partition("/")[0]
    return ""


def _direction(block: Sequence[str]) -> str:
    for line in block:
        if line.strip()[2:] in (*DIRECTIONS, "inactive") and line.startswith("a="):
            return line.strip()[2:]
    return ""


def _is_address(host: str) -> bool:
    """Whether it is an address to send to: a name would have to be asked for, and a group is nobody."""
    try:
        return not ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False


def _piece(wanted: str | None, most: str | None, codec: str) -> int:
    limit = int(most) if most is not None and most.isdigit() and len(most) < 5 else PIECES[-1]
    given = int(wanted) if wanted is not None and wanted.isdigit() and len(wanted) < 5 else 20
    fits = [one for one in PIECES if one <= max(limit, PIECES[0]) and not (one == 30 and codec == "opus")]
    return given if given in fits else min(20, fits[-1])
