"""Which carrier is meant, by its name."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..errors import UsageError
from .hook import Hook
from .plivo import Plivo
from .telnyx import Telnyx
from .twilio import Twilio
from .vonage import Vonage

CARRIERS: dict[str, Callable[[str, str, str], Hook]] = {
    "twilio": Twilio,
    "telnyx": Telnyx,
    "plivo": Plivo,
    "vonage": Vonage,
}


def carrier(name: str, number: str, path: str, base: str = "") -> Hook:
    """A number of a carrier's, not led to us yet.

    Args:
        name: one of `CARRIERS`.
        number: of one's own, in the international form.
        path: of the webhook that takes its calls.
        base: another address of the carrier's API.

    Raises:
        UsageError: there is no such carrier, or the number is none.
        CarrierKeyRefused: its keys are not in the environment.
    """
    if name not in CARRIERS:
        raise UsageError(f"there is no carrier {name!r:.40}", fix=f"Take one of {', '.join(CARRIERS)}")
    if not re.fullmatch(r"\+[1-9]\d{5,14}", number):  # ITU-T E.164
        raise UsageError(
            f"{number!r:.40} is no telephone number", fix="Give it in the form --number +14155550100"
        )
    return CARRIERS[name](number, path, base)
