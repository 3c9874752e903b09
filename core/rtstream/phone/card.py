"""What a person who wants to call has to know, in lines of text."""

from __future__ import annotations

from ..carriers.hook import Number


def card(number: Number) -> list[tuple[str, str]]:
    """The facts about a number, each with its name."""
    facts = [("call", number.number)]
    if number.code:
        facts.append(("code", f"{number.code}  (type it when the call is taken)"))
    if number.seconds_left is not None:
        minutes, seconds = divmod(round(number.seconds_left), 60)
        facts.append(("time left", f"{minutes}:{seconds:02d} minutes"))
    if number.reset_date:
        facts.append(("anew on", number.reset_date))
    return facts


def as_dict(number: Number) -> dict[str, object]:
    """The same for machines."""
    return {
        "provider": number.provider,
        "number": number.number,
        "code": number.code or None,
        "seconds_left": number.seconds_left,
        "reset_date": number.reset_date or None,
    }
