from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rtstream import credentials
from rtstream.errors import OptionError, RemoteError

SERVERS = [{"urls": ["turn:turn.example:3478"], "username": "u", "credential": "c"}]
TWILIO_ANSWER = {"username": "u", "password": "p", "ttl": "86400", "ice_servers": SERVERS}
VARIABLES = [
    "HF_TOKEN",
    "CLOUDFLARE_TURN_KEY_ID",
    "CLOUDFLARE_TURN_KEY_API_TOKEN",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
]


@dataclass
class Provider:
    """All three services at one address of 127.0.0.1; it answers what it is told and remembers requests."""

    url: str = ""
    status: int = 201
    answer: Any = field(default_factory=lambda: {"iceServers": SERVERS})
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        return self.seen[-1]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    told = Provider()

    class Answering(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            address = urlsplit(self.path)
            told.seen.append(
                {
                    "method": self.command,
                    "path": address.path,
                    "query": parse_qs(address.query),
                    "authorization": self.headers.get("Authorization"),
                    "agent": self.headers.get("User-Agent"),
                    "body": body,
                }
            )
            text = told.answer if isinstance(told.answer, str) else json.dumps(told.answer)
            self.send_response(told.status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    told.url = f"http://127.0.0.1:{server.server_port}"
    for name in ("HF_URL", "CLOUDFLARE_URL", "TWILIO_URL"):
        monkeypatch.setattr(credentials, name, told.url)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


Call = Callable[..., dict[str, Any]]


def both(name: str) -> pytest.MarkDecorator:
    """The plain function and its `_async` form, called alike."""

    def awaited(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(getattr(credentials, f"{name}_async")(*args, **kwargs))

    plain = getattr(credentials, name)
    return pytest.mark.parametrize("get", [plain, awaited], ids=["plain", "async"])


@both("get_cloudflare_turn_credentials")
def test_a_cloudflare_key_is_exchanged_at_its_endpoint(get: Call, provider: Provider) -> None:
    assert get(turn_key_id="key", turn_key_api_token="secret", ttl=60) == {"iceServers": SERVERS}
    assert provider.last["method"] == "POST"
    assert provider.last["path"] == "/v1/turn/keys/key/credentials/generate-ice-servers"
    assert provider.last["authorization"] == "Bearer secret"
    assert json.loads(provider.last["body"]) == {"ttl": 60}


@both("get_cloudflare_turn_credentials")
def test_the_environments_names_are_fastrtcs(
    get: Call, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "from-env")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "secret\n")  # a file read with its last line's end
    get()
    assert "/from-env/" in provider.last["path"]
    assert provider.last["authorization"] == "Bearer secret"
    assert json.loads(provider.last["body"]) == {"ttl": 600}


@both("get_cloudflare_turn_credentials")
def test_a_hugging_face_token_goes_to_fastrtcs_service(get: Call, provider: Provider) -> None:
    assert get(hf_token="hf_x", ttl=60) == {"iceServers": SERVERS}
    assert (provider.last["method"], provider.last["path"]) == ("GET", "/credentials")
    assert provider.last["query"] == {"ttl": ["60"]}
    assert provider.last["authorization"] == "Bearer hf_x"


@both("get_cloudflare_turn_credentials")
def test_a_token_goes_before_a_key_but_an_argument_before_the_environment(
    get: Call, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_ID", "key_env")
    monkeypatch.setenv("CLOUDFLARE_TURN_KEY_API_TOKEN", "secret_env")
    asked = [
        (get(), "Bearer hf_env"),
        (get(turn_key_id="key", turn_key_api_token="secret"), "Bearer secret"),
        (get(turn_key_id="key", turn_key_api_token="secret", hf_token="hf_arg"), "Bearer hf_arg"),
    ]
    assert [seen["authorization"] for seen in provider.seen] == [expected for _, expected in asked]


@both("get_hf_turn_credentials")
def test_the_hugging_face_functions_work_and_warn(
    get: Call, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    with pytest.warns(UserWarning, match="Use get_cloudflare_turn_credentials"):
        assert get() == {"iceServers": SERVERS}
    assert provider.last["authorization"] == "Bearer hf_env"


@both("get_twilio_turn_credentials")
def test_twilio_gives_relay_only_credentials_without_its_package(get: Call, provider: Provider) -> None:
    provider.answer = TWILIO_ANSWER
    assert get("AC1", "secret") == {"iceServers": SERVERS, "iceTransportPolicy": "relay"}
    assert provider.last["method"] == "POST"
    assert provider.last["path"] == "/2010-04-01/Accounts/AC1/Tokens.json"
    assert provider.last["authorization"] == "Basic " + base64.b64encode(b"AC1:secret").decode()


@both("get_turn_credentials")
def test_the_dispatcher_reaches_every_provider(get: Call, provider: Provider) -> None:
    get(turn_key_id="key", turn_key_api_token="secret")
    get("cloudflare", hf_token="hf_x")
    provider.answer = TWILIO_ANSWER
    get("twilio", twilio_sid="AC1", twilio_token="secret")
    provider.answer = {"iceServers": SERVERS}
    with pytest.warns(UserWarning, match="'hf'"):
        get("hf", token="hf_y", ttl=5)
    ends = [seen["path"].rsplit("/", 1)[-1] for seen in provider.seen]
    assert ends == ["generate-ice-servers", "credentials", "Tokens.json", "credentials"]


@both("get_turn_credentials")
def test_the_dispatcher_leaves_aside_what_only_another_provider_takes(get: Call, provider: Provider) -> None:
    provider.answer = TWILIO_ANSWER
    get("twilio", twilio_sid="AC1", twilio_token="secret", ttl=60, hf_token="hf_x")
    assert provider.last["path"].endswith("Tokens.json")
    with pytest.raises(TypeError, match="twilio_secret"):
        get("twilio", twilio_secret="secret")


@both("get_turn_credentials")
def test_an_unknown_method_is_refused_with_the_known_ones(get: Call, provider: Provider) -> None:
    with pytest.raises(OptionError, match="'coturn'") as refused:
        get("coturn")
    assert isinstance(refused.value, ValueError)
    assert all(name in refused.value.fix for name in ("cloudflare", "twilio", "hf"))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("get_cloudflare_turn_credentials", {"turn_key_id": "key", "turn_key_api_token": "secret"}),
        ("get_cloudflare_turn_credentials", {"hf_token": "hf_x"}),
        ("get_turn_credentials", {"hf_token": "hf_x"}),
        ("get_twilio_turn_credentials", {"twilio_sid": "AC1", "twilio_token": "secret"}),
    ],
)
def test_a_client_that_is_given_is_used_and_left_open(
    function: str, arguments: dict[str, str], provider: Provider
) -> None:
    async def with_client() -> None:
        async with httpx.AsyncClient(headers={"User-Agent": "mine"}) as client:
            await getattr(credentials, f"{function}_async")(**arguments, client=client)
            assert not client.is_closed

    provider.answer = {"iceServers": SERVERS, "ice_servers": SERVERS}
    asyncio.run(with_client())
    assert provider.last["agent"] == "mine"


@pytest.mark.filterwarnings("ignore:get_hf_turn_credentials:UserWarning")
@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("get_hf_turn_credentials", ["HF_TOKEN"]),
        ("get_cloudflare_turn_credentials", VARIABLES[:3]),
        ("get_twilio_turn_credentials", VARIABLES[3:]),
        ("get_turn_credentials", VARIABLES[:3]),
    ],
)
def test_missing_keys_are_named_as_the_environment_calls_them(
    function: str, names: list[str], provider: Provider
) -> None:
    for call in (
        getattr(credentials, function),
        lambda: asyncio.run(getattr(credentials, f"{function}_async")()),
    ):
        with pytest.raises(ValueError, match=names[0]) as refused:
            call()
        assert isinstance(refused.value, OptionError)
        assert all(name in refused.value.what and name in refused.value.fix for name in names)
    assert provider.seen == []


def test_half_a_key_is_a_missing_key(provider: Provider) -> None:
    with pytest.raises(OptionError, match="TWILIO_AUTH_TOKEN"):
        credentials.get_twilio_turn_credentials(twilio_sid="AC1")
    with pytest.raises(OptionError, match="CLOUDFLARE_TURN_KEY_API_TOKEN"):
        credentials.get_cloudflare_turn_credentials(turn_key_id="key")


@pytest.mark.parametrize("token", ["hf_one\nhf_two", "hf_\u00fc", "hf_\0"])
def test_a_badly_copied_key_is_refused_without_being_shown(token: str, provider: Provider) -> None:
    with pytest.raises(OptionError, match="HF_TOKEN") as refused:
        credentials.get_cloudflare_turn_credentials(hf_token=token)
    assert "hf_" not in str(refused.value.as_dict())
    assert refused.value.__context__ is None


@both("get_cloudflare_turn_credentials")
@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, {"errors": [{"code": 1, "message": "bad token secret-7"}]}, "bad token ***"),
        (403, {"code": 20003, "message": "Authenticate"}, "Authenticate"),
        (404, {"error": "no such key"}, "no such key"),
        (422, {"detail": "ttl too long"}, "ttl too long"),
        (500, "<h1>secret-7 broke</h1>", "<h1>*** broke</h1>"),
        (503, "", "Service Unavailable"),
        (302, "", "Found"),
    ],
)
def test_a_refusal_is_told_in_the_providers_words_without_the_secret(
    get: Call, status: int, answer: Any, words: str, provider: Provider
) -> None:
    provider.status, provider.answer = status, answer
    with pytest.raises(RemoteError, match=f"HTTP {status}") as refused:
        get(turn_key_id="key", turn_key_api_token="secret-7")
    assert refused.value.why == f"it says: {words}"
    assert "secret-7" not in str(refused.value.as_dict())


@pytest.mark.parametrize("answer", ["", "hello", [], {}, {"iceServers": None}, {"password": "secret-8"}])
def test_an_answer_without_servers_is_an_error_that_repeats_nothing_of_it(
    answer: Any, provider: Provider
) -> None:
    provider.answer = answer
    with pytest.raises(RemoteError, match="HTTP 201") as refused:
        credentials.get_cloudflare_turn_credentials(hf_token="hf_x")
    assert refused.value.why == "it says: nothing about servers"


@both("get_cloudflare_turn_credentials")
def test_a_service_that_cannot_be_reached_is_named(
    get: Call, provider: Provider, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(credentials, "CLOUDFLARE_URL", f"http://127.0.0.1:{free_port}")
    with pytest.raises(RemoteError, match="Cloudflare") as refused:
        get(turn_key_id="key", turn_key_api_token="secret-7")
    assert "ConnectError" in refused.value.why
    assert "secret-7" not in str(refused.value.as_dict())


def test_a_key_with_a_slash_stays_one_part_of_the_path(provider: Provider) -> None:
    credentials.get_cloudflare_turn_credentials(turn_key_id="../../other", turn_key_api_token="secret")
    assert provider.last["path"] == "/v1/turn/keys/..%2F..%2Fother/credentials/generate-ice-servers"


def test_a_request_does_not_show_its_secret_when_printed() -> None:
    assert "secret-7" not in repr(credentials._twilio("AC1", "secret-7"))


def test_importing_the_functions_does_not_load_httpx() -> None:
    program = "import sys, rtstream.credentials; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
