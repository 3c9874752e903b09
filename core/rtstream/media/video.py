"""How pictures are encoded: the settings that a user may choose, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Preference = Literal["balanced", "maintain-framerate", "maintain-resolution"]


@dataclass(frozen=True)
class VideoOptions:
    """`rtp_params={"video": {…}}` sets these.

    Attributes:
        bitrate: bits a second at most, 50,000 to 50,000,000; what is sent follows the network, and is less
            for small pictures.
        fps: pictures a second at most, 1 to 120.
        degradation_preference: what is lowered last when processor or network cannot keep up, as in W3C's
            `RTCDegradationPreference`; `rtp_params["degradationPreference"]` says it too.
    """

    bitrate: int = 5_000_000
    fps: int = 30
    degradation_preference: Preference = "balanced"


VIDEO_RANGES = {"bitrate": (50_000, 50_000_000), "fps": (1, 120)}
