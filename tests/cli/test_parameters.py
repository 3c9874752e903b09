"""`-- --gain 0.5`: what it sets, and what is said when it does not fit."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

import rtstream
from rtstream.errors import ConfigError, UsageError
from rtstream_cli import parameters
from rtstream_cli.discover import Target


class Voice(Enum):
    LOW = "deep"
    HIGH = 2


def rich(  # type: ignore[no-untyped-def]
    audio: Any,
    file: Path = Path(),
    voice: Voice = Voice.LOW,
    words: list[str] = [],  # noqa: B006 (nobody changes it)
    span: tuple[int, ...] = (),
    names: dict[str, int] | None = None,
    price: Decimal = Decimal(1),
    other: Any = None,
    untyped=("a",),
) -> dict[str, Any]:
    return dict(locals())


def handler(  # type: ignore[no-untyped-def]
    audio: Any,
    gain: float = 1.0,
    times: int = 1,
    loud: bool = False,
    name: str = "",
    voice: Literal["low", "high"] = "low",
    cut: float | None = None,
    untyped=5,
    bare=None,
    *,
    only_by_key: int = 0,
) -> dict[str, Any]:
    return {
        "gain": gain,
        "times": times,
        "loud": loud,
        "name": name,
        "voice": voice,
        "cut": cut,
        "untyped": untyped,
        "bare": bare,
        "only_by_key": only_by_key,
    }


class Echo(rtstream.StreamHandler):
    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def receive(self, frame: Any) -> None: ...
    def emit(self) -> Any: ...


def source(volume: float = 1.0):  # type: ignore[no-untyped-def]
    yield volume


def applied(words: str, obj: Any = handler, configured: dict[str, Any] | None = None) -> Any:
    return parameters.apply(
        Target("handler.py:handler", obj), words.split(), configured or {}, "rtstream.toml"
    )


SET: list[tuple[str, str, Any]] = [
    ("--gain 0.5", "gain", 0.5),
    ("--gain=-3", "gain", -3.0),
    ("--gain -3", "gain", -3.0),
    ("--times 4", "times", 4),
    ("--loud", "loud", True),
    ("--loud yes", "loud", True),
    ("--loud=false", "loud", False),
    ("--no-loud", "loud", False),
    ("--name Ada", "name", "Ada"),
    ("--name=--odd", "name", "--odd"),
    ("--voice high", "voice", "high"),
    ("--cut 2", "cut", 2.0),
    ("--cut none", "cut", None),
    ("--untyped 7", "untyped", 7),
    ("--bare text", "bare", "text"),
    ("--only-by-key 3", "only_by_key", 3),
]


@pytest.mark.parametrize(("words", "name", "value"), SET)
def test_a_value_gets_the_type_that_the_signature_tells(words: str, name: str, value: Any) -> None:
    found = applied(words)(None)[name]
    assert found == value
    assert type(found) is type(value)


RICH: list[tuple[str, str, Any]] = [
    ("--file a/b.txt", "file", Path("a/b.txt")),
    ("--voice deep", "voice", Voice.LOW),
    ("--voice HIGH", "voice", Voice.HIGH),
    ("--voice 2", "voice", Voice.HIGH),
    ('--words ["ja","nein"]', "words", ["ja", "nein"]),
    ("--span [1,2]", "span", (1, 2)),
    ('--names {"a":1}', "names", {"a": 1}),
    ("--names none", "names", None),
    ('--untyped ["b"]', "untyped", ("b",)),
    ("--other text", "other", "text"),
]


@pytest.mark.parametrize(("words", "name", "value"), RICH)
def test_paths_enums_and_what_holds_several_are_no_mere_texts(words: str, name: str, value: Any) -> None:
    assert applied(words, rich)(None)[name] == value


@pytest.mark.parametrize(
    "words",
    ["--voice low", "--words ja", "--words {}", "--names [1]", "--span 1", "--price 2", "--untyped b"],
)
def test_a_text_that_is_not_of_the_class_is_refused_and_not_handed_on(words: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        applied(words, rich)


def test_values_of_the_file_become_what_the_signature_tells_too() -> None:
    said = {"file": "a.txt", "voice": "deep", "span": [1, 2], "words": ["ja"]}
    found = applied("", rich, said)(None)
    assert (found["file"], found["voice"], found["span"]) == (Path("a.txt"), Voice.LOW, (1, 2))


def test_several_values_are_set_at_once() -> None:
    found = applied("--gain 2 --loud --name Ada")(None)
    assert (found["gain"], found["loud"], found["name"]) == (2.0, True, "Ada")


def test_words_win_over_the_file() -> None:
    found = applied("--gain 2", configured={"gain": 3.0, "times": 4})(None)
    assert (found["gain"], found["times"]) == (2.0, 4)


def test_without_any_the_handler_stays_itself() -> None:
    assert applied("") is handler


def test_a_handler_class_becomes_a_factory_with_the_value() -> None:
    assert applied("--gain 0.5", Echo)().gain == 0.5


def test_a_source_has_no_place_for_media_and_takes_its_first_parameter() -> None:
    assert next(applied("--volume 0.5", source)()) == 0.5


WRONG: list[tuple[str, str, str]] = [
    ("--gian 1", "has no parameter `gian`", "Did you mean `--gain`?"),
    ("--audio 1", "has no parameter `audio`", ""),
    ("--gain loud", "`--gain` cannot be 'loud'", ""),
    ("--times 1.5", "`--times` cannot be '1.5'", ""),
    ("--loud maybe", "`--loud` cannot be 'maybe'", ""),
    ("--voice middle", "`--voice` cannot be 'middle'", ""),
    ("0.5", "`0.5` behind `--` has no name", ""),
    ("-g 1", "`-g` behind `--` has no name", ""),
]


@pytest.mark.parametrize(("words", "what", "fix"), WRONG)
def test_what_does_not_fit_is_told_with_the_parameters_that_are_there(
    words: str, what: str, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        applied(words)
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.why


def test_the_parameters_are_shown_with_type_and_default() -> None:
    with pytest.raises(UsageError) as caught:
        applied("--nothing 1", Echo)
    assert caught.value.why == "it has `gain: float = 1.0`"


def test_a_value_of_the_file_that_does_not_fit_is_told_with_the_file() -> None:
    with pytest.raises(ConfigError, match=r"rtstream.toml: `gain` of \[parameters\] cannot be 'loud'"):
        applied("", configured={"gain": "loud"})
    with pytest.raises(ConfigError, match=r"`times` of \[parameters\] cannot be 1.5"):
        applied("", configured={"times": 1.5})
    with pytest.raises(ConfigError) as caught:
        applied("", configured={"gian": 1})
    assert caught.value.fix == "Did you mean `gain`?"


def test_a_stream_has_no_parameters_to_set() -> None:
    stream = rtstream.Stream(handler, modality="audio", verbose=False)
    with pytest.raises(UsageError) as caught:
        applied("--gain 1", stream)
    assert caught.value.why == "it has none to set"
