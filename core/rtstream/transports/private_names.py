"""What is built on names that a library keeps private, and looked at before it is used."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .faults import FAULTS

Check = Callable[[Any, str], bool]  # of what is looked at, and a name as `private` has it


@dataclass(frozen=True, eq=False)
class Feature:
    """What stands on private names.

    `otherwise` says what is done where one of them is another. Of each of the `names`, `Class.attribute`,
    there is a check which says whether it is what it is taken for, given what `probe` makes to be looked at.
    """

    otherwise: str
    names: dict[str, Check]
    probe: Callable[[], Any]


def private(name: str) -> str:
    """The attribute that a name of a feature, `Class.attribute`, stands for."""
    owner, _, attribute = name.partition(".")
    return f"_{owner}{attribute}" if attribute.startswith("__") else attribute


def reads(function: Any, *names: str) -> bool:
    """Whether a function looks names up, so that what stands there instead is used."""
    return set(names) <= set(function.__code__.co_names)


@functools.cache
def broken_names(feature: Feature) -> list[str]:
    """The names of a feature that are not what they are taken for, looked at once; none if it may be used."""
    probe = feature.probe()
    return [name for name, check in feature.names.items() if not _holds(check, probe, private(name))]


def known(feature: Feature) -> bool:
    """Whether a feature may be used."""
    return not broken_names(feature)


def _holds(check: Check, probe: Any, name: str) -> bool:
    try:
        return check(probe, name)
    except FAULTS:
        return False
