"""The additional inputs of a handler as a page can show them: kinds, bounds, and what fits them."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .errors import InputUnfit

LARGEST = 1e300  # and no number that is none, or more digits than a float holds
LONGEST_TEXT = 10_000  # characters of a text input

InputKind = Literal["number", "text", "checkbox", "choice"]


@dataclass(frozen=True)
class Input:
    """One additional input, declared without Gradio: `Stream(fn, additional_inputs=[Input("gain", 1.0)])`.

    Args:
        name: what it is called, for people and in errors.
        value: what the handler is given until the client sends something else.
        kind: "number", "text", "checkbox" or "choice"; by default that of the value.
        minimum, maximum: bounds of a number; with both it is shown as a slider.
        step: of a number: 1 makes it a whole one.
        choices: what a choice may be.
    """

    name: str
    value: Any
    kind: InputKind | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.kind is None:
            kind = "choice" if self.choices else _KINDS.get(type(self.value), "text")
            object.__setattr__(self, "kind", kind)

    def fitted(self, value: Any) -> Any:
        """A value from a client, if it is one that this input can have.

        Raises:
            InputUnfit
        """
        if self.kind == "number":
            return self._number(value)
        if self.kind == "choice":
            if any(value == choice and type(value) is type(choice) for choice in self.choices):
                return value
            raise self._unfit(value, f"one of {', '.join(map(repr, self.choices))}")
        if self.kind == "checkbox" and not isinstance(value, bool):
            raise self._unfit(value, "true or false")
        if self.kind == "text" and not (isinstance(value, str) and len(value) <= LONGEST_TEXT):
            raise self._unfit(value, f"text of at most {LONGEST_TEXT} characters")
        return value

    def _number(self, value: Any) -> float:
        low = -LARGEST if self.minimum is None else self.minimum
        high = LARGEST if self.maximum is None else self.maximum
        whole = self.step == 1
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            least = f" from {low:g}" if low > -LARGEST else ""
            raise self._unfit(value, kind + least + (f" up to {high:g}" if high < LARGEST else ""))
        return int(value) if whole else float(value)

    def _unfit(self, value: Any, expected: str) -> InputUnfit:
        what = f"the input `{self.name}` cannot be {value!r:.60}"
        return InputUnfit(what, why=f"it is {expected}", fix=f"Send {expected}")


_KINDS: dict[type, InputKind] = {bool: "checkbox", int: "number", float: "number", str: "text"}
_FIRST: dict[type, Any] = {bool: False, int: 0, float: 0.0, str: ""}


def of_function(fn: Callable[..., Any], media: int) -> list[Input]:
    """The parameters of a function after the first `media` ones, from their annotations and defaults.

    All or none: a parameter of which a page cannot make a control leaves the list empty.
    """
    try:
        parameters = list(inspect.signature(fn).parameters.values())
        hints = typing.get_type_hints(fn if inspect.isroutine(fn) else getattr(fn, "func", type(fn).__call__))
    except (TypeError, ValueError, NameError, AttributeError):
        return []
    beyond = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][media:]
    found = [_of_parameter(parameter, hints.get(parameter.name)) for parameter in beyond]
    return [] if None in found else [one for one in found if one is not None]


def _of_parameter(parameter: inspect.Parameter, hint: Any) -> Input | None:
    default = parameter.default
    given = default is not parameter.empty
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        return Input(parameter.name, default if given else choices[0], "choice", choices=choices)
    kind = hint if hint in _KINDS else type(default) if given else None
    if kind not in _KINDS:
        return None
    value = default if given else _FIRST[kind]
    return Input(parameter.name, value, _KINDS[kind], step=1 if kind is int else None)


def described(components: Sequence[Any] | None) -> list[Input] | None:
    """What `additional_inputs` of a stream holds, as inputs; None when a page cannot show all of it.

    Components of Gradio are read by their names and attributes, so that it need not be loaded.
    """
    found = [_of_component(component, place) for place, component in enumerate(components or ())]
    return None if None in found else [one for one in found if one is not None]


def _of_component(component: Any, place: int) -> Input | None:
    if isinstance(component, Input):
        return component
    names = {cls.__name__ for cls in type(component).__mro__}
    label = str(getattr(component, "label", None) or f"Input {place + 1}")
    value = getattr(component, "value", None)
    if names & {"Slider", "Number"}:
        low, high, step = (getattr(component, key, None) for key in ("minimum", "maximum", "step"))
        return Input(label, 0 if value is None else value, "number", low, high, step)
    if names & {"Dropdown", "Radio"} and not getattr(component, "multiselect", False):
        pairs = [one if isinstance(one, tuple) else (one, one) for one in component.choices or ()]
        return Input(label, value, "choice", choices=tuple(choice for _, choice in pairs))
    if "Checkbox" in names:
        return Input(label, bool(value), "checkbox")
    if "Textbox" in names:
        return Input(label, str(value or ""), "text")
    return None


def fitted(components: Sequence[Any] | None, values: Any) -> list[Any]:
    """A client's values for the inputs that a stream declares, in their order.

    Raises:
        InputUnfit: there are others, or it declares none that a client may send by itself.
    """
    known = described(components)
    if not known:
        raise InputUnfit(
            "this stream takes no inputs by message",
            why="it declares none in `additional_inputs`, or some that are not plain values",
            fix="Send them to a route of the server that calls `stream.set_input`",
        )
    if not isinstance(values, list) or len(values) != len(known):
        raise InputUnfit(
            f"the message has not the {len(known)} inputs of this stream",
            why=f"they are {', '.join(one.name for one in known)}",
            fix='Send {"type": "set_input", "data": […]} with all of them',
        )
    return [one.fitted(value) for one, value in zip(known, values, strict=True)]


def as_config(components: Sequence[Any] | None) -> list[dict[str, Any]]:
    """The inputs as the element's configuration has them; empty when a page cannot show all of them."""
    return [asdict(one) for one in described(components) or ()]
