"""The table of all settings: what each takes, and what holds when nobody says anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from re import fullmatch
from typing import Any

SECTIONS = ("test_file",)  # tables of a configuration file that hold settings of one command

ARGUMENT = "the argument"  # how a value is called that has no flag

LONGEST = 86400.0  # seconds: the longest time that may be asked for

MODALITIES = ("audio", "video", "audio-video")
MODES = ("send-receive", "send", "receive")
MEDIA_PATHS = ("own", "aiortc")
TUNNELS = ("auto", "gradio", "ngrok", "cloudflared", "ssh", "public-url")
PROVIDERS = ("fastphone", "twilio", "telnyx", "plivo", "vonage")
CARRIERS = ("twilio", "telnyx", "plivo", "vonage", "exotel")
UIS = ("auto", "page", "gradio", "none")
TRANSPORTS = ("direct", "websocket", "phone", "webrtc", "all")
WAYS = (*TRANSPORTS, *(f"phone:{carrier}" for carrier in (*CARRIERS, "all")))


@dataclass(frozen=True)
class Key:
    """One setting.

    `parse` reads it from the text of a flag or an environment variable and raises ValueError when it
    cannot; `fits` says whether a value (from TOML, or parsed) is one; `expects` and `sample` are for
    people.
    """

    expects: str
    sample: Any
    parse: Callable[[Any], Any]
    fits: Callable[[Any], bool]
    default: Any = None
    section: str = ""
    choices: tuple[str, ...] = ()

    def near(self, given: Any) -> str:
        """The choice that was probably meant, as a sentence."""
        close = get_close_matches(str(given), self.choices, n=1, cutoff=0.5)
        return f"Did you mean `{close[0]}`?" if close else ""

    def example(self, source: str) -> str:
        """A flag, an environment variable or an argument that would do."""
        sample = self.sample[0] if isinstance(self.sample, list) else self.sample
        if source == ARGUMENT:
            return f"For example: {sample}"
        return f"For example: {source}{' ' if source.startswith('--') else '='}{sample}"

    def line(self, name: str) -> str:
        """A line of TOML that would do."""
        from json import dumps

        return f"{name} = {dumps(self.sample)}"


def _text(expects: str, sample: str, default: str | None = None) -> Key:
    return Key(expects, sample, str, lambda value: isinstance(value, str) and value != "", default)


def _choice(choices: tuple[str, ...], default: str | None = None, section: str = "") -> Key:
    expects = f"one of {', '.join(f'`{choice}`' for choice in choices)}"
    return Key(expects, choices[0], str, lambda value: value in choices, default, section, choices)


def _matching(pattern: str, expects: str, sample: str) -> Key:
    return Key(expects, sample, str, lambda value: isinstance(value, str) and bool(fullmatch(pattern, value)))


def _yes_or_no(default: bool, section: str = "") -> Key:
    def parse(text: str) -> bool:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]

    return Key("`true` or `false`", True, parse, lambda value: isinstance(value, bool), default, section)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_port(value: Any) -> bool:
    return _is_number(value) and isinstance(value, int) and 0 <= value <= 65535


def _is_seconds(value: Any) -> bool:
    """Whether it is a time that can be waited for; a day is longer than anybody means."""
    return _is_number(value) and 0 <= value <= LONGEST


def _whole(text: str) -> int | str:
    """A whole number, or the word itself."""
    return int(text) if text.lstrip("-").isdigit() else text


def _is_limit(value: Any) -> bool:
    return value in ("none", "default") or (_is_number(value) and isinstance(value, int) and value >= 1)


def _server(text: str) -> Any:
    from json import loads

    return loads(text) if text.lstrip().startswith("{") else text


def _is_server(value: Any) -> bool:
    url = value.get("urls") if isinstance(value, dict) else value
    urls = url if isinstance(url, list) else [url]
    from rtstream.options import is_ice_url  # loads numpy

    return bool(urls) and all(map(is_ice_url, urls))


KEYS: dict[str, Key] = {
    "target": _text("a handler: a file, a module, a built-in, with `:name` or without", "handler.py:echo"),
    "modality": _choice(MODALITIES),
    "mode": _choice(MODES),
    "host": _text("an address of this machine", "127.0.0.1", "127.0.0.1"),
    "port": Key(
        "a whole number from 0 (any free port) to 65535",
        8000,
        int,
        _is_port,
    ),
    "sip_port": Key("a whole number from 0 (any free port) to 65535", 5060, int, _is_port, 5060),
    "concurrency_limit": Key(
        "a whole number from 1, `none` or `default` (1)", 10, _whole, _is_limit, "default"
    ),
    "time_limit": Key(
        "a number of seconds above 0", 300, float, lambda value: _is_number(value) and 0 < value < inf
    ),
    "ice_server": Key(
        "URLs that start with stun: or turn:, or JSON objects with `urls`, `username` and `credential`",
        ["stun:stun.example.org:3478"],
        lambda texts: [_server(text) for text in texts],
        lambda value: isinstance(value, list) and all(map(_is_server, value)),
        [],
    ),
    "https": _yes_or_no(False),
    "media_path": _choice(MEDIA_PATHS, "own"),
    "ui": _choice(UIS, "auto"),
    "warm": _yes_or_no(True),
    "log_format": _choice(("text", "json"), "text"),
    "drain": Key("a number of seconds from 0 to 86400", 5, float, _is_seconds, 5.0),
    "parameters": Key(
        "a table of the function's own parameters",
        {"gain": 0.5},
        dict,
        lambda value: isinstance(value, dict),
        {},
    ),
    "tunnel": _choice(TUNNELS),
    "public_url": _matching(
        r"https?://[^/\s]+/?", "an address of a scheme and a host", "https://voice.example.org"
    ),
    "ngrok_path": _text("the path of ngrok's agent", "ngrok"),
    "ssh": _text("an SSH destination, or localhost.run, pinggy or serveo", "user@host"),
    "ssh_forward": _text("a port of the SSH server, with its address before or not; 0 for any", "8080"),
    "ssh_config": _text("the path of a file in the place of ~/.ssh/config", "ssh_config"),
    "provider": _choice(PROVIDERS, "fastphone"),
    "provider_url": _matching(r"https?://\S+", "the address of the provider's API", "https://api.twilio.com"),
    "number": _matching(r"\+[1-9]\d{5,14}", "a number in the international form", "+14155550100"),
    "fastphone_url": _matching(
        r"https?://[^\s,]+(,https?://[^\s,]+)*",
        "addresses of the service, with commas between",
        "https://api.fastrtc.org",
    ),
    "via": _choice(WAYS, "direct", "test_file"),
    "realtime": _yes_or_no(False, "test_file"),
}
