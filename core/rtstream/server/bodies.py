"""The bodies that clients post, checked before anything is done with them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

LONGEST_SDP = 64 * 1024  # characters: a browser's offer with audio, video and data has about 6,000


class Body(BaseModel):
    """An offer or a trickled candidate in FastRTC's form, or a goodbye.

    `type` is "offer" (with `sdp`) or "ice-candidate" (with `candidate`: `candidate`, `sdpMid`,
    `sdpMLineIndex` as browsers give them; or several at once in `candidates`). `webrtc_id` is the
    client's: unique and hard to guess. "bye" ends its connection; a client whose data channel is open
    says it there.
    """

    sdp: str | None = Field(default=None, max_length=LONGEST_SDP)
    candidate: dict[str, Any] | None = None
    candidates: list[dict[str, Any]] | None = None
    type: Literal["offer", "ice-candidate", "bye"]
    webrtc_id: str = Field(min_length=1, max_length=256)
