"""How Opus is encoded: the settings that a user may choose, and their defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OpusOptions:
    """`rtp_params={"opus": {…}}` sets these.

    Attributes:
        bitrate: bits a second, 6,000 to 510,000.
        complexity: 0 (cheap) to 10. Bits are the better buy: 64 kb/s at 0 are nearer to what was said than
            48 kb/s at 5, and cost three fifths of the work.
        fec: a coarse copy of each packet in the next one (RFC 6716 §2.1.7): always, never, or (None) when
            receiver reports tell of loss. Copies double the work.
        expected_loss: in percent, the least that is reckoned with; receiver reports raise it.
        dtx: send nothing in silence.
    """

    bitrate: int = 64_000
    complexity: int = 0
    fec: bool | None = None
    expected_loss: int = 0
    dtx: bool = False


OPUS_RANGES = {"bitrate": (6000, 510_000), "complexity": (0, 10), "expected_loss": (0, 100)}
