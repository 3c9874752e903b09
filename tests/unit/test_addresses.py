"""The addresses that carriers are told, and those that they may have signed."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from rtstream import Stream
from rtstream.errors import OptionError
from rtstream.server.addresses import checked, signed_urls, socket_url


def request(
    *, host: str | None = None, scheme: str = "http", path: str = "/telephone/incoming", query: str = ""
) -> Request:
    headers = [(b"host", host.encode())] if host is not None else []
    scope: dict[str, Any] = {"type": "http", "method": "POST", "scheme": scheme, "headers": headers}
    return Request({**scope, "path": path, "query_string": query.encode(), "server": ("127.0.0.1", 80)})


@pytest.mark.parametrize(
    ("host", "scheme", "url"),
    [
        ("localhost", "http", "ws://localhost/x"),
        ("127.0.0.1:8000", "http", "ws://127.0.0.1:8000/x"),
        ("127.0.0.1:8000", "https", "wss://127.0.0.1:8000/x"),
        ("[::1]:8000", "http", "ws://[::1]:8000/x"),
        ("[2001:db8::1]", "http", "wss://[2001:db8::1]/x"),
        ("call.example", "http", "wss://call.example/x"),
        ("call.example:8443", "https", "wss://call.example:8443/x"),
        ("call.example:bad", "http", "ws://localhost/x"),
        ("[", "http", "ws://localhost/x"),
        ("", "http", "ws://localhost/x"),
    ],
)
def test_the_address_is_that_of_the_request_with_its_port(host: str, scheme: str, url: str) -> None:
    assert socket_url(request(host=host, scheme=scheme), "/x") == url


def test_a_request_without_a_host_came_to_this_machine() -> None:
    assert socket_url(request(), "/x") == "ws://localhost/x"


@pytest.mark.parametrize(
    ("public", "url"),
    [
        ("https://voice.example.com", "wss://voice.example.com/x"),
        ("https://voice.example.com:8443", "wss://voice.example.com:8443/x"),
        ("https://example.com/app", "wss://example.com/app/x"),
        ("http://127.0.0.1:9", "ws://127.0.0.1:9/x"),
        ("wss://voice.example.com", "wss://voice.example.com/x"),
    ],
)
def test_the_public_address_counts_whatever_host_the_request_names(public: str, url: str) -> None:
    assert socket_url(request(host="evil.example"), "/x", public) == url


def test_a_path_that_the_proxy_has_left_in_place_is_not_doubled() -> None:
    assert socket_url(request(), "/app/x", "https://example.com/app") == "wss://example.com/app/x"


def test_an_address_from_a_request_is_taken_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    socket_url(request(host="call.example"), "/x")
    assert "call.example" in caplog.text and "stream.public_url" in caplog.text
    caplog.clear()
    socket_url(request(host="127.0.0.1:8000"), "/x")
    socket_url(request(host="call.example"), "/x", "https://voice.example.com")
    socket_url(request(host="call.example"), "/x", verified=True)  # a signature covers the host
    assert not caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "voice.example.com",
        "ftp://a.example",
        "https://",
        "https://a.example:99999",
        "https://a.example?x=1",
    ]
    + ["https://a.example#x", "https://a.example:x"],
)
def test_what_is_no_public_address_is_refused_when_it_is_set(address: str) -> None:
    with pytest.raises(OptionError, match="public address"):
        checked(address)
    stream = Stream(lambda frame: frame, modality="audio")
    with pytest.raises(OptionError):
        stream.public_url = address
    assert stream.public_url is None


def test_a_public_address_loses_its_last_slash() -> None:
    stream = Stream(lambda frame: frame, modality="audio")
    stream.public_url = "https://voice.example.com/app/"
    assert stream.public_url == "https://voice.example.com/app"
    stream.public_url = None
    assert stream.public_url is None


@pytest.mark.parametrize(
    ("scheme", "public", "urls"),
    [
        ("http", None, {"http://a.example:5/p?q=1", "https://a.example:5/p?q=1"}),
        ("https", None, {"https://a.example:5/p?q=1"}),
        ("ws", None, {"ws://a.example:5/p?q=1", "wss://a.example:5/p?q=1"}),
        ("http", "https://b.example", {"https://b.example/p?q=1", "wss://b.example/p?q=1"}),
        ("http", "https://b.example/app", {"https://b.example/app/p?q=1", "wss://b.example/app/p?q=1"}),
    ],
)
def test_a_signature_is_looked_for_under_each_address_that_may_be_ours(
    scheme: str, public: str | None, urls: set[str]
) -> None:
    assert (
        set(signed_urls(request(host="a.example:5", scheme=scheme, path="/p", query="q=1"), public)) == urls
    )
