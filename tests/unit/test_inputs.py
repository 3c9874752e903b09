"""Additional inputs: read from signatures and components, and what of a client's fits them."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import pytest

from rtstream.errors import InputUnfit
from rtstream.inputs import LONGEST_TEXT, Input, as_config, described, fitted, of_function


class Component:
    """Stands for one of Gradio's: what counts is the name of its class and its attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slider(Component): ...


class Number(Component): ...


class Dropdown(Component): ...


class Textbox(Component): ...


class Checkbox(Component): ...


class Image(Component): ...


class FancySlider(Slider): ...


def test_a_signature_is_read_with_its_kinds_and_first_values() -> None:
    def fn(  # type: ignore[no-untyped-def]
        frame: Any,
        gain: float,
        count: int = 3,
        name: str = "Ada",
        on: bool = True,
        voice: Literal["low", "high"] = "high",
        guessed=0.5,
    ) -> None: ...

    assert [(one.name, one.kind, one.value, one.step) for one in of_function(fn, 1)] == [
        ("gain", "number", 0.0, None),
        ("count", "number", 3, 1),
        ("name", "text", "Ada", None),
        ("on", "checkbox", True, None),
        ("voice", "choice", "high", None),
        ("guessed", "number", 0.5, None),
    ]


def test_methods_partials_and_callable_objects_are_read_too() -> None:
    class Loud:
        def __call__(self, frame: Any, gain: float = 1.0) -> None: ...

        def method(self, frame: Any, gain: float = 2.0) -> None: ...

    bound = partial(Loud().method, gain=3.0)
    assert [one.value for one in of_function(Loud(), 1)] == [1.0]
    assert [one.value for one in of_function(Loud().method, 1)] == [2.0]
    assert of_function(bound, 1) == [], "what was bound by name is no input any more"


def test_a_parameter_that_no_page_can_show_leaves_the_list_empty() -> None:
    def takes_an_object(frame: Any, gain: float, model: object) -> None: ...

    def unannotated(frame, thing) -> None: ...  # type: ignore[no-untyped-def]

    assert of_function(takes_an_object, 1) == of_function(unannotated, 1) == []
    assert of_function(print, 1) == [] and of_function(dict, 1) == []


def test_components_are_read_without_loading_gradio() -> None:
    components = [
        FancySlider(label="Gain", value=1, minimum=0, maximum=2, step=0.1),
        Number(value=None),
        Dropdown(label="Voice", value="a", choices=[("Alto", "a"), ("Bass", "b")]),
        Textbox(label="Name", value=None),
        Checkbox(label="On", value=1),
        Input("own", 5),
    ]
    found = described(components)
    assert found is not None
    assert [(one.name, one.kind, one.value) for one in found] == [
        ("Gain", "number", 1),
        ("Input 2", "number", 0),
        ("Voice", "choice", "a"),
        ("Name", "text", ""),
        ("On", "checkbox", True),
        ("own", "number", 5),
    ]
    assert found[2].choices == ("a", "b")


def test_one_component_that_no_page_can_show_hides_all_since_places_would_shift() -> None:
    assert described([Slider(value=1), Image(value=None)]) is None
    assert described([Dropdown(value=[], choices=["a"], multiselect=True)]) is None
    assert as_config([Image()]) == as_config(None) == []


INPUTS = [
    Input("gain", 1.0, minimum=0.0, maximum=2.0),
    Input("count", 1, step=1),
    Input("name", ""),
    Input("on", False),
    Input("voice", 1, choices=(1, 2)),
]


def test_values_that_fit_are_taken_as_they_are() -> None:
    assert fitted(INPUTS, [2, 7.0, "x", True, 2]) == [2.0, 7, "x", True, 2]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 2.1),
        (0, -1),
        (0, float("nan")),
        (0, True),
        (0, "1"),
        (0, None),
        (1, 0.5),
        (1, 10**400),
        (1, float("inf")),
        (2, 5),
        (2, "x" * (LONGEST_TEXT + 1)),
        (3, 1),
        (4, 3),
        (4, True),
        (4, 1.0),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(place: int, value: Any) -> None:
    values: list[Any] = [1.0, 1, "", False, 1]
    values[place] = value
    with pytest.raises(InputUnfit, match=INPUTS[place].name):
        fitted(INPUTS, values)


@pytest.mark.parametrize("values", [None, [], [1.0], {"gain": 1}, [1.0, 1, "", False, 1, 2]])
def test_all_values_are_sent_at_once_and_no_others(values: Any) -> None:
    with pytest.raises(InputUnfit, match="has not the 5 inputs"):
        fitted(INPUTS, values)


@pytest.mark.parametrize("declared", [None, [], [Image()]])
def test_a_stream_that_declares_none_takes_none_by_message(declared: Any) -> None:
    with pytest.raises(InputUnfit, match="takes no inputs by message"):
        fitted(declared, [True])
