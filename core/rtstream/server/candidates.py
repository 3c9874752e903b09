"""ICE candidates as clients write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiortc.sdp import candidate_from_sdp

from ..errors import BadCandidate

if TYPE_CHECKING:
    from aiortc import RTCIceCandidate


def read_candidate(given: dict[str, Any] | None) -> RTCIceCandidate | None:
    """The candidate in a body; None for the end of candidates.

    RFC 8839 §5.1: `candidate:foundation component transport priority address port typ type`, eight
    words or more.

    Raises:
        BadCandidate: it is not of that form.
    """
    text = (given or {}).get("candidate") or ""
    if not isinstance(text, str):
        raise _bad(repr(text), "it is not text")
    text = text.removeprefix("a=").removeprefix("candidate:").strip()
    if not text:
        return None
    try:
        candidate = candidate_from_sdp(text)
    except (AssertionError, ValueError) as error:
        raise _bad(text, "it has not the eight words of RFC 8839 §5.1, or one is no number") from error
    if not 0 < candidate.port < 65536:
        raise _bad(text, f"{candidate.port} is no port")
    mid, index = (given or {}).get("sdpMid"), (given or {}).get("sdpMLineIndex")
    candidate.sdpMid = mid if isinstance(mid, str) else None
    candidate.sdpMLineIndex = (
        index if isinstance(index, int) else (None if candidate.sdpMid is not None else 0)
    )
    return candidate


def _bad(text: str, why: str) -> BadCandidate:
    return BadCandidate(
        f"the ICE candidate {text[:80]!r} cannot be read",
        why=why,
        fix="Send event.candidate.toJSON() unchanged",
    )
