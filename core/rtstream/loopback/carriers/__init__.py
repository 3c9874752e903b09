"""The callers' end of each carrier's media stream, strict about what a server sends."""

from __future__ import annotations

from .base import Carrier
from .exotel import Exotel
from .plivo import Plivo
from .telnyx import Telnyx
from .twilio import Twilio
from .vonage import Vonage

CARRIERS: dict[str, type[Carrier]] = {
    "twilio": Twilio,
    "telnyx": Telnyx,
    "plivo": Plivo,
    "vonage": Vonage,
    "exotel": Exotel,
}
