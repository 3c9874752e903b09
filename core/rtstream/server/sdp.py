"""What an offer asks for, read before aiortc sees it, and what of it does not fit the stream."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BadOffer, TracksUnfit
from ..options import StreamOptions
from .whole_sdp import parts

MOST_SECTIONS = 8  # m-lines: an honest offer has up to three, each more costs the loop time
MOST_CANDIDATES = 32  # a= candidate lines: each is an address that the server is made to send to

_PORT = re.compile(r"[0-9]{1,5}(/[0-9]+)?")  # RFC 8866 §5.14
_BYTES = "[0-9a-f]{2}(:[0-9a-f]{2})"  # RFC 8122 §5: as many as the hash has
_FINGERPRINT = re.compile(
    f"a=fingerprint:sha-(256 {_BYTES}{{31}}|384 {_BYTES}{{47}}|512 {_BYTES}{{63}})", re.I
)

_SENDS = {"sendrecv", "sendonly"}
_TAKES = {"sendrecv", "recvonly"}
_DIRECTIONS = _SENDS | _TAKES | {"inactive"}


@dataclass(frozen=True)
class Section:
    """One m-line of an offer, and whether it stands: one of port 0 is refused, unless it is bundled only."""

    kind: str
    stands: bool
    direction: str


def sections(sdp: str) -> list[Section]:
    """The m-lines of an offer, in their order.

    Raises:
        BadOffer: it is no offer that a peer connection could have made, or is too large for an honest one.
    """
    lines = [line.strip() for line in sdp.splitlines()]
    found = [_section(part) for part in parts(sdp)[1:]]
    candidates = sum(line.startswith("a=candidate:") for line in lines)
    if len(found) > MOST_SECTIONS or candidates > MOST_CANDIDATES:
        raise _bad(f"it has {len(found)} sections and {candidates} candidates")
    if not any(section.kind in ("audio", "video", "application") for section in found):
        raise _bad("it has no audio, video or data section")
    for needed in ("a=ice-ufrag:", "a=ice-pwd:"):
        if not any(line.startswith(needed) for line in lines):
            raise _bad(f"it has no {needed[2:]} line")
    if not any(_FINGERPRINT.fullmatch(line) for line in lines):
        raise _bad("it has no fingerprint: line of SHA-256, SHA-384 or SHA-512")
    return found


def _section(lines: list[str]) -> Section:
    kind, port, *_ = [*lines[0][2:].split(), "", ""]
    if not _PORT.fullmatch(port):
        raise _bad(f"its line {lines[0][:40]!r} has no port")
    directions = [line[2:] for line in lines if line[2:] in _DIRECTIONS and line.startswith("a=")]
    stands = int(port.partition("/")[0]) > 0 or "a=bundle-only" in lines  # RFC 9143 §6
    return Section(kind, stands, directions[-1] if directions else "sendrecv")


def without_host_names(sdp: str) -> tuple[str, list[str]]:
    """The offer without candidates whose address is a `.local` name, and those candidates.

    Looking such a name up takes up to a second, and the pair is found without it most times.
    """
    lines = sdp.splitlines()
    named = [line for line in lines if line.startswith("a=candidate:") and ".local " in line]
    return "\r\n".join(line for line in lines if line not in named) + "\r\n", named


def check_fit(found: list[Section], options: StreamOptions) -> None:
    """See that the offered tracks are those that the stream is made of.

    Raises:
        TracksUnfit
    """
    offered = [section for section in found if section.kind in ("audio", "video") and section.stands]
    fitting = [section for section in offered if section.kind in options.kinds]
    if not fitting:
        raise TracksUnfit(
            f"the offer has no {' and no '.join(options.kinds)} track",
            why=f"this stream's modality is {options.modality!r}",
            fix=f'Call addTrack, or addTransceiver("{options.kinds[0]}"), before createOffer()',
        )
    extra = [section.kind for section in offered if section.kind not in options.kinds]
    extra += ["second " + kind for kind in options.kinds if sum(s.kind == kind for s in fitting) > 1]
    if extra and not options.allow_extra_tracks:
        raise TracksUnfit(
            f"the offer has a {extra[0]} track that this stream does not take",
            why=f"its modality is {options.modality!r}",
            fix="Offer the stream's own tracks only, or make the Stream with allow_extra_tracks=True",
        )
    writes = options.ui_args.get("variant") == "textbox"  # and may send text alone
    if options.mode == "send" and not writes and not any(s.direction in _SENDS for s in fitting):
        raise _one_way("sends nothing", "send", "sendonly")
    if options.mode == "receive" and not any(s.direction in _TAKES for s in fitting):
        raise _one_way("takes nothing", "receive", "recvonly")
    if all(s.direction == "inactive" for s in fitting):
        raise _one_way("is inactive", options.mode, "sendrecv")


def _one_way(what: str, mode: str, direction: str) -> TracksUnfit:
    return TracksUnfit(
        f"the offered track {what}, but the stream's mode is {mode!r}",
        fix=f'Offer the transceiver with direction "{direction}"',
    )


def _bad(why: str) -> BadOffer:
    return BadOffer(
        "the offer is no SDP that can be answered",
        why=why,
        fix="Send what RTCPeerConnection.createOffer gave, unchanged",
    )
